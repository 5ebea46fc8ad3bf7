/**
 * joinStatistics: a statistic of joined channels is what joins the parts' statistics. In: the forward pass of a training step, its
 * compound ops expanded. Out: the same; each op that works channel by channel is asked of the parts where at most one of them has
 * not been asked the same before.
 *
 *   %3 = concat(x0=%1, x1=%2), %4 = blocks_mean(sums=block_sum(x=%3)), with %5 = blocks_mean(sums=block_sum(x=%1)), becomes
 *   %6 = blocks_mean(sums=block_sum(x=%2)), %4 = concat_statistics(x0=%5, x1=%6)
 *
 * In a dense block every layer normalises all features before it: so each feature's mean is taken once, not once a layer. Where two
 * parts are new, as behind an inception's branches, one kernel for all of them is fewer.
 */
import type { Graph, GraphNode, ValueId } from "../ir/graph.ts";
import { nodeFactory, opNamed } from "./graphBuilder.ts";
import { questionOf } from "./shareEqualNodes.ts";

/** The graph whose statistics of joins are joins of statistics, where that takes no more kernels. */
export function joinStatistics(graph: Graph): Graph {
  if (!graph.nodes.some(isJoin)) return graph;
  const factory = nodeFactory(graph);
  const partsOf = new Map<ValueId, readonly ValueId[]>();
  const known = new Map<string, ValueId>();
  const nodes = graph.nodes.flatMap((node): readonly GraphNode[] => {
    if (isJoin(node)) partsOf.set(node.output, Object.values(node.inputs));
    if (opNamed(node.op).byChannel !== true) return [node];
    const asked = askedOfParts(node);
    known.set(questionOf(node), node.output);
    const isNew = asked.filter((each) => !known.has(questionOf(each)));
    if (asked.length === 0 || isNew.length > 1) return [node];
    const answers = asked.map((each) => known.get(questionOf(each)) ?? each.output);
    for (const each of isNew) known.set(questionOf(each), each.output);
    partsOf.set(node.output, answers);
    const inputs = Object.fromEntries(answers.map((value, index) => [`x${index}`, value]));
    return [...isNew, { ...node, op: node.type.batched ? "concat" : "concat_statistics", attrs: {}, inputs }];
  });
  return { ...graph, nodes };

  /** The node once for each of the parts that its inputs have in common; none where they are not joined alike. */
  function askedOfParts({ op, attrs, inputs, origin }: GraphNode): readonly GraphNode[] {
    const parts = Object.entries(inputs).map(([name, value]) => ({ name, values: partsOf.get(value) ?? [] }));
    const sizes = parts.map(({ values }) => values.map((value) => factory.types.get(value)?.shape[0]).join());
    const [first] = parts;
    if (first === undefined || first.values.length === 0 || new Set(sizes).size > 1) return [];
    return first.values.map((_, index) => {
      const own = parts.map(({ name, values }) => [name, values[index] as ValueId] as const);
      return factory.make(op, Object.fromEntries(own), attrs, origin);
    });
  }
}

/** Whether a node lays channels beside each other. */
function isJoin({ op }: GraphNode): boolean {
  return opNamed(op).joins === 1;
}
