/**
 * A plain interpreter of computations and graphs: loops in float64, or rounded to float32 after every operation. Slow, and
 * as literal as can be: it is what kernels are compared with.
 */
import type { Axis, Computation, Condition, IndexExpr, ScalarExpr } from "../../compiler/ir/expression.ts";
import type { Graph, TensorType, ValueId } from "../../compiler/ir/graph.ts";
import { elementCount, typesOf } from "../../compiler/ir/graph.ts";
import { axesOf } from "../../compiler/ops/defineOp.ts";
import { ops } from "../../compiler/ops/index.ts";

export type Values = Float32Array | Float64Array | Uint32Array;
export type Precision = "float32" | "float64";

/** A tensor with all its axes, the batch included, row-major. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly values: Values;
}

export interface StepSettings {
  /** The compiled batch; tensors have this many samples. */
  readonly batch: number;
  /** The samples that hold data: at most `batch`. */
  readonly count: number;
  readonly precision?: Precision;
  /** Further uniforms: lr, step, seed, … */
  readonly uniforms?: Readonly<Record<string, number>>;
}

const lowest = -3.4e38;

/** Every element of a computation, from the tensors that it loads by name. Samples from `count` on stay 0. */
export function interpretComputation(
  computation: Computation,
  tensors: ReadonlyMap<string, Tensor>,
  settings: StepSettings,
): Tensor {
  const { axes, body } = computation;
  const shape = axes.map((axis) => axis.extent);
  const size = shape.reduce((product, extent) => product * extent, 1);
  const values = settings.precision === "float32" ? new Float32Array(size) : new Float64Array(size);
  const evaluate = evaluator(tensors, settings);
  const position = new Map<string, number>();
  let element = 0;
  forEachIndex(axes, settings.batch, position, (inBatch) => {
    const at = element++;
    if (!inBatch(settings.count)) return;
    if (body.kind === "map") {
      values[at] = evaluate(body.value, position, undefined);
      return;
    }
    let [result, place, number] = [body.combine === "sum" ? 0 : lowest, 0, 0];
    forEachIndex(body.over, settings.count, position, () => {
      const value = evaluate(body.value, position, undefined);
      if (body.combine === "sum") result = round(result + value, settings);
      else if (value > result) [result, place] = [value, number];
      number++;
    });
    for (const axis of body.over) position.delete(axis.name);
    values[at] = evaluate(body.finish, position, body.combine === "argmax" ? place : result);
  });
  return { shape, values };
}

/** Visits every combination in row-major order; `inBatch(count)` says whether the sample is among the first `count`. */
function forEachIndex(
  axes: readonly Axis[],
  samples: number,
  position: Map<string, number>,
  visit: (inBatch: (count: number) => boolean) => void,
): void {
  const batchName = axes.find((axis) => axis.batch === true)?.name;
  const inBatch = (count: number): boolean => batchName === undefined || (position.get(batchName) ?? 0) < count;
  const walk = (depth: number): void => {
    const axis = axes[depth];
    if (axis === undefined) {
      visit(inBatch);
      return;
    }
    const extent = axis.batch === true ? samples : axis.extent;
    for (let index = 0; index < extent; index++) {
      position.set(axis.name, index);
      walk(depth + 1);
    }
  };
  walk(0);
}

function round(value: number, { precision }: StepSettings): number {
  return precision === "float32" ? Math.fround(value) : value;
}

type Evaluate = (expr: ScalarExpr, position: ReadonlyMap<string, number>, reduced: number | undefined) => number;

function evaluator(tensors: ReadonlyMap<string, Tensor>, settings: StepSettings): Evaluate {
  const uniforms: Readonly<Record<string, number>> = { step: 0, seed: 0, ...settings.uniforms, count: settings.count };
  const exact: Evaluate = (expr, position, reduced) => {
    switch (expr.kind) {
      case "number":
        return expr.value;
      case "reduced":
        if (reduced === undefined) throw new Error("`reduced` outside a reduction's finish");
        return reduced;
      case "uniform": {
        const value = uniforms[expr.name];
        if (value === undefined) throw new Error(`no uniform ${expr.name}`);
        return value;
      }
      case "index":
        return evaluateIndex(expr.of, position);
      case "random":
        return draw(expr.stream, evaluateIndex(expr.counter, position), uniforms["step"] ?? 0, uniforms["seed"] ?? 0);
      case "load":
        return loadElement(expr, position);
      case "unary":
        return unaryFunctions[expr.fn](evaluate(expr.of, position, reduced));
      case "binary":
        return binaryFunctions[expr.fn](
          evaluate(expr.left, position, reduced),
          evaluate(expr.right, position, reduced),
        );
      case "select":
        return evaluate(holds(expr.when, position, reduced) ? expr.then : expr.otherwise, position, reduced);
    }
  };
  const evaluate: Evaluate = (expr, position, reduced) => round(exact(expr, position, reduced), settings);

  function loadElement(expr: Extract<ScalarExpr, { kind: "load" }>, position: ReadonlyMap<string, number>): number {
    const tensor = tensors.get(expr.from);
    if (tensor === undefined) throw new Error(`nothing is called ${expr.from}`);
    if (tensor.shape.length !== expr.index.length) {
      throw new Error(`${expr.from} has ${tensor.shape.length} axes, but is read with ${expr.index.length}`);
    }
    let at = 0;
    for (const [axis, extent] of tensor.shape.entries()) {
      const index = evaluateIndex(expr.index[axis] as IndexExpr, position);
      if (index < 0 || index >= extent) {
        if (expr.fill === undefined)
          throw new Error(`${expr.from} is read at ${index} of ${extent} along axis ${axis}`);
        return expr.fill;
      }
      at = at * extent + index;
    }
    return tensor.values[at] as number;
  }

  function holds(condition: Condition, position: ReadonlyMap<string, number>, reduced: number | undefined): boolean {
    switch (condition.kind) {
      case "and":
        return condition.all.every((each) => holds(each, position, reduced));
      case "compare":
        return comparisons[condition.fn](
          evaluate(condition.left, position, reduced),
          evaluate(condition.right, position, reduced),
        );
      case "compareIndex":
        return comparisons[condition.fn](
          evaluateIndex(condition.left, position),
          evaluateIndex(condition.right, position),
        );
    }
  }
  return evaluate;
}

function evaluateIndex(expr: IndexExpr, position: ReadonlyMap<string, number>): number {
  switch (expr.kind) {
    case "axis": {
      const value = position.get(expr.name);
      if (value === undefined) throw new Error(`no axis ${expr.name} here`);
      return value;
    }
    case "int":
      return expr.value;
    case "add":
      return evaluateIndex(expr.left, position) + evaluateIndex(expr.right, position);
    case "mul":
      return evaluateIndex(expr.of, position) * expr.by;
    case "div":
      return Math.floor(evaluateIndex(expr.of, position) / expr.by);
    case "mod": {
      const value = evaluateIndex(expr.of, position);
      return value - Math.floor(value / expr.by) * expr.by;
    }
  }
}

const unaryFunctions: Readonly<Record<Extract<ScalarExpr, { kind: "unary" }>["fn"], (x: number) => number>> = {
  neg: (x) => -x,
  abs: Math.abs,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  inverseSqrt: (x) => 1 / Math.sqrt(x),
  tanh: Math.tanh,
  floor: Math.floor,
  erf: errorFunction,
  log1p: Math.log1p,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
};

const binaryFunctions: Readonly<
  Record<Extract<ScalarExpr, { kind: "binary" }>["fn"], (left: number, right: number) => number>
> = {
  add: (left, right) => left + right,
  sub: (left, right) => left - right,
  mul: (left, right) => left * right,
  div: (left, right) => left / right,
  max: Math.max,
  min: Math.min,
  pow: Math.pow,
};

const comparisons: Readonly<
  Record<Extract<Condition, { kind: "compare" }>["fn"], (left: number, right: number) => boolean>
> = {
  lt: (left, right) => left < right,
  le: (left, right) => left <= right,
  gt: (left, right) => left > right,
  ge: (left, right) => left >= right,
  eq: (left, right) => left === right,
  ne: (left, right) => left !== right,
};

/** erf by its series near 0 and its continued fraction further out; good to float64. */
function errorFunction(x: number): number {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  if (size < 2.5) {
    let [term, sum] = [x, x];
    for (let n = 1; n < 100; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = size;
  for (let k = 60; k > 0; k--) fraction = size + k / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-size * size) / (Math.sqrt(Math.PI) * fraction));
}

function pcg(input: number): number {
  const state = (Math.imul(input, 747796405) + 2891336453) >>> 0;
  const word = Math.imul(((state >>> ((state >>> 28) + 4)) ^ state) >>> 0, 277803737) >>> 0;
  return ((word >>> 22) ^ word) >>> 0;
}

/** The counter-based generator of `random`, as the kernels have it. */
export function draw(stream: number, counter: number, step: number, seed: number): number {
  const bits = pcg((counter + pcg((stream + pcg((step + pcg(seed >>> 0)) >>> 0)) >>> 0)) >>> 0);
  return (bits >>> 8) / 2 ** 24;
}

/** The shape of a value with its batch. */
export function fullShape(type: TensorType, batch: number): readonly number[] {
  return type.batched ? [batch, ...type.shape] : type.shape;
}

export interface GraphFeeds {
  /** By input name: "images", "labels", "cotangent". */
  readonly inputs: Readonly<Record<string, Values>>;
  /** By state-dict name. */
  readonly parameters: Readonly<Record<string, Values>>;
  readonly states?: Readonly<Record<string, Values>>;
}

/** Every value of a graph of plain ops, node by node. */
export function interpretGraph(graph: Graph, feeds: GraphFeeds, settings: StepSettings): ReadonlyMap<ValueId, Tensor> {
  const types = typesOf(graph);
  const tensors = new Map<ValueId, Tensor>();
  const feed = (name: string, value: ValueId, type: TensorType, values: Values | undefined): void => {
    const expected = elementCount(type) * (type.batched ? settings.batch : 1);
    if (values?.length !== expected) throw new Error(`${name} needs ${expected} values, has ${values?.length ?? 0}`);
    tensors.set(value, { shape: fullShape(type, settings.batch), values });
  };
  for (const { name, value, type } of graph.inputs) feed(name, value, type, feeds.inputs[name]);
  for (const { name, value, type } of graph.parameters) feed(name, value, type, feeds.parameters[name]);
  for (const { name, value, type } of graph.states) feed(name, value, type, feeds.states?.[name]);
  const batchAxis: Axis = { name: "n", extent: settings.batch, batch: true };
  for (const node of graph.nodes) {
    const op = ops.get(node.op);
    const entries = Object.entries(node.inputs).map(([name, value]) => [name, tensors.get(value) as Tensor] as const);
    const inputs = new Map(entries);
    if (op?.view === true) {
      const of = inputs.get("x") as Tensor;
      tensors.set(node.output, { shape: fullShape(node.type, settings.batch), values: of.values });
      continue;
    }
    if (op?.compute === undefined) throw new Error(`${node.op} has no computation`);
    const nodeTypes = Object.entries(node.inputs).map(
      ([name, value]) => [name, types.get(value) as TensorType] as const,
    );
    const computation = op.compute({
      types: Object.fromEntries(nodeTypes),
      output: node.type,
      attrs: node.attrs,
      axes: axesOf(node.type, settings.batch),
      batchAxis,
    });
    tensors.set(node.output, interpretComputation(computation, inputs, settings));
  }
  return tensors;
}
