/**
 * A plain interpreter of computations and graphs: loops in float64, or rounded to float32 after every operation. Slow, and
 * as literal as can be: it is what kernels are compared with.
 */
import type { Axis, Computation, Condition, IndexExpr, ReduceBody, ScalarExpr } from "../../compiler/ir/expression.ts";
import type { Graph, TensorType, ValueId } from "../../compiler/ir/graph.ts";
import { elementCount, typesOf } from "../../compiler/ir/graph.ts";
import { axesOf } from "../../compiler/ops/defineOp.ts";
import { ops } from "../../compiler/ops/index.ts";

export type Values = Float32Array | Float64Array | Uint32Array | Uint8Array;
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
  const over = body.kind === "reduce" ? body.over : [];
  const names = [...axes, ...over].map((axis) => axis.name);
  if (new Set(names).size !== names.length) throw new Error(`two axes share a name: ${names.join(", ")}`);
  const loop: Loop = { names, position: new Array<number>(names.length).fill(0), reduced: NaN };
  const shape = axes.map((axis) => axis.extent);
  const size = shape.reduce((product, extent) => product * extent, 1);
  const values = settings.precision === "float32" ? new Float32Array(size) : new Float64Array(size);
  const value = compileScalar(body.value, loop, tensors, settings);
  const finish = body.kind === "reduce" ? compileScalar(body.finish, loop, tensors, settings) : value;
  const rounded = rounding(settings);
  const batch = axes.findIndex((axis) => axis.batch === true);
  let element = 0;
  forEachIndex(axes, 0, settings.batch, loop, () => {
    const at = element++;
    if (batch >= 0 && (loop.position[batch] as number) >= settings.count) return;
    if (body.kind === "reduce") loop.reduced = combine(body, value);
    values[at] = finish();
  });
  return { shape, values };

  function combine({ combine: how, over: axesOver }: ReduceBody, term: () => number): number {
    let [result, place, number] = [how === "sum" ? 0 : lowest, 0, 0];
    forEachIndex(axesOver, axes.length, settings.count, loop, () => {
      const next = term();
      if (how === "sum") result = rounded(result + next);
      else if (next > result) [result, place] = [next, number];
      number++;
    });
    return how === "argmax" ? place : result;
  }
}

/** Where the loops stand: a number for each axis, and what the reduction gave. */
interface Loop {
  readonly names: readonly string[];
  readonly position: number[];
  reduced: number;
}

/** Visits every combination in row-major order; the batch runs over `samples`. `first` is the first axis's place. */
function forEachIndex(axes: readonly Axis[], first: number, samples: number, loop: Loop, visit: () => void): void {
  const walk = (depth: number): void => {
    const axis = axes[depth];
    if (axis === undefined) {
      visit();
      return;
    }
    const extent = axis.batch === true ? Math.min(samples, axis.extent) : axis.extent;
    for (let index = 0; index < extent; index++) {
      loop.position[first + depth] = index;
      walk(depth + 1);
    }
  };
  walk(0);
}

function rounding({ precision }: StepSettings): (value: number) => number {
  return precision === "float32" ? Math.fround : (value) => value;
}

/** A function that gives the expression's value where the loops stand. */
function compileScalar(
  root: ScalarExpr,
  loop: Loop,
  tensors: ReadonlyMap<string, Tensor>,
  settings: StepSettings,
): () => number {
  const uniforms: Readonly<Record<string, number>> = { step: 0, seed: 0, ...settings.uniforms, count: settings.count };
  const rounded = rounding(settings);
  return scalar(root);

  function scalar(expr: ScalarExpr): () => number {
    switch (expr.kind) {
      case "number": {
        const value = rounded(expr.value);
        return () => value;
      }
      case "reduced":
        return () => loop.reduced;
      case "uniform": {
        const value = uniforms[expr.name];
        if (value === undefined) throw new Error(`no uniform ${expr.name}`);
        return () => value;
      }
      case "index":
        return place(expr.of);
      case "random": {
        const counter = place(expr.counter);
        return () => draw(expr.stream, counter(), uniforms["step"] ?? 0, uniforms["seed"] ?? 0);
      }
      case "load":
        return element(expr);
      case "unary": {
        const [apply, of] = [unaryFunctions[expr.fn], scalar(expr.of)];
        return () => rounded(apply(of()));
      }
      case "binary": {
        const [apply, left, right] = [binaryFunctions[expr.fn], scalar(expr.left), scalar(expr.right)];
        return () => rounded(apply(left(), right()));
      }
      case "select": {
        const [when, then, otherwise] = [condition(expr.when), scalar(expr.then), scalar(expr.otherwise)];
        return () => (when() ? then() : otherwise());
      }
    }
  }

  function element({ from, index, fill }: Extract<ScalarExpr, { kind: "load" }>): () => number {
    const tensor = tensors.get(from);
    if (tensor === undefined) throw new Error(`nothing is called ${from}`);
    const { shape, values } = tensor;
    if (shape.length !== index.length) {
      throw new Error(`${from} has ${shape.length} axes, but is read with ${index.length}`);
    }
    const at = index.map(place);
    return () => {
      let offset = 0;
      for (let axis = 0; axis < shape.length; axis++) {
        const [place, extent] = [(at[axis] as () => number)(), shape[axis] as number];
        if (place < 0 || place >= extent) {
          if (fill === undefined) throw new Error(`${from} is read at ${place} of ${extent} along axis ${axis}`);
          return fill;
        }
        offset = offset * extent + place;
      }
      return rounded(values[offset] as number);
    };
  }

  function place(expr: IndexExpr): () => number {
    return compileIndex(expr, loop, scalar);
  }

  function condition(when: Condition): () => boolean {
    switch (when.kind) {
      case "and": {
        const each = when.all.map(condition);
        return () => each.every((holds) => holds());
      }
      case "compare": {
        const [holds, left, right] = [comparisons[when.fn], scalar(when.left), scalar(when.right)];
        return () => holds(left(), right());
      }
      case "compareIndex": {
        const [holds, left, right] = [comparisons[when.fn], place(when.left), place(when.right)];
        return () => holds(left(), right());
      }
    }
  }
}

function compileIndex(expr: IndexExpr, loop: Loop, scalar: (expr: ScalarExpr) => () => number): () => number {
  const { position } = loop;
  const again = (inner: IndexExpr): (() => number) => compileIndex(inner, loop, scalar);
  switch (expr.kind) {
    case "axis": {
      const place = loop.names.indexOf(expr.name);
      if (place < 0) throw new Error(`no axis ${expr.name} here`);
      return () => position[place] as number;
    }
    case "int":
      return () => expr.value;
    case "add": {
      const [left, right] = [again(expr.left), again(expr.right)];
      return () => left() + right();
    }
    case "mul": {
      const of = again(expr.of);
      return () => of() * expr.by;
    }
    case "div": {
      const of = again(expr.of);
      return () => Math.floor(of() / expr.by);
    }
    case "mod": {
      const of = again(expr.of);
      return () => {
        const value = of();
        return value - Math.floor(value / expr.by) * expr.by;
      };
    }
    case "computed": {
      const of = scalar(expr.of);
      return () => Math.min(Math.max(Math.trunc(of()), expr.low), expr.high);
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
  sin: Math.sin,
  cos: Math.cos,
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
