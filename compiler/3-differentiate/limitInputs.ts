/**
 * limitInputs: joins and sums of many values become trees, since a kernel may bind only so many buffers (8 on every adapter).
 *
 *   %9 = add(x0=%1, …, x7=%8)   becomes   %10 = add(%1 … %6), %11 = add(%7, %8), %9 = add(%10, %11)
 */
import type { GraphNode, ValueId } from "../ir/graph.ts";
import { opNamed } from "./graphBuilder.ts";
import type { NodeFactory } from "./graphBuilder.ts";

/** Leaves room for the output among eight bindings. */
const mostInputs = 6;

/** The nodes with every `add` and every join of more than six inputs cut into several of the same op. */
export function limitInputs(nodes: readonly GraphNode[], factory: NodeFactory): readonly GraphNode[] {
  return nodes.flatMap((node) => {
    if (node.op !== "add" && opNamed(node.op).joins === undefined) return [node];
    const made: GraphNode[] = [];
    let values: readonly ValueId[] = Object.keys(node.inputs).map((_, index) => node.inputs[`x${index}`] as ValueId);
    while (values.length > mostInputs) {
      values = chunks(values).map((chunk) => {
        const [only] = chunk;
        if (chunk.length === 1 && only !== undefined) return only;
        const part = factory.make(node.op, named(chunk), node.attrs, node.origin);
        made.push(part);
        return part.output;
      });
    }
    return [...made, { ...node, inputs: named(values) }];
  });
}

function chunks(values: readonly ValueId[]): readonly (readonly ValueId[])[] {
  const count = Math.ceil(values.length / mostInputs);
  return Array.from({ length: count }, (_, index) => values.slice(index * mostInputs, (index + 1) * mostInputs));
}

function named(values: readonly ValueId[]): Readonly<Record<string, ValueId>> {
  return Object.fromEntries(values.map((value, index) => [`x${index}`, value]));
}
