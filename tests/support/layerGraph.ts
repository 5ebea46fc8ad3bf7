/** Graphs of single layers and ops without the language's front end: for tests of what the ops compute. */
import type {
  Attrs,
  Graph,
  GraphNode,
  Origin,
  Parameter,
  State,
  TensorType,
  ValueId,
} from "../../compiler/ir/graph.ts";
import { elementCount, valueId, verifyGraph } from "../../compiler/ir/graph.ts";
import { batchedType } from "../../compiler/ops/defineOp.ts";
import { layers, ops } from "../../compiler/ops/index.ts";

const origin: Origin = {
  span: { file: { path: "test.cnn", text: "" }, start: 0, end: 0 },
  calls: [],
  path: "layer",
};

export interface GraphSketch {
  readonly x: ValueId;
  readonly type: TensorType;
  node(op: string, inputs: Readonly<Record<string, ValueId>>, attrs?: Attrs): ValueId;
  parameter(name: string, shape: readonly number[]): ValueId;
  layer(name: string, x: ValueId, args?: Attrs): ValueId;
}

/** A graph of one input, built by a function that gives the output. */
export function sketchGraph(inputShape: readonly number[], draw: (sketch: GraphSketch) => ValueId): Graph {
  const types: TensorType[] = [];
  const parameters: Parameter[] = [];
  const states: State[] = [];
  const nodes: GraphNode[] = [];
  const define = (type: TensorType): ValueId => valueId(types.push(type) - 1);
  const typeOf = (value: ValueId): TensorType => types[value] as TensorType;
  const plain = (shape: readonly number[]): TensorType => ({ shape, batched: false, dtype: "f32" });
  const node: GraphSketch["node"] = (op, inputs, attrs = {}) => {
    const definition = ops.get(op);
    if (definition === undefined) throw new Error(`no op ${op}`);
    const inputTypes = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, typeOf(value)]));
    const type = definition.inferType(inputTypes, attrs);
    const output = define(type);
    nodes.push({ op, attrs, inputs, output, type, origin });
    return output;
  };
  const addParameter = (name: string, role: Parameter["role"], shape: readonly number[]): ValueId => {
    const type = plain(shape);
    const value = define(type);
    parameters.push({ name, value, type, role, fanIn: 1, fanOut: 1, op: "", origin });
    return value;
  };
  const layer: GraphSketch["layer"] = (name, x, given = {}) => {
    const definition = layers.get(name);
    if (definition === undefined) throw new Error(`no layer ${name}`);
    const args: Record<string, Attrs[string]> = {};
    for (const { name: argument, default: standard } of definition.arguments) {
      const value = given[argument] ?? standard;
      if (value === undefined) throw new Error(`${name} needs ${argument}`);
      args[argument] =
        typeof value === "string" && value.startsWith("=") ? (args[value.slice(1)] as Attrs[string]) : value;
    }
    const found = definition.check?.(typeOf(x), args);
    if (found !== undefined) throw new Error(found.message);
    const number = parameters.length + states.length;
    return definition.build({
      args,
      x,
      type: typeOf(x),
      parameter: (own, role, shape) => addParameter(`${name}${number}.${own}`, role, shape),
      state(own, shape, initial) {
        const value = define(plain(shape));
        states.push({ name: `${name}${number}.${own}`, value, type: plain(shape), initial });
        return value;
      },
      node,
    });
  };
  const type = batchedType(inputShape);
  const x = define(type);
  const output = draw({ x, type, node, layer, parameter: (name, shape) => addParameter(name, "weight", shape) });
  const graph: Graph = {
    name: "Test",
    inputs: [{ name: "images", value: x, type }],
    parameters,
    states,
    nodes,
    heads: [{ name: "output", value: output, weight: 1, origin }],
    named: new Map(),
  };
  verifyGraph(graph);
  return graph;
}

/** Repeatable numbers between -1 and 1, all different, none of them 0. */
export function testNumbers(count: number, seed: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => {
    const x = Math.sin((i + 1) * 12.9898 + seed * 78.233) * 43758.5453;
    return 2 * (x - Math.floor(x)) - 1;
  });
}

/** Values for every parameter and state of a graph; variances are positive. */
export function testWeights(graph: Graph): {
  readonly parameters: Readonly<Record<string, Float64Array>>;
  readonly states: Readonly<Record<string, Float64Array>>;
} {
  const parameters = graph.parameters.map(
    ({ name, type }, index) => [name, testNumbers(elementCount(type), index + 10)] as const,
  );
  const states = graph.states.map(
    ({ name, type }, index) => [name, testNumbers(elementCount(type), index + 50).map((x) => 1 + x / 2)] as const,
  );
  return { parameters: Object.fromEntries(parameters), states: Object.fromEntries(states) };
}
