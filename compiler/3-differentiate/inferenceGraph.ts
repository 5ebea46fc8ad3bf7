/**
 * inferenceGraph: from the graph as written to what prediction runs: the main head alone, dropout gone, batch norm with
 * its running statistics. No parameter or statistic is removed, so that weights load the same way.
 *
 *   %5 = dropout(x=%4); %6 = linear(x=%5)   becomes   %6 = linear(x=%4)
 */
import type { Graph } from "../ir/graph.ts";
import type { PassResult } from "../pass.ts";
import { expandOps } from "./expandOps.ts";
import { nodeFactory } from "./graphBuilder.ts";
import { limitInputs } from "./limitInputs.ts";
import { liveNames, removeDeadNodes } from "./removeDeadNodes.ts";

/** The graph of prediction; values at `features`, names of the graph's, are further heads. */
export function inferenceGraph(graph: Graph, features: readonly string[] = []): PassResult<Graph> {
  const expanded = expandOps(graph, { training: false, dropout: false }).graph;
  const heads = expanded.heads.slice(0, 1).flatMap((main) => [
    main,
    ...features.flatMap((name) => {
      const value = expanded.named.get(name);
      return value === undefined ? [] : [{ ...main, name, value, weight: 0 }];
    }),
  ]);
  const live = removeDeadNodes(
    expanded.nodes,
    heads.map((head) => head.value),
  );
  const nodes = limitInputs(live, nodeFactory(expanded));
  return { output: { ...expanded, nodes, heads, named: liveNames(expanded, nodes) }, diagnostics: [] };
}
