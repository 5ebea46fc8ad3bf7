/** Where the boxes, groups and edges of a diagram stand; the layout is dagre's. */
import * as dagre from "@dagrejs/dagre";
import { formatShape } from "../ir/graph.ts";
import type { GroupBox, LayerBox, Point } from "./reportData.ts";

export interface Placed {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface PlacedDiagram {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly (Placed & { readonly box: LayerBox })[];
  /** The outer ones first. */
  readonly groups: readonly (Placed & { readonly group: GroupBox })[];
  readonly edges: readonly (readonly Point[])[];
}

/** What is used of dagre: its own declarations import files without their extension, which resolves to `any` here. */
interface Dagre {
  readonly Graph: new (options: { readonly compound: boolean }) => DagreGraph;
  readonly layout: (graph: DagreGraph) => void;
}

interface DagreGraph {
  setGraph(label: Readonly<Record<string, unknown>>): void;
  setDefaultEdgeLabel(label: () => object): void;
  setNode(id: string, label: object): void;
  setParent(id: string, parent: string): void;
  setEdge(from: string, to: string): void;
  /** After the layout with its size, and the middle where it stands. */
  node(id: string): Partial<Placed>;
  edges(): readonly object[];
  edge(edge: object): { readonly points?: readonly Point[] };
  graph(): { readonly width?: number; readonly height?: number };
}

/** Sizes of the text, in the units of the picture. */
export const diagramText = { character: 6.7, line: 16, padding: 9 } as const;

/** Places a diagram from top to bottom; x and y are the upper left corners. */
export function layoutDiagram(root: GroupBox): PlacedDiagram {
  const { Graph, layout } = dagre as unknown as Dagre;
  const graph = new Graph({ compound: true });
  graph.setGraph({ rankdir: "TB", nodesep: 22, ranksep: 28, marginx: 6, marginy: 18 });
  graph.setDefaultEdgeLabel(() => ({}));
  const boxes: LayerBox[] = [];
  const groups: GroupBox[] = [];
  const add = (group: GroupBox, parent: string | undefined): void => {
    for (const part of group.boxes) {
      const id = part.kind === "group" ? `group ${part.name}` : String(part.id);
      if (part.kind === "group") {
        graph.setNode(id, {});
        groups.push(part);
      } else {
        graph.setNode(id, boxSize(part));
        boxes.push(part);
      }
      if (parent !== undefined) graph.setParent(id, parent);
      if (part.kind === "group") add(part, id);
    }
  };
  add(root, undefined);
  for (const { id, inputs } of boxes) for (const input of inputs) graph.setEdge(String(input), String(id));
  layout(graph);
  const placeOf = (id: string): Placed => {
    const { x = 0, y = 0, width = 0, height = 0 } = graph.node(id);
    return { x: x - width / 2, y: y - height / 2, width, height };
  };
  const { width = 0, height = 0 } = graph.graph();
  return {
    width,
    height,
    boxes: boxes.map((box) => ({ box, ...placeOf(String(box.id)) })),
    groups: groups.map((group) => ({ group, ...placeOf(`group ${group.name}`) })),
    edges: graph.edges().map((edge) => graph.edge(edge).points ?? []),
  };
}

function boxSize({ lines, output }: LayerBox): { width: number; height: number } {
  const { character, line, padding } = diagramText;
  const texts = [
    ...lines.map(({ name, detail }) => (detail === "" ? name : `${name}  ${detail}`)),
    formatShape(output),
  ];
  const longest = Math.max(...texts.map(({ length }) => length));
  return { width: longest * character + 2 * padding, height: (lines.length + 1) * line + 2 * padding - 4 };
}
