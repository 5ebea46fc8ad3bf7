import { checkValue } from "../commands/checkValue.ts";
import { UserError } from "../files/userError.ts";
import { typesOf, type Graph, type GraphNode, type ValueId } from "../ir/graph.ts";

/** A value of a graph by what it is called. */
export interface ShownValue {
  /** An `as` name, or the path of the layer or block that gives it. */
  readonly name: string;
  readonly value: ValueId;
  /** Channels, height and width. */
  readonly shape: readonly [number, number, number];
}

/**
 * The values whose maps are shown: those asked for, by `as` name or by layer; else the `as` names that are images; else what the
 * first convolution gives, and the last value that is still an image. Throws `UserError` where a name is not there or no image.
 */
export function shownValues(graph: Graph, asked: readonly string[]): readonly ShownValue[] {
  const types = typesOf(graph);
  const shown = (name: string, value: ValueId): ShownValue | undefined => {
    const [channels, height, width] = types.get(value)?.shape ?? [];
    if (channels === undefined || height === undefined || width === undefined) return undefined;
    return { name, value, shape: [channels, height, width] };
  };
  if (asked.length > 0) return asked.map((name) => askedValue(graph, name, shown));
  const named = [...graph.named].flatMap(([name, value]) => shown(name, value) ?? []);
  if (named.length > 0) return named;
  const first = graph.nodes.find(({ type }) => type.shape.length === 3);
  const last = graph.nodes.findLast(({ type }) => type.shape.length === 3 && (type.shape[1] ?? 1) * (type.shape[2] ?? 1) > 1); // prettier-ignore
  const values = [first && activated(graph, first), last].flatMap((node) => (node && shown(node.origin.path || node.op, node.output)) ?? []); // prettier-ignore
  return values.filter(({ value }, index) => index === 0 || value !== values[0]?.value);
}

function askedValue(
  graph: Graph,
  name: string,
  shown: (name: string, value: ValueId) => ShownValue | undefined,
): ShownValue {
  const found = shown(name, checkValue(graph, name));
  if (found === undefined) throw new UserError(`--value ${name}: it is no image of channels, height and width`, 2);
  return found;
}

/** What alone follows a layer without changing its shape, normalisation and activation: what later layers see. */
function activated(graph: Graph, layer: GraphNode): GraphNode {
  const batched = new Set(graph.nodes.map(({ output }) => output));
  let found = layer;
  for (;;) {
    const readers = graph.nodes.filter(({ inputs }) => Object.values(inputs).includes(found.output));
    const [next] = readers;
    if (readers.length !== 1 || next === undefined) return found;
    const isAlone = Object.values(next.inputs).filter((value) => batched.has(value)).length === 1;
    if (!isAlone || next.type.shape.join() !== found.type.shape.join() || hasKernel(next)) return found;
    found = next;
  }
}

function hasKernel({ attrs }: GraphNode): boolean {
  return "kernel" in attrs;
}
