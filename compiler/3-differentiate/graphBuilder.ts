import { InternalCompilerError } from "../ir/diagnostic.ts";
import type { Attrs, Graph, GraphNode, Origin, TensorType, ValueId } from "../ir/graph.ts";
import { typeOf, typesOf, valueId } from "../ir/graph.ts";
import { axesOf } from "../ops/defineOp.ts";
import type { OpDefinition } from "../ops/defineOp.ts";
import { ops } from "../ops/index.ts";

/** The definition of an op that a graph names. */
export function opNamed(name: string): OpDefinition {
  const op = ops.get(name);
  if (op === undefined) throw new InternalCompilerError("differentiate", `there is no op called ${name}`);
  return op;
}

/** The types of named inputs. */
export function inputTypes(
  inputs: Readonly<Record<string, ValueId>>,
  types: ReadonlyMap<ValueId, TensorType>,
): Readonly<Record<string, TensorType>> {
  const entries = Object.entries(inputs).map(([name, value]) => [name, typeOf(types, value)] as const);
  return Object.fromEntries(entries);
}

/** Makes nodes with fresh values; their types come from the ops' shape rules. Local to one run of a pass. */
export interface NodeFactory {
  readonly types: Map<ValueId, TensorType>;
  fresh(type: TensorType): ValueId;
  make(op: string, inputs: Readonly<Record<string, ValueId>>, attrs: Attrs, origin: Origin): GraphNode;
}

export function nodeFactory(graph: Graph): NodeFactory {
  const types = new Map(typesOf(graph));
  let next = Math.max(-1, ...types.keys()) + 1;
  const fresh = (type: TensorType): ValueId => {
    const value = valueId(next++);
    types.set(value, type);
    return value;
  };
  return {
    types,
    fresh,
    make(op, inputs, attrs, origin) {
      const type = opNamed(op).inferType(inputTypes(inputs, types), attrs);
      return { op, attrs, inputs, output: fresh(type), type, origin };
    },
  };
}

/** Terms of the sum behind one element of a node's value; 1 where it is no sum. */
export function termsOfElement(node: GraphNode, types: ReadonlyMap<ValueId, TensorType>): number {
  const computation = opNamed(node.op).compute?.({
    types: inputTypes(node.inputs, types),
    output: node.type,
    attrs: node.attrs,
    axes: axesOf(node.type, 1),
    batchAxis: { name: "n", extent: 1, batch: true },
  });
  if (computation?.body.kind !== "reduce") return 1;
  return computation.body.over.reduce((product, { extent }) => product * extent, 1);
}
