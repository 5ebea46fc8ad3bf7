/**
 * tiles.ts: how the stages of a kernel lie over the root's tiles. A root axis is cut in tiles of T elements; a stage
 * that takes every second element of it has tiles of T/2, one that reads each element twice has 2T. So a stage's axis is
 * either a rational multiple of a root axis, or local: all of it in one invocation's registers.
 */
import { affineOf, rangeOf, variableAffine } from "./affine.ts";
import type { Affine, Range } from "./affine.ts";
import { computedParts, loadsOf } from "./expression.ts";
import type { Axis, Computation } from "./expression.ts";
import { valueName } from "./kernel.ts";
import type { Kernel, Stage } from "./kernel.ts";

/** A stage's axis: tiles of `root`'s tile times numerator / denominator; without `root`, whole in registers. */
export interface AxisScale {
  readonly root?: string;
  readonly numerator: number;
  readonly denominator: number;
}

/** What a stage asks of the tile of a root axis. */
export interface TileConstraint {
  readonly multipleOf: number;
  /** The tile must hold the whole axis. */
  readonly full: boolean;
}

export interface StageLayout {
  readonly scales: ReadonlyMap<string, AxisScale>;
  /** Reduction axes that index registers, so that they must be unrolled. */
  readonly unrolledOver: ReadonlySet<string>;
  readonly constraints: ReadonlyMap<string, TileConstraint>;
}

/** A value that is in registers: its axes in order, and where they lie. */
export interface RegisterValue {
  readonly axes: readonly Axis[];
  readonly scales: ReadonlyMap<string, AxisScale>;
}

/** The layout of a root stage: each axis is its own. */
export function rootLayout(axes: readonly Axis[]): StageLayout {
  return {
    scales: new Map(axes.map((axis) => [axis.name, { root: axis.name, numerator: 1, denominator: 1 }])),
    unrolledOver: new Set(),
    constraints: new Map(),
  };
}

/** Most elements of an axis that nothing ties to the root: it is unrolled in every invocation. */
const localAxisLimit = 8;

/** The layout of a stage that loads `registers`; undefined when its loads cannot be resolved at compile time. */
export function layoutStage(
  computation: Computation,
  registers: ReadonlyMap<string, RegisterValue>,
): StageLayout | undefined {
  const { axes, body } = computation;
  const over = body.kind === "reduce" ? body.over : [];
  const extentOf = new Map([...axes, ...over].map((axis) => [axis.name, axis.extent]));
  const ranges = new Map<string, Range>([...extentOf].map(([name, extent]) => [name, { low: 0, high: extent - 1 }]));
  const bindings = new Map<string, Affine>([...extentOf.keys()].map((name) => [name, variableAffine(name)]));
  const overNames = new Set(over.map((axis) => axis.name));
  const scales = new Map<string, AxisScale>();
  const unrolledOver = new Set<string>();
  const constraints = new Map<string, TileConstraint>();

  const constrain = (root: string | undefined, multipleOf: number, full: boolean): void => {
    if (root === undefined) return;
    const before = constraints.get(root) ?? { multipleOf: 1, full: false };
    constraints.set(root, {
      multipleOf: leastCommonMultiple(before.multipleOf, multipleOf),
      full: before.full || full,
    });
  };
  const place = (name: string, scale: AxisScale): boolean => {
    const before = scales.get(name);
    if (before !== undefined) return sameScale(before, scale);
    scales.set(name, scale);
    return true;
  };

  const relate = (position: Affine, axis: Axis, scale: AxisScale): boolean => {
    // A fill value, or an element that no tile holds, cannot come from registers.
    const reach = rangeOf(position, ranges);
    if (reach.low < 0 || reach.high >= axis.extent) return false;
    const onAxes = position.terms.filter(({ atom }) => atom.kind !== "variable" || !overNames.has(atom.name));
    const others = position.terms.filter((term) => !onAxes.includes(term));
    const offset: Affine = { terms: others, constant: position.constant };
    for (const { atom } of offset.terms) if (atom.kind === "variable") unrolledOver.add(atom.name);
    const [only] = onAxes;
    if (only === undefined) {
      if (axis.batch === true) return false;
      constrain(scale.root, 1, true);
      return true;
    }
    if (onAxes.length > 1) return false;
    const { low, high } = rangeOf(offset, ranges);
    const { atom, coefficient } = only;
    if (atom.kind === "variable") {
      if (low < 0 || high >= coefficient) return false;
      if (coefficient > 1) {
        if (scale.root === undefined) return false;
        // The stage's tile, T * numerator / denominator, must hold whole windows.
        const window = coefficient * scale.denominator;
        constrain(scale.root, leastCommonMultiple(window, scale.numerator) / scale.numerator, false);
      }
      return place(atom.name, scaled(scale, 1, coefficient));
    }
    const [inner] = atom.of.terms;
    const plain = atom.of.terms.length === 1 && atom.of.constant === 0 && inner?.coefficient === 1;
    if (atom.kind !== "div" || !plain || coefficient !== 1 || low !== 0 || high !== 0) return false;
    if (inner?.atom.kind !== "variable" || overNames.has(inner.atom.name) || scale.root === undefined) return false;
    return place(inner.atom.name, scaled(scale, atom.by, 1));
  };

  const fits = (from: string, index: readonly Affine[], computed: boolean): boolean => {
    const value = registers.get(from);
    if (value === undefined) return true;
    // Which register it is would be known too late.
    if (computed) return false;
    return value.axes.every((axis, dimension) => {
      const [position, scale] = [index[dimension], value.scales.get(axis.name)];
      return position !== undefined && scale !== undefined && relate(position, axis, scale);
    });
  };

  const loads = loadsOf(computation);
  for (const load of loads) {
    if (
      !fits(
        load.from,
        load.index.map((position) => affineOf(position, bindings, ranges)),
        load.index.some((position) => computedParts(position).length > 0),
      )
    )
      return undefined;
  }
  for (const axis of axes) {
    if (scales.has(axis.name)) continue;
    if (axis.extent > localAxisLimit || axis.batch === true) return undefined;
    scales.set(axis.name, { numerator: 1, denominator: 1 });
  }
  return { scales, unrolledOver, constraints };
}

/** One stage of a kernel as `layoutKernel` sees it. */
export interface StageLike {
  /** The name under which other stages load it. */
  readonly name: string;
  readonly computation: Computation;
}

/**
 * The layouts of a kernel's stages in order; undefined for one that fits neither as a sibling of the root (a reduction in
 * the root's own loops) nor as a reader of registers.
 */
export function layoutKernel(stages: readonly StageLike[]): readonly (StageLayout | undefined)[] {
  const registers = new Map<string, RegisterValue>();
  const root = stages[0]?.computation;
  return stages.map(({ name, computation }, index) => {
    const alone =
      index === 0 ||
      (root !== undefined && (sharesLoops(computation, root, registers) || standsBeside(computation, root, registers)));
    const layout = alone ? rootLayout(computation.axes) : layoutStage(computation, registers);
    if (layout !== undefined) registers.set(name, { axes: computation.axes, scales: layout.scales });
    return layout;
  });
}

/** The layouts of a kernel's stages; see `layoutKernel`. */
export function layoutsOf({ stages }: Kernel): readonly (StageLayout | undefined)[] {
  return layoutKernel(stages.map(({ value, computation }) => ({ name: valueName(value), computation })));
}

/** `layoutsOf`, or one that remembers. */
export type LayoutsOf = typeof layoutsOf;

/** The layouts of kernels, found once for the same stages: a compilation asks when it chooses a schedule and when it writes. */
export function rememberLayouts(): LayoutsOf {
  const known = new WeakMap<readonly Stage[], ReturnType<LayoutsOf>>();
  return (kernel) => {
    const layouts = known.get(kernel.stages) ?? layoutsOf(kernel);
    known.set(kernel.stages, layouts);
    return layouts;
  };
}

/** Whether a computation is summed in the root's own loops: same reduction, axes among the root's, nothing from registers. */
export function sharesLoops(
  computation: Computation,
  root: Computation,
  registers: ReadonlyMap<string, RegisterValue>,
): boolean {
  if (computation.body.kind !== "reduce" || root.body.kind !== "reduce") return false;
  const rootOver = root.body.over;
  const { over } = computation.body;
  return (
    over.length === rootOver.length &&
    over.every((axis, index) => axis.name === rootOver[index]?.name && axis.extent === rootOver[index]?.extent) &&
    computation.axes.every((axis) =>
      root.axes.some((other) => other.name === axis.name && other.extent === axis.extent),
    ) &&
    loadsOf(computation).every((load) => !registers.has(load.from))
  );
}

/** Whether a computation takes the root's axes as they are, and no more than that: no sums, nothing from registers. */
export function standsBeside(
  computation: Computation,
  root: Computation,
  registers: { has(name: string): boolean },
): boolean {
  const { axes, body } = computation;
  return (
    body.kind === "map" &&
    root.body.kind === "map" &&
    axes.length === root.axes.length &&
    axes.every(({ name, extent }, i) => name === root.axes[i]?.name && extent === root.axes[i]?.extent) &&
    loadsOf(computation).every((load) => !registers.has(load.from))
  );
}

/** Whether one invocation alone computes each element of a stage: none where it lacks one of the axes that invocations lie along. */
export function isComputedOnce(layout: StageLayout | undefined, rootAxes: readonly Axis[]): boolean {
  const roots = new Set([...(layout?.scales.values() ?? [])].map(({ root }) => root));
  return rootAxes.every(({ name, extent }) => extent === 1 || roots.has(name));
}

/** The stages that are summed in one set of loops: the root and those that share its loops; none where the root is no reduction. */
export function loopStages({ stages }: Pick<Kernel, "stages">): readonly Stage[] {
  const root = stages[0]?.computation;
  if (root?.body.kind !== "reduce") return [];
  const before = new Map<string, RegisterValue>();
  return stages.filter(({ value, computation }, index) => {
    const shares = index === 0 || sharesLoops(computation, root, before);
    // Only the names count.
    before.set(valueName(value), { axes: [], scales: new Map() });
    return shares;
  });
}

/** The size of a stage's tile along an axis, from the root's tiles. */
export function stageTile(axis: Axis, scale: AxisScale, rootTile: Readonly<Record<string, number>>): number {
  if (scale.root === undefined) return axis.extent;
  return ((rootTile[scale.root] ?? 1) * scale.numerator) / scale.denominator;
}

/** Adds what a stage asks of the root's tiles to what others ask. */
export function mergeConstraints(into: Map<string, TileConstraint>, more: ReadonlyMap<string, TileConstraint>): void {
  for (const [name, constraint] of more) {
    const before = into.get(name) ?? { multipleOf: 1, full: false };
    const multipleOf = leastCommonMultiple(before.multipleOf, constraint.multipleOf);
    into.set(name, { multipleOf, full: before.full || constraint.full });
  }
}

export function productOf(numbers: readonly number[]): number {
  return numbers.reduce((product, each) => product * each, 1);
}

/** The smallest number that both divide. */
export function leastCommonMultiple(a: number, b: number): number {
  if (a === 1 || a === b) return b;
  if (b === 1) return a;
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return (a / x) * b;
}

/** A scale times `by` and divided by `parts`, in lowest terms. */
function scaled({ root, numerator, denominator }: AxisScale, by: number, parts: number): AxisScale {
  const times = numerator * by;
  const over = denominator * parts;
  const divisor = (times * over) / leastCommonMultiple(times, over);
  const scale = { numerator: times / divisor, denominator: over / divisor };
  return root === undefined ? scale : { root, numerator: scale.numerator, denominator: scale.denominator };
}

function sameScale(a: AxisScale, b: AxisScale): boolean {
  return a.root === b.root && a.numerator === b.numerator && a.denominator === b.denominator;
}

/** Tiles along an axis in whole quads of invocations. */
export function wholeQuads(tiles: number): number {
  return 4 * Math.ceil(tiles / 4);
}
