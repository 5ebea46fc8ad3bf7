/** Gathers the nodes of a graph while a model is elaborated. Local to one run: what leaves it is a plain `Graph`. */
import { tooManyElements } from "../diagnostics/shapes.ts";
import { tooLarge } from "../diagnostics/names.ts";
import {
  elementCount, formatShape, valueId, type Attrs, type Graph, type GraphInput, type GraphNode, type Head, type Origin,
  type Parameter, type State, type TensorType, type ValueId,
} from "../ir/graph.ts"; // prettier-ignore
import { InternalCompilerError, type Diagnostic } from "../ir/diagnostic.ts";
import { CheckingStopped, unfoldingLimits, type CheckContext } from "./context.ts";

const mostElements = 2 ** 31 - 1;

export interface GraphBuilder {
  input(type: TensorType): ValueId;
  parameter(parameter: Omit<Parameter, "value">): ValueId;
  state(name: string, shape: readonly number[], initial: number): ValueId;
  /** Adds a node of a known type. */
  typedNode(op: string, inputs: GraphNode["inputs"], attrs: Attrs, type: TensorType, origin: Origin): ValueId;
  /** Adds a node whose type the op's own rule gives. */
  node(op: string, inputs: GraphNode["inputs"], attrs: Attrs, origin: Origin): ValueId;
  head(head: Head): void;
  typeOf(value: ValueId): TensorType;
  finish(name: string, named: ReadonlyMap<string, ValueId>): Graph;
}

/** Thrown when a value cannot exist: whoever walks the step reports why, and the step gives an error. */
export class StepFailed extends Error {
  constructor(readonly diagnostic: Diagnostic) {
    super(diagnostic.message);
  }
}

export function createGraphBuilder(context: CheckContext): GraphBuilder {
  const inputs: GraphInput[] = [];
  const parameters: Parameter[] = [];
  const states: State[] = [];
  const nodes: GraphNode[] = [];
  const heads: Head[] = [];
  const types: TensorType[] = [];

  const define = (type: TensorType): ValueId => {
    types.push(type);
    return valueId(types.length - 1);
  };
  const typeOf = (value: ValueId): TensorType => {
    const type = types[value];
    if (type === undefined) throw new InternalCompilerError("elaborate", `value %${value} has no type`);
    return type;
  };
  const checkType = (type: TensorType, what: string, origin: Origin): void => {
    const shape = formatShape(type.shape);
    if (type.shape.some((size) => !Number.isInteger(size) || size < 1)) {
      throw new InternalCompilerError("elaborate", `${what} has the shape ${shape}: its layer's check let it pass`);
    }
    if (elementCount(type) <= mostElements) return;
    throw new StepFailed(tooManyElements.at(origin.span, { what, shape }));
  };
  const typedNode: GraphBuilder["typedNode"] = (op, nodeInputs, attrs, type, origin) => {
    checkType(type, `the result of ${op}`, origin);
    if (nodes.length >= unfoldingLimits.nodes) {
      context.report(tooLarge.at(origin.span, { what: "the number of layers", limit: unfoldingLimits.nodes }));
      throw new CheckingStopped();
    }
    const output = define(type);
    nodes.push({ op, attrs, inputs: nodeInputs, output, type, origin });
    return output;
  };
  return {
    input(type) {
      const value = define(type);
      inputs.push({ name: "images", value, type });
      return value;
    },
    parameter(parameter) {
      checkType(parameter.type, parameter.name, parameter.origin);
      const value = define(parameter.type);
      parameters.push({ ...parameter, value });
      return value;
    },
    state(name, shape, initial) {
      const type: TensorType = { shape, batched: false, dtype: "f32" };
      const value = define(type);
      states.push({ name, value, type, initial });
      return value;
    },
    typedNode,
    node(op, nodeInputs, attrs, origin) {
      const definition = context.tables.ops.get(op);
      if (definition === undefined) throw new InternalCompilerError("elaborate", `there is no op ${op}`);
      const inputTypes = Object.fromEntries(Object.entries(nodeInputs).map(([name, value]) => [name, typeOf(value)]));
      return typedNode(op, nodeInputs, attrs, definition.inferType(inputTypes, attrs), origin);
    },
    head(head) {
      heads.push(head);
    },
    typeOf,
    finish: (name, named) => ({ name, inputs, parameters, states, nodes, heads, named }),
  };
}
