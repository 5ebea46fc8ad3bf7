/**
 * inferenceGraph: from the graph as written to what prediction runs: the main head alone, dropout gone, batch norm with
 * its running statistics. No parameter or statistic is removed, so that weights load the same way.
 *
 *   %5 = dropout(x=%4); %6 = linear(x=%5)   becomes   %6 = linear(x=%4)
 */
import type { Graph, ValueId } from "../ir/graph.ts";
import type { PassResult } from "../pass.ts";
import { expandOps } from "./expandOps.ts";
import { nodeFactory } from "./graphBuilder.ts";
import { limitInputs } from "./limitInputs.ts";
import { liveNames, removeDeadNodes } from "./removeDeadNodes.ts";

/** The graph of prediction; the values of `features` are further heads, by these names. */
export function inferenceGraph(graph: Graph, features: ReadonlyMap<string, ValueId> = new Map()): PassResult<Graph> {
  const expanded = expandOps({ ...graph, named: features }, { training: false, dropout: false }).graph;
  const heads = expanded.heads
    .slice(0, 1)
    .flatMap((main) => [main, ...[...expanded.named].map(([name, value]) => ({ ...main, name, value, weight: 0 }))]);
  const live = removeDeadNodes(
    expanded.nodes,
    heads.map((head) => head.value),
  );
  const nodes = limitInputs(live, nodeFactory(expanded));
  return { output: { ...expanded, nodes, heads, named: liveNames(expanded, nodes) }, diagnostics: [] };
}
