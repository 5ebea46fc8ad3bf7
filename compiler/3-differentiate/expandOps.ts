/**
 * expandOps: replaces ops that are several in one (batch norm, softmax, dropout) by the small ops that they stand for, in
 * their training or their inference form. Afterwards every node has a computation or is a view.
 *
 *   %4 = batch_norm(x=%3, …)   becomes   %9 = batch_mean(x=%3), %10 = batch_variance(x=%3, mean=%9), …
 */
import type { Graph, GraphNode, ValueId } from "../ir/graph.ts";
import { inputTypes, nodeFactory, opNamed } from "./graphBuilder.ts";

export interface ExpandedGraph {
  readonly graph: Graph;
  /** Of each running statistic: the value that replaces it after a step. */
  readonly updateOf: ReadonlyMap<ValueId, ValueId>;
}

/** The graph without compound ops. `training` chooses the form of batch norm, `dropout` whether values are dropped. */
export function expandOps(
  graph: Graph,
  { training, dropout }: { readonly training: boolean; readonly dropout: boolean },
): ExpandedGraph {
  const factory = nodeFactory(graph);
  const replacedBy = new Map<ValueId, ValueId>();
  const updateOf = new Map<ValueId, ValueId>();
  const nodes: GraphNode[] = [];
  const resolve = (value: ValueId): ValueId => replacedBy.get(value) ?? value;
  for (const node of graph.nodes) {
    const entries = Object.entries(node.inputs).map(([name, value]) => [name, resolve(value)] as const);
    const inputs: Readonly<Record<string, ValueId>> = Object.fromEntries(entries);
    const { expand, dropsValues } = opNamed(node.op);
    if (expand === undefined) {
      nodes.push({ ...node, inputs });
      continue;
    }
    const result = expand({
      inputs,
      types: inputTypes(inputs, factory.types),
      attrs: node.attrs,
      training: dropsValues === true ? training && dropout : training,
      stream: node.output,
      build(op, from, attrs = {}) {
        const built = factory.make(op, from, attrs, node.origin);
        nodes.push(built);
        return built.output;
      },
      update: (state, by) => updateOf.set(state, by),
    });
    replacedBy.set(node.output, result);
  }
  const heads = graph.heads.map((head) => ({ ...head, value: resolve(head.value) }));
  const named = new Map([...graph.named].map(([name, value]) => [name, resolve(value)]));
  const { names: _, ...rest } = graph;
  return { graph: { ...rest, nodes, heads, named }, updateOf };
}
