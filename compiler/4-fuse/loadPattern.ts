/** How often a load in a reduction really reads memory, once equal elements within a tile are shared. */
import { affineOf, rangeOf, variableAffine } from "../ir/affine.ts";
import type { Affine, Atom, Range } from "../ir/affine.ts";
import { leastCommonMultiple } from "../ir/tiles.ts";
import { axisNames, loadsOf, map } from "../ir/expression.ts";
import { rewriteScalar } from "../ir/rewrite.ts";
import type { ScheduleCosts } from "./scheduleCosts.ts";
import type { Axis, Condition, IndexExpr, ScalarExpr } from "../ir/expression.ts";

/** The elements that one pass takes of each axis: tiles of the root's axes in order, then unrolled steps of the reduced ones. */
type Steps = readonly number[];

/** One load: each dimension's index as coefficients of axes; divisions are kept apart. */
export interface LoadPattern {
  readonly dimensions: readonly DimensionPattern[];
  /** Positions in `Steps` of the axes that are a dimension's index each, by themselves: it takes as many values as the axis has steps (see `stepAt`). */
  readonly single: readonly number[];
  /** The dimensions whose values must be counted. */
  readonly counted: readonly DimensionPattern[];
  /** The dimensions in which it may fall outside its tensor. */
  readonly mayBeOutside: readonly DimensionPattern[];
  /** The dimension along which neighbours in memory lie. */
  readonly fastest: number;
  /** The reduced axes, the innermost first. */
  readonly over: readonly OverPattern[];
  /** Whether it depends on an axis that is not reduced. */
  readonly onRoot: boolean;
  /** Positions in `Steps` of all that it depends on. */
  readonly positions: ReadonlySet<number>;
}
interface DimensionPattern {
  /** Positions in `Steps`, each with its coefficient. */
  readonly axes: readonly number[];
  readonly coefficients: readonly number[];
  readonly divisor: number;
  /** Elements by which it may fall outside its tensor; 0 where it cannot. */
  readonly outside: number;
  /** The extents of `axes`. */
  readonly extents: readonly number[];
  /** Whether what it multiplies counts only where the division has no remainder: the stride of a convolution's gradient. */
  readonly exact: boolean;
  /** The share of all its values that lie inside the tensor and, where it must be so, have no remainder. */
  readonly insideShare: () => number;
  /** Results of `distinctValues` by the steps, which recur in a search. */
  readonly known: Map<number, number>;
}
interface OverPattern {
  readonly at: number;
  readonly extent: number;
  readonly depends: boolean;
}

/** Of a batch of images. */
export const channelDimension = 1;

/** The patterns of the loads in a reduction's value: `axes` are the root's, `own` those of the reduction itself. */
export function loadPattern(
  value: ScalarExpr,
  axes: readonly Axis[],
  over: readonly Axis[],
  own: readonly Axis[] = axes,
  isPacked: (value: string) => boolean = () => false,
): readonly LoadPattern[] {
  const all = [...axes, ...over];
  const bound = [...own, ...over];
  const ranges = new Map<string, Range>(bound.map((axis) => [axis.name, { low: 0, high: axis.extent - 1 }]));
  const bindings = new Map<string, Affine>(bound.map((axis) => [axis.name, variableAffine(axis.name)]));
  const strides = exactDivisors(value);
  return loadsOf(map([], value)).map((load) => {
    const index = load.index.map((position) => affineOf(position, bindings, ranges));
    const dimensions = index.map((position) => {
      const { low, high } = rangeOf(position, ranges);
      const outside = load.fill === undefined ? 0 : Math.max(0, -low);
      // As many lie on the other side.
      const { coefficients, constant, divisor } = coefficientsOf(position);
      return { coefficients, constant, divisor, outside, size: high - low + 1 - 2 * outside };
    });
    const depends = new Set(dimensions.flatMap(({ coefficients }) => [...coefficients.keys()]));
    const patterns = dimensions.map(({ coefficients, constant, divisor, outside, size }): DimensionPattern => {
      const extents = [...coefficients.keys()].map((name) => all.find((axis) => axis.name === name)?.extent ?? 1);
      const exact = outside > 0 && strides.has(divisor);
      let share: number | undefined;
      return {
        axes: [...coefficients.keys()].map((name) => all.findIndex((axis) => axis.name === name)),
        coefficients: [...coefficients.values()],
        divisor,
        outside,
        extents,
        exact,
        insideShare: () =>
          (share ??= insideShare([...coefficients.values()], extents, { constant, divisor, exact, size })),
        known: new Map<number, number>(),
      };
    });
    return {
      dimensions: patterns,
      single: patterns.filter(isSingle).flatMap(({ axes: on }) => on),
      counted: patterns.filter((dimension) => !isSingle(dimension)),
      mayBeOutside: patterns.filter(({ outside }) => outside > 0),
      fastest: isPacked(load.from) ? channelDimension : dimensions.length - 1,
      over: over
        .map((axis, position) => ({
          at: axes.length + position,
          extent: axis.extent,
          depends: depends.has(axis.name),
        }))
        .reverse(),
      onRoot: [...depends].some((name) => !over.some((axis) => axis.name === name)),
      positions: new Set([...depends].map((name) => all.findIndex((axis) => axis.name === name))),
    };
  });
}

/** Whether an index is one axis, or none. */
function isSingle({ axes, divisor, outside }: DimensionPattern): boolean {
  return axes.length <= 1 && divisor === 1 && outside === 0;
}

function coefficientsOf(index: Affine): {
  readonly coefficients: ReadonlyMap<string, number>;
  readonly constant: number;
  readonly divisor: number;
} {
  const coefficients = new Map<string, number>();
  let [constant, divisor] = [0, 1];
  const collect = (affine: Affine, scale: number): void => {
    constant += affine.constant * scale;
    for (const { atom, coefficient } of affine.terms) collectAtom(atom, coefficient * scale);
  };
  const collectAtom = (atom: Atom, scale: number): void => {
    if (atom.kind === "variable") coefficients.set(atom.name, (coefficients.get(atom.name) ?? 0) + scale);
    else {
      if (atom.kind === "div") divisor = Math.max(divisor, atom.by);
      collect(atom.of, scale);
    }
  };
  collect(index, 1);
  return { coefficients, constant, divisor };
}

/** Of all that an index can be: the share within 0 … size - 1, and without a remainder. */
function insideShare(
  coefficients: readonly number[],
  extents: readonly number[],
  within: { readonly constant: number; readonly divisor: number; readonly exact: boolean; readonly size: number },
): number {
  const { constant, divisor, exact, size } = within;
  let values = [constant];
  for (const [i, extent] of extents.entries()) {
    const steps = Array.from({ length: extent }, (_, t) => t * (coefficients[i] ?? 0));
    values = values.flatMap((value) => steps.map((step) => value + step));
  }
  const inside = values.filter((value) => value >= 0 && value < size * divisor && (!exact || value % divisor === 0));
  return inside.length / values.length;
}

/**
 * The share of a pass's multiply-adds that is left without those whose factor is known to lie in the padding, or between the strides
 * of a convolution: such are not written.
 */
export function writtenShare(patterns: readonly LoadPattern[], steps: Steps): number {
  let share = 1;
  for (const { mayBeOutside } of patterns) {
    let own = 1;
    for (const dimension of mayBeOutside) {
      if (isWhole(dimension, steps)) own *= dimension.insideShare();
      else if (dimension.exact && isInPhase(dimension, steps)) own /= dimension.divisor;
    }
    // Factors of one product: what one of them drops, another may, too.
    share = Math.min(share, own);
  }
  return share;
}

/** Whether a pass's elements and taps have the same remainders wherever it begins. */
function isInPhase({ axes, extents, divisor }: DimensionPattern, steps: Steps): boolean {
  return axes.every((at, i) => stepAt(steps, at) % divisor === 0 || stepAt(steps, at) === extents[i]);
}

/** The numbers by which an index must be divisible for a value to count. */
function exactDivisors(value: ScalarExpr): ReadonlySet<number> {
  const found = new Set<number>();
  const visit = (when: Condition): void => {
    if (when.kind === "and") when.all.forEach(visit);
    else if (when.kind === "compareIndex" && when.fn === "eq" && when.left.kind === "mod") found.add(when.left.by);
  };
  rewriteScalar(value, {
    scalar(expr) {
      if (expr.kind === "select") visit(expr.when);
      return undefined;
    },
  });
  return found;
}

/**
 * Strides by which root axes are divided: in a strided convolution's input gradient every second element reads other taps. In a tile
 * that starts at any phase, each element would have to choose among them at run time.
 */
export function periodsOf(value: ScalarExpr, axes: readonly Axis[]): ReadonlyMap<string, number> {
  const periods = new Map<string, number>();
  const visit = (index: IndexExpr): void => {
    if (index.kind === "add") {
      visit(index.left);
      visit(index.right);
    } else if (index.kind === "mul") visit(index.of);
    else if (index.kind === "div" || index.kind === "mod") {
      if (index.by > longestPeriod) return;
      for (const name of axisNames(index.of).filter((each) => axes.some((axis) => axis.name === each))) {
        periods.set(name, leastCommonMultiple(periods.get(name) ?? 1, index.by));
      }
    }
  };
  rewriteScalar(value, {
    index(index) {
      visit(index);
      return index;
    },
  });
  return periods;
}

/** Divisors beyond this are no strides: they cut a vector's index in rows and columns. */
const longestPeriod = 4;

/** A load in one pass of the innermost loop. */
export interface PassLoad {
  readonly elements: number;
  /** What it costs, in multiply-adds, where each invocation makes it. */
  readonly alone: number;
  /** What it costs where the invocations of a quad read the same, and share it; a load from a constant address is not shared. */
  readonly shared: number;
}

/** What a pass of so many steps loads by a pattern. */
export function passLoad(pattern: LoadPattern, steps: Steps, costs: ScheduleCosts): PassLoad {
  const elements = loadedElements(pattern, steps);
  let dynamic = pattern.onRoot;
  // Loops inside the last one that the load depends on find it in a register.
  let passes = 1;
  let inside = true;
  for (const { at, extent, depends } of pattern.over) {
    const step = stepAt(steps, at);
    if (depends && step < extent) dynamic = true;
    const trips = extent / step;
    if (depends && trips > 1) inside = false;
    if (inside) passes *= trips;
  }
  const isRow = isWholeRow(pattern, steps);
  const isVector = !isRow && elements % 4 === 0 && rowsOfFour(pattern, steps);
  const isConditional = pattern.mayBeOutside.some((dimension) => !isWhole(dimension, steps));
  const { constantLoad, rowElement, vectorLoad, scalarLoad, conditional, broadcast, padded } = costs;
  const each =
    (!dynamic ? constantLoad : isRow ? rowElement : isVector ? vectorLoad / 4 : scalarLoad) *
    (isConditional ? conditional : 1);
  const alone = (elements * each) / passes;
  if (!dynamic) return { elements, alone, shared: alone };
  // Of four loads, scalars or vectors, each invocation makes one; a last one alone each makes itself.
  const width = isRow || isVector ? 4 : 1;
  const left = (elements / width) % 4;
  const made = Math.floor(elements / width / 4) + Math.min(left, 1);
  const given = left === 1 ? elements - width : elements;
  const shared = (made * width * each + given * (broadcast + (isConditional ? padded : 0))) / passes;
  return { elements, alone, shared };
}

/**
 * Whether one pass takes all of a dimension. What falls outside the tensor is then known, and neither loaded nor asked for: on
 * software adapters a convolution with padding takes 0.4 to 0.7 of the time where a tile holds whole rows.
 */
function isWhole({ axes, extents }: DimensionPattern, steps: Steps): boolean {
  return axes.every((at, i) => stepAt(steps, at) === extents[i]);
}

function rowsOfFour({ dimensions, fastest }: LoadPattern, steps: Steps): boolean {
  const last = dimensions[fastest];
  return last === undefined || last.axes.every((at, i) => ((last.coefficients[i] ?? 0) * stepAt(steps, at)) % 4 === 0);
}

/** Whether a padded dimension's elements are loaded as whole vectors, since none of them can fall outside. */
function isWholeRow({ dimensions, fastest }: LoadPattern, steps: Steps): boolean {
  const last = dimensions[fastest];
  return last !== undefined && last.outside > 0 && isWhole(last, steps) && insideValues(last, steps) % 4 === 0;
}

/** Elements of a load in one pass of the innermost loop. */
function loadedElements({ single, counted }: LoadPattern, steps: Steps): number {
  let elements = 1;
  for (const at of single) elements *= steps[at] ?? 1;
  for (const dimension of counted) elements *= insideValues(dimension, steps);
  return elements;
}

/** Values of a dimension in one pass, without those that are known to lie outside the tensor. */
function insideValues(dimension: DimensionPattern, steps: Steps): number {
  const values = distinctValues(dimension, steps);
  const { outside } = dimension;
  // As many on the other side.
  return outside > 0 && isWhole(dimension, steps) ? Math.max(1, values - 2 * outside) : values;
}

/** How many values sum(coefficient * t) takes for t within the tile, divided by the divisor. */
function distinctValues(dimension: DimensionPattern, steps: Steps): number {
  const { axes, coefficients, divisor, known } = dimension;
  let active = 0;
  let only = 0;
  let key = 0;
  for (let i = 0; i < axes.length; i++) {
    const step = stepAt(steps, axes[i] ?? -1);
    key = key * stepLimit + step;
    if (step > 1) {
      active++;
      only = i;
    }
  }
  if (active === 0) return 1;
  if (active === 1)
    return Math.ceil(stepAt(steps, axes[only] ?? -1) / (divisor > 1 ? divisor / Math.abs(coefficients[only] ?? 1) : 1));
  const before = known.get(key);
  if (before !== undefined) return before;
  let values = new Set([0]);
  for (const [i, at] of axes.entries()) {
    const next = new Set<number>();
    const coefficient = coefficients[i] ?? 0;
    for (const value of values) for (let t = 0; t < stepAt(steps, at); t++) next.add(value + coefficient * t);
    values = next;
  }
  const count = divisor === 1 ? values.size : new Set([...values].map((value) => Math.floor(value / divisor))).size;
  known.set(key, count);
  return count;
}

/** More than any step, so that the steps of up to five axes make a number of their own. */
const stepLimit = 1024;

/** An axis that is neither tiled nor unrolled, such as a place that only the running kernel knows, takes one step. */
function stepAt(steps: Steps, at: number): number {
  return steps[at] ?? 1;
}
