/**
 * Cases with several inputs as graphs, without a spec: the language has one input a model. The runtime feeds one tensor
 * too, so the inputs arrive joined along their channels, and `slice_channels` takes each of them out again.
 */
import { UserError } from "../files/userError.ts";
import type { CheckedProgram } from "../ir/checked.ts";
import { valueId, type Attrs, type Graph, type GraphNode, type Origin, type ValueId } from "../ir/graph.ts";
import { batchedType } from "../ops/defineOp.ts";
import { ops } from "../ops/index.ts";
import type { ComputationCase } from "./caseFile.ts";

/** `%2 = add(%0, %1) -> 2x3x5x5`: the ops that take several values and hold no parameters. */
const joiningLine = /^%\d+ = (add|concat)\(([^)]*)\)/;

/** The graph of a case that joins its inputs by one op; throws `UserError` for a case that needs a spec. */
export function caseGraph(test: ComputationCase): Graph {
  const lines = test.architecture.filter((line) => line.startsWith("%") && !line.includes("= input("));
  const [, op, operands] = joiningLine.exec(lines[0] ?? "") ?? [];
  if (op === undefined || operands === undefined || lines.length !== 1 || test.params.length > 0) {
    throw new UserError(`case ${test.name} needs a spec: name its .cnn file`);
  }
  const origin: Origin = { span: { file: { path: test.name, text: "" }, start: 0, end: 0 }, calls: [], path: op };
  const [, ...space] = (test.inputs[0]?.shape ?? []).slice(1);
  const channelsOf = ({ shape }: { readonly shape: readonly number[] }): number => shape[1] ?? 0;
  const channels = test.inputs.reduce((sum, input) => sum + channelsOf(input), 0);
  const images = valueId(0);
  const type = batchedType([channels, ...space]);
  const nodes: GraphNode[] = [];
  const types = new Map([[images, type]]);
  const addNode = (name: string, inputs: Readonly<Record<string, ValueId>>, attrs: Attrs): ValueId => {
    const definition = ops.get(name);
    if (definition === undefined) throw new Error(`no op is called ${name}`);
    const inputTypes = Object.fromEntries(
      Object.entries(inputs).map(([key, value]) => [key, types.get(value) ?? type]),
    );
    const output = valueId(types.size);
    const outputType = definition.inferType(inputTypes, attrs);
    types.set(output, outputType);
    nodes.push({ op: name, attrs, inputs, output, type: outputType, origin });
    return output;
  };
  let from = 0;
  const parts = new Map(
    test.inputs.map((input) => {
      const to = from + channelsOf(input);
      const value = addNode("slice_channels", { x: images }, { from, to });
      from = to;
      return [input.name, value] as const;
    }),
  );
  const named = inputNames(test.architecture);
  const inputs = operands.split(", ").map((operand, index): [string, ValueId] => {
    const value = parts.get(named.get(operand) ?? "");
    if (value === undefined) throw new UserError(`case ${test.name}: ${operand} is no input`);
    return [`x${index}`, value];
  });
  const output = addNode(op, Object.fromEntries(inputs), {});
  return {
    name: test.name,
    inputs: [{ name: "images", value: images, type }],
    parameters: [],
    states: [],
    nodes,
    heads: [{ name: "output", value: output, weight: 1, origin }],
    named: new Map(),
  };
}

/** `%0 = input() name=a -> …`: which value is which input. */
function inputNames(architecture: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    architecture.flatMap((line) => {
      const [, value, name] = /^(%\d+) = input\(\) name=(\S+)/.exec(line) ?? [];
      return value === undefined || name === undefined ? [] : [[value, name] as const];
    }),
  );
}

/** Such a graph with a recipe, as the checker would hand it on. Nothing in it trains: the recipe makes a backward pass. */
export function caseProgram(test: ComputationCase): CheckedProgram {
  const call = (name: string, args: Readonly<Record<string, number>> = {}) => ({ name, args });
  return {
    graph: caseGraph(test),
    settings: [],
    models: [test.name],
    recipes: [""],
    doc: "",
    recipe: {
      model: test.name,
      name: "",
      data: { source: { kind: "named", name: "fashion_mnist" }, augment: [] },
      loss: { kind: "cross_entropy", labelSmoothing: 0 },
      optimizer: call("sgd", { lr: 1, momentum: 0, weight_decay: 0 }),
      schedule: call("constant"),
      init: call("pytorch"),
      batch: test.inputs[0]?.shape[0] ?? 1,
      epochs: 1,
      seed: 0,
      accumulate: 1,
      freeze: [],
      precision: "f32",
    },
  };
}
