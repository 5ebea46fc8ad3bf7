/**
 * recomputeForward: some values of the forward pass are not kept for the backward pass but computed again there, right before
 * their first use. In: a training step's graph and those values. Out: the same step; its backward nodes read copies.
 *
 *   %3 = relu(x=%2) … %9 = conv_weight_gradient(upstream=%8, x=%3)            with %3 computed again becomes
 *   %3 = relu(x=%2) … %10 = relu(x=%2), %9 = conv_weight_gradient(upstream=%8, x=%10)
 *
 * A copy reads kept values where there are any, else other copies: from one kept value on, a stretch of the network runs again
 * (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"). Dropout's copies draw the same numbers, and batch norm's
 * statistics are kept, so that copies equal what they copy.
 */
import { InternalCompilerError } from "../ir/diagnostic.ts";
import type { GraphNode, TrainingGraph, ValueId } from "../ir/graph.ts";
import { nodeFactory, opNamed } from "./graphBuilder.ts";

/** The step with the forward values `again` computed again for the backward pass; a view goes with what it views. */
export function recomputeForward(graph: TrainingGraph, again: ReadonlySet<ValueId>): TrainingGraph {
  const factory = nodeFactory(graph);
  const forward = forwardNodes(graph);
  const nodeOf = new Map(forward.map((node) => [node.output, node]));
  const copyOf = new Map<ValueId, ValueId>();
  const nodes: GraphNode[] = [];

  const isAgain = (value: ValueId): boolean => {
    const viewed = viewedBy(nodeOf.get(value));
    return viewed === undefined ? again.has(value) : isAgain(viewed);
  };
  const copied = (value: ValueId): ValueId => {
    if (!isAgain(value)) return value;
    const known = copyOf.get(value);
    if (known !== undefined) return known;
    const node = nodeOf.get(value);
    if (node === undefined) throw new InternalCompilerError("recomputeForward", `no forward node computes %${value}`);
    const inputs = readingCopies(node);
    const readsCopies = Object.values(node.inputs).some(isAgain);
    const output = factory.fresh(node.type);
    copyOf.set(value, output);
    // Beside the first computation of its inputs it would be stored from there on, and nothing be won.
    nodes.push({ ...node, inputs, output, ...(readsCopies ? {} : { opens: true as const }) });
    return output;
  };
  const readingCopies = (node: GraphNode): Readonly<Record<string, ValueId>> =>
    Object.fromEntries(Object.entries(node.inputs).map(([name, value]) => [name, copied(value)]));

  for (const node of graph.nodes) {
    if (nodeOf.has(node.output)) nodes.push(node);
    else {
      const inputs = readingCopies(node);
      nodes.push({ ...node, inputs });
    }
  }
  return { ...graph, nodes };
}

/** The nodes of the forward pass: those that depend neither on labels nor on a cotangent. */
export function forwardNodes(graph: TrainingGraph): readonly GraphNode[] {
  const backward = new Set(graph.inputs.filter(({ name }) => name !== "images").map(({ value }) => value));
  return graph.nodes.filter((node) => {
    const depends = Object.values(node.inputs).some((value) => backward.has(value));
    if (depends) backward.add(node.output);
    return !depends;
  });
}

/** What a view's node views; undefined for any other node. */
export function viewedBy(node: GraphNode | undefined): ValueId | undefined {
  return node !== undefined && opNamed(node.op).view === true ? Object.values(node.inputs)[0] : undefined;
}
