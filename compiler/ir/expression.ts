/**
 * expression.ts: what one element of a tensor is, as a tree. Ops write these; the fuser substitutes them into each
 * other; the WGSL writer prints them and the tests' interpreter evaluates them.
 */

/** A loop variable over one axis. The batch axis is called "n" and its extent is the compiled batch. */
export interface Axis {
  readonly name: string;
  readonly extent: number;
  /** True for the batch: at run time only the first `count` of `extent` samples hold data. */
  readonly batch?: true;
  /** Of an axis that counts several, row by row: elements of their rows. Steps that keep to these need no division at run time. */
  readonly rows?: readonly number[];
}

/** A whole number made from axes. `div` is floor division and `mod` its remainder (never negative). */
export type IndexExpr =
  | { readonly kind: "axis"; readonly name: string }
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "add"; readonly left: IndexExpr; readonly right: IndexExpr }
  | { readonly kind: "mul"; readonly of: IndexExpr; readonly by: number }
  | { readonly kind: "div"; readonly of: IndexExpr; readonly by: number }
  | { readonly kind: "mod"; readonly of: IndexExpr; readonly by: number }
  /** A place that only the running kernel knows, such as that of a random crop: `of` is a whole number in [low, high]. */
  | { readonly kind: "computed"; readonly of: ScalarExpr; readonly low: number; readonly high: number };

/** Values of a step that the host sets without recompiling: see `ir/uniform.ts`. */
export type UniformName = string;

export type UnaryFunction =
  | "neg" | "abs" | "exp" | "log" | "sqrt" | "inverseSqrt" | "tanh" | "floor" | "erf" | "log1p" | "sigmoid"
  | "sin" | "cos"; // prettier-ignore
export type BinaryFunction = "add" | "sub" | "mul" | "div" | "max" | "min" | "pow";
export type Comparison = "lt" | "le" | "gt" | "ge" | "eq" | "ne";

/** A real number. `load` reads a tensor by name at an index; outside the tensor it reads `fill` (default: an error). */
export type ScalarExpr =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "load"; readonly from: string; readonly index: readonly IndexExpr[]; readonly fill?: number }
  | { readonly kind: "reduced" }
  | { readonly kind: "unary"; readonly fn: UnaryFunction; readonly of: ScalarExpr }
  | { readonly kind: "binary"; readonly fn: BinaryFunction; readonly left: ScalarExpr; readonly right: ScalarExpr }
  | { readonly kind: "select"; readonly when: Condition; readonly then: ScalarExpr; readonly otherwise: ScalarExpr }
  | { readonly kind: "index"; readonly of: IndexExpr }
  | { readonly kind: "uniform"; readonly name: UniformName }
  /** A uniform number in [0, 1) from the counter-based generator: the same bits on every adapter. */
  | { readonly kind: "random"; readonly stream: number; readonly counter: IndexExpr };

/** An element of a tensor in memory, or of a value that the kernel has at hand. */
export type Load = Extract<ScalarExpr, { kind: "load" }>;

export type Condition =
  | { readonly kind: "compare"; readonly fn: Comparison; readonly left: ScalarExpr; readonly right: ScalarExpr }
  | { readonly kind: "compareIndex"; readonly fn: Comparison; readonly left: IndexExpr; readonly right: IndexExpr }
  | { readonly kind: "and"; readonly all: readonly Condition[] };

/**
 * One tensor, element by element. A reduction's `value` is combined over the axes of `over` (row-major order), and
 * `finish` makes the element of it ("reduced"). `argmax` gives the row-major position, within `over`, of the first
 * greatest value. The sum of nothing is 0, its maximum -3.4e38.
 */
export interface Computation {
  readonly axes: readonly Axis[];
  readonly body: MapBody | ReduceBody;
}
export interface MapBody {
  readonly kind: "map";
  readonly value: ScalarExpr;
}
export interface ReduceBody {
  readonly kind: "reduce";
  readonly over: readonly Axis[];
  readonly combine: "sum" | "max" | "argmax";
  readonly value: ScalarExpr;
  readonly finish: ScalarExpr;
}

// ---- Builders: short names, because ops read as formulas -------------------------------------------------------

export type IndexLike = IndexExpr | Axis | number;
export type ScalarLike = ScalarExpr | number;

/** An index of an axis, a number or an index. */
export function idx(value: IndexLike): IndexExpr {
  if (typeof value === "number") return { kind: "int", value };
  return "kind" in value ? value : { kind: "axis", name: value.name };
}
/** Sum of indices. */
export function iadd(first: IndexLike, ...rest: readonly IndexLike[]): IndexExpr {
  return rest.reduce<IndexExpr>((left, right) => ({ kind: "add", left, right: idx(right) }), idx(first));
}
export function imul(of: IndexLike, by: number): IndexExpr {
  return { kind: "mul", of: idx(of), by };
}
export function idiv(of: IndexLike, by: number): IndexExpr {
  return { kind: "div", of: idx(of), by };
}
export function imod(of: IndexLike, by: number): IndexExpr {
  return { kind: "mod", of: idx(of), by };
}
/** A real number that is whole and lies between `low` and `high`, as an index. */
export function computed(of: ScalarLike, low: number, high: number): IndexExpr {
  return { kind: "computed", of: num(of), low, high };
}
export function isub(left: IndexLike, right: IndexLike): IndexExpr {
  return iadd(left, imul(right, -1));
}

/** The element of a tensor at an index; `fill` where the index lies outside. */
export function load(from: string, index: readonly IndexLike[], fill?: number): ScalarExpr {
  const at = index.map(idx);
  return fill === undefined ? { kind: "load", from, index: at } : { kind: "load", from, index: at, fill };
}
/** "Minus infinity": shaders may assume that there are no infinities. */
export const lowest = -3.4e38;

export function num(value: ScalarLike): ScalarExpr {
  return typeof value === "number" ? { kind: "number", value } : value;
}
function binary(fn: BinaryFunction): (left: ScalarLike, right: ScalarLike) => ScalarExpr {
  return (left, right) => ({ kind: "binary", fn, left: num(left), right: num(right) });
}
export const add = binary("add");
export const sub = binary("sub");
export const mul = binary("mul");
export const div = binary("div");
export const max = binary("max");
export const min = binary("min");
export const pow = binary("pow");
function unary(fn: UnaryFunction): (of: ScalarLike) => ScalarExpr {
  return (of) => ({ kind: "unary", fn, of: num(of) });
}
export const neg = unary("neg");
export const abs = unary("abs");
export const exp = unary("exp");
export const log = unary("log");
export const sqrt = unary("sqrt");
export const inverseSqrt = unary("inverseSqrt");
export const tanh = unary("tanh");
export const sigmoidOf = unary("sigmoid");
export const floor = unary("floor");
export const erf = unary("erf");
export const log1p = unary("log1p");
export const sin = unary("sin");
export const cos = unary("cos");

export function select(when: Condition, then: ScalarLike, otherwise: ScalarLike): ScalarExpr {
  return { kind: "select", when, then: num(then), otherwise: num(otherwise) };
}
export function compare(fn: Comparison, left: ScalarLike, right: ScalarLike): Condition {
  return { kind: "compare", fn, left: num(left), right: num(right) };
}
export function compareIndex(fn: Comparison, left: IndexLike, right: IndexLike): Condition {
  return { kind: "compareIndex", fn, left: idx(left), right: idx(right) };
}
export function all(...conditions: readonly Condition[]): Condition {
  return { kind: "and", all: conditions };
}
export const reduced: ScalarExpr = { kind: "reduced" };
/** A number in [0, 1): one for each stream and counter of a step. */
export function random(stream: number, counter: IndexLike): ScalarExpr {
  return { kind: "random", stream, counter: idx(counter) };
}
/** The number of samples in this step's batch, as a real. */
export const sampleCount: ScalarExpr = { kind: "uniform", name: "count" };
export function uniform(name: UniformName): ScalarExpr {
  return { kind: "uniform", name };
}
/** An index as a real number. */
export function indexValue(of: IndexLike): ScalarExpr {
  return { kind: "index", of: idx(of) };
}

/** Whether steps of so many elements begin at the same places in all of an axis's rows, or at their beginnings. */
export function keepsToRows({ rows = [] }: Axis, step: number): boolean {
  return rows.every((row) => row % step === 0 || step % row === 0);
}

export function axis(name: string, extent: number): Axis {
  return { name, extent };
}
export function map(axes: readonly Axis[], value: ScalarLike): Computation {
  return { axes, body: { kind: "map", value: num(value) } };
}
export function reduce(
  axes: readonly Axis[],
  over: readonly Axis[],
  combine: ReduceBody["combine"],
  value: ScalarLike,
  finish: ScalarLike = reduced,
): Computation {
  return { axes, body: { kind: "reduce", over, combine, value: num(value), finish: num(finish) } };
}

/** Calls `visit` with the scalar of each computed place in an index. */
function visitComputed(expr: IndexExpr, visit: (of: ScalarExpr) => void): void {
  switch (expr.kind) {
    case "axis":
    case "int":
      return;
    case "add":
      visitComputed(expr.left, visit);
      visitComputed(expr.right, visit);
      return;
    case "mul":
    case "div":
    case "mod":
      visitComputed(expr.of, visit);
      return;
    case "computed":
      visit(expr.of);
  }
}

/** The scalars of the computed places in an index. */
export function computedParts(expr: IndexExpr): readonly ScalarExpr[] {
  const parts: ScalarExpr[] = [];
  visitComputed(expr, (of) => parts.push(of));
  return parts;
}

/** Pass after pass asks for the loads of one computation, which no pass changes. */
const knownLoads = new WeakMap<Computation, readonly Load[]>();

/** Every load of a computation. */
export function loadsOf(computation: Computation): readonly Load[] {
  const known = knownLoads.get(computation);
  if (known !== undefined) return known;
  const loads = findLoads(computation);
  knownLoads.set(computation, loads);
  return loads;
}

function findLoads({ body }: Computation): readonly Load[] {
  const loads: Load[] = [];
  const scalar = (expr: ScalarExpr): void => {
    if (expr.kind === "load") {
      loads.push(expr);
      expr.index.forEach(index);
    } else if (expr.kind === "index") index(expr.of);
    else if (expr.kind === "random") index(expr.counter);
    else if (expr.kind === "unary") scalar(expr.of);
    else if (expr.kind === "binary") {
      scalar(expr.left);
      scalar(expr.right);
    } else if (expr.kind === "select") {
      condition(expr.when);
      scalar(expr.then);
      scalar(expr.otherwise);
    }
  };
  const index = (expr: IndexExpr): void => {
    visitComputed(expr, scalar);
  };
  const condition = (when: Condition): void => {
    if (when.kind === "compare") {
      scalar(when.left);
      scalar(when.right);
    } else if (when.kind === "and") when.all.forEach(condition);
    else {
      index(when.left);
      index(when.right);
    }
  };
  scalar(body.value);
  if (body.kind === "reduce") scalar(body.finish);
  return loads;
}

/** The axes that an index counts along, outside its computed places. */
export function axisNames(expr: IndexExpr): readonly string[] {
  switch (expr.kind) {
    case "axis":
      return [expr.name];
    case "int":
    case "computed":
      return [];
    case "add":
      return [...axisNames(expr.left), ...axisNames(expr.right)];
    case "mul":
    case "div":
    case "mod":
      return axisNames(expr.of);
  }
}
