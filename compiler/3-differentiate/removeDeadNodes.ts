import type { Graph, GraphNode, ValueId } from "../ir/graph.ts";

/** The nodes that the roots depend on, in their order. */
export function removeDeadNodes(nodes: readonly GraphNode[], roots: Iterable<ValueId>): readonly GraphNode[] {
  const live = new Set(roots);
  const kept: GraphNode[] = [];
  for (const node of [...nodes].reverse()) {
    if (!live.has(node.output)) continue;
    kept.push(node);
    for (const input of Object.values(node.inputs)) live.add(input);
  }
  return kept.reverse();
}

/** The names whose values are still computed. */
export function liveNames(graph: Graph, nodes: readonly GraphNode[]): ReadonlyMap<string, ValueId> {
  const defined = new Set([...graph.inputs.map((input) => input.value), ...nodes.map((node) => node.output)]);
  return new Map([...graph.named].filter(([, value]) => defined.has(value)));
}
