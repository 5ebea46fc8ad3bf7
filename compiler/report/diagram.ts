/** A network as boxes in groups: a layer with weights and what follows it directly is one box, a block's call one group. */
import { modulesOf, type Module } from "../commands/summarize.ts";
import { typesOf, type Graph, type GraphNode, type ValueId } from "../ir/graph.ts";
import type { Diagram, GroupBox, LayerBox } from "./reportData.ts";

/** Beyond this, blocks are boxes: a picture of hundreds of layers shows nothing. */
const mostBoxes = 90;

interface OpenBox {
  readonly id: number;
  /** The modules that it lies in, outermost first. */
  readonly modules: readonly Module[];
  readonly lines: { name: string; detail: string }[];
  readonly inputs: Set<number>;
  layer: string;
  last: ValueId;
}

/** The picture of a network's forward graph. */
export function diagramOf(graph: Graph): Diagram {
  const boxes = boxesOf(graph);
  if (boxes.length <= mostBoxes) return { root: groupsOf(graph, boxes), isCollapsed: false };
  return { root: groupsOf(graph, collapsed(boxes)), isCollapsed: true };
}

function boxesOf(graph: Graph): readonly OpenBox[] {
  const [images] = graph.inputs;
  const input: OpenBox = { id: 0, modules: [], lines: [{ name: "input", detail: "" }], inputs: new Set(), layer: "input", last: images?.value ?? (0 as ValueId) }; // prettier-ignore
  const boxOf = new Map<ValueId, OpenBox>([[input.last, input]]);
  const weights = new Set(graph.parameters.flatMap(({ value, type }) => (type.shape.length > 1 ? [value] : [])));
  const readers = countReaders(graph);
  const boxes = [input];
  for (const node of graph.nodes) {
    const values = Object.values(node.inputs).filter((value) => boxOf.has(value));
    const sources = [...new Set(values.map((value) => boxOf.get(value) as OpenBox))];
    const [before] = sources;
    const modules = modulesOf(node);
    const layer = node.origin.path || `${node.op} ${node.output}`;
    const isSameLayer = sources.length === 1 && before?.layer === layer;
    const follows =
      before !== undefined &&
      before !== input &&
      sources.length === 1 &&
      values.length === 1 &&
      before.last === values[0] &&
      readers.get(before.last) === 1 &&
      before.modules.at(-1)?.name === modules.at(-1)?.name &&
      !Object.values(node.inputs).some((value) => weights.has(value));
    if (before !== undefined && (isSameLayer || follows)) {
      if (!isSameLayer) before.lines.push(lineOf(node));
      before.layer = layer;
      before.last = node.output;
      boxOf.set(node.output, before);
    } else {
      const box = { id: boxes.length, modules, lines: [lineOf(node)], inputs: new Set(sources.map(({ id }) => id)), layer, last: node.output }; // prettier-ignore
      boxes.push(box);
      boxOf.set(node.output, box);
    }
  }
  return boxes;
}

function countReaders(graph: Graph): ReadonlyMap<ValueId, number> {
  const counts = new Map<ValueId, number>();
  const add = (value: ValueId): unknown => counts.set(value, (counts.get(value) ?? 0) + 1);
  for (const node of graph.nodes) Object.values(node.inputs).forEach(add);
  return counts;
}

function lineOf({ op, attrs, origin }: GraphNode): OpenBox["lines"][number] {
  const pair = (name: string, usual: string): string => {
    const value = attrs[name];
    const text = Array.isArray(value) ? value.join("x") : String(value ?? usual);
    return text === usual ? "" : text;
  };
  const kernel = pair("kernel", "");
  // A pool's windows lie side by side unless it says otherwise.
  const stride = pair("stride", op.endsWith("pool") ? kernel : "1x1");
  const groups = pair("groups", "1");
  const parts = [kernel, stride && `stride ${stride}`, groups && `groups ${groups}`];
  const name = origin.path === "" ? op : (origin.path.split(".").at(-1) ?? op);
  return { name, detail: parts.filter((part) => part !== "").join(" ") };
}

/** Each block that the model calls as one box, and the layers between them together where they follow each other. */
function collapsed(boxes: readonly OpenBox[]): readonly OpenBox[] {
  const result: OpenBox[] = [];
  const resultOf = new Map<number, OpenBox>();
  for (const box of boxes) {
    const [module] = box.modules;
    const inputs = [...box.inputs].map((id) => (resultOf.get(id) as OpenBox).id);
    const same = module && result.find(({ layer }) => layer === `module ${module.name}`);
    if (same === undefined) {
      const lines = module === undefined ? box.lines : [{ name: module.name, detail: module.block }];
      const layer = module === undefined ? box.layer : `module ${module.name}`;
      const added = { id: result.length, modules: [], lines, inputs: new Set(inputs), layer, last: box.last };
      result.push(added);
      resultOf.set(box.id, added);
    } else {
      for (const id of inputs) if (id !== same.id) same.inputs.add(id);
      same.last = box.last;
      resultOf.set(box.id, same);
    }
  }
  return result;
}

function groupsOf(graph: Graph, boxes: readonly OpenBox[]): GroupBox {
  const types = typesOf(graph);
  interface OpenGroup extends GroupBox {
    readonly boxes: (LayerBox | OpenGroup)[];
  }
  const root: OpenGroup = { kind: "group", name: graph.name, block: "", boxes: [] };
  const groups = new Map<string, OpenGroup>();
  for (const { id, modules, lines, inputs, last } of boxes) {
    let parent = root;
    for (const { name, block } of modules) {
      const known = groups.get(name);
      const group = known ?? { kind: "group", name, block, boxes: [] };
      if (known === undefined) {
        parent.boxes.push(group);
        groups.set(name, group);
      }
      parent = group;
    }
    parent.boxes.push({ kind: "layers", id, lines, output: types.get(last)?.shape ?? [], inputs: [...inputs] });
  }
  return root;
}
