/**
 * Turns expression trees into WGSL scalars. Indices are folded at compile time as far as possible; every load is a `let` in the
 * outermost scope that it depends on, made once for equal indices.
 */
import { InternalCompilerError } from "../ir/diagnostic.ts";
import {
  addAffine,
  affineKey,
  affineOf,
  constantAffine,
  linearAffine,
  packedAffine,
  rangeOf,
  scaleAffine,
  variableAffine,
} from "../ir/affine.ts";
import type { Affine, Bindings } from "../ir/affine.ts";
import type { Axis, Condition, IndexExpr, Load, ScalarExpr } from "../ir/expression.ts";
import type { TensorType, ValueId } from "../ir/graph.ts";
import { namedValue } from "../ir/kernel.ts";
import { dimensionsOf } from "../ir/program.ts";
import type { Stage } from "../ir/kernel.ts";
import type { UniformWord } from "./uniforms.ts";
import { both, comparisonText, compareNumbers, drawFunction, foldBinary, unaryText } from "./scalarFunctions.ts";
import { combinations } from "./combinations.ts";
import { createIndexPrinter } from "./indexPrinter.ts";
import { createLoadMemo } from "./loadMemo.ts";
import type { LoadMemo } from "./loadMemo.ts";
import { createMemoryLoads } from "./memoryLoads.ts";
import type { LoadableArray, LoadPlan, MemoryLoads } from "./memoryLoads.ts";
import { floatLiteral } from "./wgslWriter.ts";
import type { Scopes, Value } from "./wgslWriter.ts";

/** What the expressions of one place mean: each axis, and the reduction's result where there is one. */
export interface Environment {
  readonly bindings: Bindings;
  readonly reduced?: Value;
  readonly memo: LoadMemo;
  /** Where the loads of a staged sum find their elements; undefined for one that is read from where it is bound. */
  readonly staged?: (load: Load, position: readonly Affine[]) => Value | undefined;
}

/** Where the evaluator finds the stages of its kernel. */
export interface StageAccess {
  readonly indexOf: (name: string) => number | undefined;
  readonly stage: (index: number) => Stage;
  readonly unrolledOver: (index: number) => ReadonlySet<string>;
  /** The first element of this invocation's tile along a stage's axis. */
  readonly originOf: (index: number, axis: Axis) => Affine;
  readonly tileOf: (index: number, axis: Axis) => number;
}

export interface LoadableBinding extends LoadableArray {
  readonly value: ValueId;
  readonly writes: boolean;
}

export interface Evaluator extends Pick<MemoryLoads, "noteStore" | "vectorizable" | "shareable"> {
  scalar(expr: ScalarExpr, environment: Environment): Value;
  /** An element of a stage at offsets within this invocation's tile. */
  stageValue(index: number, offsets: readonly number[]): Value;
  /** Tells the evaluator a sum that the loops have finished. */
  setReduced(index: number, offsets: readonly number[], value: Value): void;
  index(affine: Affine): string;
  bindingOf(value: ValueId): LoadableBinding;
  /** The stage's axes at offsets within this invocation's tile. */
  axesAt(index: number, offsets: readonly number[]): ReadonlyMap<string, Affine>;
  /** What a load reads at a position of a tensor of these dimensions, its fill where that is outside. */
  loadAt(load: Load, position: readonly Affine[], dimensions: readonly number[]): Value;
  /** The element of an array at a linear index, loaded no further out than `level`. */
  loadFrom(array: LoadableArray, linear: Affine, level: number): Value;
  usesUniforms(): boolean;
  helperFunctions(): readonly string[];
}

interface EvaluatorOptions {
  readonly batch: number;
  readonly typeOf: (value: ValueId) => TensorType;
  readonly storageOf: (value: ValueId) => ValueId;
  readonly uniforms: readonly UniformWord[];
}

export function createEvaluator(
  scopes: Scopes,
  bindings: readonly LoadableBinding[],
  plan: LoadPlan,
  access: StageAccess,
  options: EvaluatorOptions,
  isUniform: (variable: string) => boolean,
): Evaluator {
  const byValue = new Map(bindings.map((binding) => [binding.value, binding]));
  const stageValues = new Map<string, Value>();
  const reducedValues = new Map<string, Value>();
  const memos = new Map<number, LoadMemo>();
  const helpers = new Map<string, string>();
  let uniformsUsed = false;

  const printer = createIndexPrinter(scopes);
  const { index, levelOf } = printer;
  const memory = createMemoryLoads(bindings, scopes, printer, plan, isUniform);

  function scalar(expr: ScalarExpr, environment: Environment): Value {
    switch (expr.kind) {
      case "number":
        return literal(expr.value);
      case "reduced":
        if (environment.reduced === undefined)
          throw new InternalCompilerError("emitWgsl", "`reduced` outside a reduction's finish");
        return environment.reduced;
      case "uniform": {
        uniformsUsed = true;
        const word = options.uniforms.find((each) => each.name === expr.name);
        if (word === undefined) throw new InternalCompilerError("emitWgsl", `no uniform is called ${expr.name}`);
        return { text: word.type === "f32" ? `step.${expr.name}` : `f32(step.${expr.name})`, level: 0 };
      }
      case "index": {
        const affine = place(expr.of, environment);
        if (affine.terms.length === 0) return literal(affine.constant);
        return { text: `f32(${index(affine)})`, level: levelOf(affine) };
      }
      case "unary": {
        const of = scalar(expr.of, environment);
        const text = unaryText(expr.fn, of.text, helpers);
        if (expr.fn === "neg") return { text, level: of.level };
        return define(text, expr.fn.toLowerCase(), of.level);
      }
      case "binary":
        return binaryValue(expr.fn, scalar(expr.left, environment), scalar(expr.right, environment));
      case "select": {
        const when = condition(expr.when, environment);
        if (when.constant !== undefined) return scalar(when.constant !== 0 ? expr.then : expr.otherwise, environment);
        const [then, otherwise] = [scalar(expr.then, environment), scalar(expr.otherwise, environment)];
        const level = Math.max(when.level, then.level, otherwise.level);
        return define(`select(${otherwise.text}, ${then.text}, ${when.text})`, "pick", level);
      }
      case "random": {
        const counter = place(expr.counter, environment);
        helpers.set("draw", drawFunction);
        uniformsUsed = true;
        return define(`draw(${expr.stream}u, u32(${index(counter)}))`, "random", levelOf(counter));
      }
      case "load":
        return environment.memo.recall(expr, environment.bindings, () => load(expr, environment));
    }
  }

  /** An index as an affine one; a place that only the running kernel knows becomes a variable, held in its range. */
  function place(expr: IndexExpr, environment: Environment): Affine {
    return affineOf(expr, environment.bindings, scopes.ranges, ({ of, low, high }) => {
      // An index that is only to be held in its range stays a whole number.
      const whole = of.kind === "index" ? place(of.of, environment) : undefined;
      const range = whole === undefined ? undefined : rangeOf(whole, scopes.ranges);
      if (whole !== undefined && range !== undefined && range.low >= low && range.high <= high) return whole;
      const value = whole === undefined ? scalar(of, environment) : { text: index(whole), level: levelOf(whole) };
      const text = `clamp(${whole === undefined ? `i32(${value.text})` : value.text}, ${low}, ${high})`;
      const name = scopes.define(text, "place", value.level, () => text);
      if (!scopes.ranges.has(name)) scopes.declare(name, { low, high }, value.level);
      return variableAffine(name);
    });
  }

  function define(text: string, prefix: string, level: number): Value {
    return { text: scopes.define(text, prefix, level, () => text), level };
  }

  function binaryValue(fn: Extract<ScalarExpr, { kind: "binary" }>["fn"], left: Value, right: Value): Value {
    const level = Math.max(left.level, right.level);
    if (left.constant !== undefined && right.constant !== undefined && fn !== "pow") {
      const constant = foldBinary(fn, left.constant, right.constant);
      if (Number.isFinite(constant)) return { text: floatLiteral(constant), level: 0, constant };
    }
    if (fn === "mul" && (left.constant === 0 || right.constant === 0)) return { text: "0.0", level: 0, constant: 0 };
    if (fn === "mul" && left.constant === 1) return right;
    if ((fn === "mul" || fn === "div") && right.constant === 1) return left;
    if (fn === "add" && left.constant === 0) return right;
    if ((fn === "add" || fn === "sub") && right.constant === 0) return left;
    const operators = { add: "+", sub: "-", mul: "*", div: "/" } as const;
    const text =
      fn === "max" || fn === "min" || fn === "pow"
        ? `${fn}(${left.text}, ${right.text})`
        : `(${left.text} ${operators[fn]} ${right.text})`;
    return { text, level };
  }

  function condition(when: Condition, environment: Environment): Value {
    switch (when.kind) {
      case "compare": {
        const [left, right] = [scalar(when.left, environment), scalar(when.right, environment)];
        if (left.constant !== undefined && right.constant !== undefined)
          return truth(compareNumbers(when.fn, left.constant, right.constant));
        return {
          text: `(${left.text} ${comparisonText[when.fn]} ${right.text})`,
          level: Math.max(left.level, right.level),
        };
      }
      case "compareIndex": {
        const left = place(when.left, environment);
        const right = place(when.right, environment);
        const difference = addAffine(left, scaleAffine(right, -1));
        const { low, high } = rangeOf(difference, scopes.ranges);
        const [atLow, atHigh] = [compareNumbers(when.fn, low, 0), compareNumbers(when.fn, high, 0)];
        if (when.fn === "eq" || when.fn === "ne") {
          if (low > 0 || high < 0) return truth(when.fn === "ne");
          if (low === 0 && high === 0) return truth(when.fn === "eq");
        } else if (atLow === atHigh) return truth(atLow);
        return { text: `(${index(left)} ${comparisonText[when.fn]} ${index(right)})`, level: levelOf(difference) };
      }
      case "and": {
        const parts = when.all.map((each) => condition(each, environment));
        if (parts.some((part) => part.constant === 0)) return truth(false);
        const open = parts.filter((part) => part.constant === undefined);
        if (open.length === 0) return truth(true);
        return {
          text: open.length === 1 ? (open[0]?.text ?? "") : `(${open.map((part) => part.text).join(both)})`,
          level: Math.max(...open.map((part) => part.level)),
        };
      }
    }
  }

  function load(expr: Load, environment: Environment): Value {
    const position = expr.index.map((each: IndexExpr) => place(each, environment));
    const stageIndex = access.indexOf(expr.from);
    if (stageIndex !== undefined) return stageValue(stageIndex, registerOffsets(stageIndex, position));
    const staged = environment.staged?.(expr, position);
    if (staged !== undefined) return staged;
    return loadAt(expr, position, dimensionsOf(options.typeOf(namedValue(expr.from)), options.batch));
  }

  function loadAt(expr: Load, position: readonly Affine[], extents: readonly number[]): Value {
    const checks: Value[] = [];
    if (expr.fill !== undefined) {
      for (const [dimension, each] of position.entries()) {
        const extent = extents[dimension] ?? 1;
        const { low, high } = rangeOf(each, scopes.ranges);
        if (high < 0 || low >= extent) return literal(expr.fill);
        if (low >= 0 && high < extent) continue;
        const text = low < 0 ? `u32(${index(each)}) < ${extent}u` : `${index(each)} < ${extent}`;
        checks.push({ text, level: levelOf(each) });
      }
    }
    const storage = options.storageOf(namedValue(expr.from));
    const isPacked = options.typeOf(storage).packed === true;
    const linear = isPacked ? packedAffine(position, extents, scopes.ranges) : linearAffine(position, extents);
    const loaded = memory.load(bindingOf(storage), linear);
    if (checks.length === 0) return loaded;
    // Each dimension's check stands where its index does: a column's outside the loop over rows.
    const named = checks.map((check) => scopes.define(check.text, "fits", check.level, () => check.text));
    const level = Math.max(...checks.map((check) => check.level));
    const text = named.join(both);
    const inside = named.length === 1 ? text : scopes.define(text, "inside", level, () => text);
    const fill = floatLiteral(expr.fill ?? 0);
    return define(`select(${fill}, ${loaded.text}, ${inside})`, "padded", Math.max(level, loaded.level));
  }

  /** Where in a stage's tile an index lies; it must be known at compile time. */
  function registerOffsets(stageIndex: number, position: readonly Affine[]): readonly number[] {
    const { axes } = access.stage(stageIndex).computation;
    return axes.map((axis, dimension) => {
      const offset = addAffine(
        position[dimension] ?? constantAffine(0),
        scaleAffine(access.originOf(stageIndex, axis), -1),
      );
      const tile = access.tileOf(stageIndex, axis);
      if (offset.terms.length > 0 || offset.constant < 0 || offset.constant >= tile) {
        throw new InternalCompilerError(
          "emitWgsl",
          `${access.stage(stageIndex).op}'s ${axis.name} is read at ${affineKey(offset)} of a tile of ${tile}`,
        );
      }
      return offset.constant;
    });
  }

  function stageValue(stageIndex: number, offsets: readonly number[]): Value {
    const key = `${stageIndex}:${offsets.join(",")}`;
    const known = stageValues.get(key);
    if (known !== undefined) return known;
    const stage = access.stage(stageIndex);
    const bindings = axesAt(stageIndex, offsets);
    const { body } = stage.computation;
    let value: Value;
    const memo = memoOf(stageIndex);
    if (body.kind === "map") value = scalar(body.value, { bindings, memo });
    else {
      const reduced = reducedValues.get(key) ?? reduceRegisters(stageIndex, bindings);
      value = scalar(body.finish, { bindings, reduced, memo });
    }
    const settled =
      value.constant !== undefined || /^[a-z_]+[0-9]*(\.[xyzw])?$/i.test(value.text)
        ? value
        : define(value.text, `${variablePrefix(stage.op)}_`, value.level);
    stageValues.set(key, settled);
    return settled;
  }

  /** A reduction over values in registers, unrolled. */
  function reduceRegisters(stageIndex: number, bindings: ReadonlyMap<string, Affine>): Value {
    const { body } = access.stage(stageIndex).computation;
    if (body.kind !== "reduce") throw new InternalCompilerError("emitWgsl", "not a reduction");
    let best: Value | undefined;
    let at: Value = { text: "0.0", level: 0, constant: 0 };
    let position = 0;
    for (const offsets of combinations(body.over.map((axis) => axis.extent))) {
      const inner = new Map(bindings);
      body.over.forEach((axis, i) => inner.set(axis.name, constantAffine(offsets[i] ?? 0)));
      const value = scalar(body.value, { bindings: inner, memo: memoOf(stageIndex) });
      if (best === undefined) best = value;
      else if (body.combine === "sum") best = binaryValue("add", best, value);
      else if (body.combine === "max") best = binaryValue("max", best, value);
      else {
        const level = Math.max(best.level, value.level, at.level);
        const greater = `${value.text} > ${best.text}`;
        at = define(`select(${at.text}, ${floatLiteral(position)}, ${greater})`, "at", level);
        best = define(binaryValue("max", best, value).text, "best", level);
      }
      position++;
    }
    if (body.combine === "argmax") return at;
    const sum = best ?? { text: "0.0", level: 0, constant: 0 };
    return sum.constant !== undefined ? sum : define(sum.text, body.combine, sum.level);
  }

  /** What a stage's elements load, outside all loops. */
  function memoOf(stageIndex: number): LoadMemo {
    const memo = memos.get(stageIndex) ?? createLoadMemo();
    memos.set(stageIndex, memo);
    return memo;
  }

  function axesAt(stageIndex: number, offsets: readonly number[]): ReadonlyMap<string, Affine> {
    const { axes } = access.stage(stageIndex).computation;
    return new Map(
      axes.map((axis, i) => [axis.name, addAffine(access.originOf(stageIndex, axis), constantAffine(offsets[i] ?? 0))]),
    );
  }

  function bindingOf(value: ValueId): LoadableBinding {
    const binding = byValue.get(value);
    if (binding === undefined) throw new InternalCompilerError("emitWgsl", `%${value} is not bound`);
    return binding;
  }

  return {
    scalar,
    stageValue,
    setReduced: (stageIndex, offsets, value) => void reducedValues.set(`${stageIndex}:${offsets.join(",")}`, value),
    index,
    bindingOf,
    axesAt,
    loadAt,
    loadFrom: memory.load,
    noteStore: memory.noteStore,
    vectorizable: memory.vectorizable,
    shareable: memory.shareable,
    usesUniforms: () => uniformsUsed,
    helperFunctions: () => [...helpers.values()],
  };
}

function literal(value: number): Value {
  return { text: floatLiteral(value), level: 0, constant: value };
}

function truth(holds: boolean): Value {
  return { text: String(holds), level: 0, constant: holds ? 1 : 0 };
}

/** By op: asked for with every element of a tile. */
const knownPrefixes = new Map<string, string>();

function variablePrefix(op: string): string {
  let prefix = knownPrefixes.get(op);
  if (prefix === undefined) knownPrefixes.set(op, (prefix = op.replace(/[^A-Za-z0-9]/g, "_")));
  return prefix;
}
