/**
 * In: kernels without a schedule. Out: the same kernels, each with the schedule that a cost model finds cheapest among
 * tiles and unrollings that fit the kernel's constraints and the compile budget.
 *
 * The model counts, for one multiply-add, the loads that it needs after equal ones are shared: on software adapters a load
 * from memory costs ten to twenty multiply-adds, and on a GPU reuse in registers is what a tile is for, too.
 */
import { keepsToRows, loadsOf } from "../ir/expression.ts";
import type { Axis, ReduceBody } from "../ir/expression.ts";
import type { Kernel, Schedule, Stage } from "../ir/kernel.ts";
import { layoutsOf, leastCommonMultiple, mergeConstraints } from "../ir/tiles.ts";
import type { LayoutsOf, StageLayout, TileConstraint } from "../ir/tiles.ts";
import { valueName } from "../ir/kernel.ts";
import { channelDimension, loadPattern, loadedElements, loadsPerStep, periodsOf, writtenShare } from "./loadPattern.ts";
import type { LoadPattern, Steps } from "./loadPattern.ts";

export interface ScheduleOptions {
  /** "cpu" for a software adapter, whose few lanes need little parallelism. */
  readonly adapterClass: "cpu" | "gpu";
  /** Whether the root's value may be summed in parts that a later kernel adds (a parameter's gradient). */
  readonly splittable: boolean;
  /** About how many lines of WGSL the kernel may unroll to: a software adapter's compiler takes time quadratic in them. */
  readonly lineBudget: number;
  /** Whether a value that the kernel loads, or gives, is stored in blocks of four channels; none is unless given. */
  readonly isPacked?: (name: string) => boolean;
  /** One that remembers saves time. */
  readonly layoutsOf?: LayoutsOf;
}

/** Sums that one invocation keeps: beyond this, registers spill. */
const accumulatorLimit = 208;
/** Invocations below which lanes stay idle. */
const wantedInvocations = { cpu: 256, gpu: 16384 } as const;
/** What a pass of a loop costs beside its work; passes of more steps gain nothing by that on software adapters. */
const [loopOverhead, stepsAPass] = [8, 3];
/** Multiply-adds of a pass beyond which each costs more there: at `twice` as many more, twice as much. */
const longPass = { cpu: { from: 160, twice: 80 }, gpu: { from: Infinity, twice: 1 } } as const;
const largestSplit = 64;

/** The schedule of one kernel. */
export function chooseSchedule(kernel: Kernel, options: ScheduleOptions): Schedule {
  const [root] = kernel.stages;
  if (root === undefined) return kernel.schedule;
  const layouts = (options.layoutsOf ?? layoutsOf)(kernel);
  const { axes, body } = root.computation;
  const givesPacked = kernel.stages.some(({ value }) => options.isPacked?.(valueName(value)) === true);
  const fastest = givesPacked ? channelDimension : axes.length - 1;
  if (body.kind === "map") return scheduleMap(axes, fastest, constraintsOf(layouts));
  return scheduleReduction(kernel, root, body, layouts, options);
}

/** What the stages ask of the root's tiles. */
export function constraintsOf(layouts: readonly (StageLayout | undefined)[]): ReadonlyMap<string, TileConstraint> {
  const constraints = new Map<string, TileConstraint>();
  for (const layout of layouts) mergeConstraints(constraints, layout?.constraints ?? new Map());
  return constraints;
}

/** Elementwise kernels: a few neighbours along the axis that is fastest in memory, so that loads and stores can be vectors. */
function scheduleMap(
  axes: readonly Axis[],
  fastest: number,
  constraints: ReadonlyMap<string, TileConstraint>,
): Schedule {
  const tile: Record<string, number> = {};
  // Where whole axes are held, vectors lie along the fastest of the others.
  const isFree = constraints.size === 0 || [...constraints.values()].some(({ full }) => full);
  for (const [position, axis] of axes.entries()) {
    const { multipleOf, full } = constraints.get(axis.name) ?? { multipleOf: 1, full: false };
    const wanted = position === fastest && axis.extent % 4 === 0 && isFree ? 4 : 1;
    tile[axis.name] = full ? axis.extent : leastCommonMultiple(wanted, multipleOf);
  }
  return { tile, unroll: {}, workgroupSize: 64 };
}

export interface Tiling {
  /** Of the root's axes, in order. */
  readonly tiles: readonly number[];
  /** Elements of a tile. */
  readonly sums: number;
  /** Tiles of the whole grid. */
  readonly invocations: number;
  /** The share of the tiles' elements that the grid has. */
  readonly useful: number;
}

export interface Choice {
  readonly tiling: Tiling;
  /** Of the reduced axes, in order. */
  readonly unrolls: readonly number[];
  /** The product of `unrolls`. */
  readonly unrolled: number;
}

function stepsOf({ tiling, unrolls }: Choice): Steps {
  return tiling.tiles.concat(unrolls);
}

/** What a search among a reduction's schedules knows before it begins. */
export interface Search {
  readonly axes: readonly Axis[];
  readonly body: ReduceBody;
  readonly constraints: ReadonlyMap<string, TileConstraint>;
  readonly periods: ReadonlyMap<string, number>;
  readonly patterns: readonly LoadPattern[];
  /** The axis that parts may cut, and in how many. */
  readonly split: Axis | undefined;
  readonly mostParts: number;
  readonly wanted: number;
  readonly longPass: { readonly from: number; readonly twice: number };
  /** About how many lines the kernel's text has under a choice. */
  readonly linesOf: (choice: Choice) => number;
}

/** Begins a search for the schedule of a kernel whose root reduces. */
export function openSearch(
  kernel: Kernel,
  root: Stage,
  body: ReduceBody,
  layouts: readonly (StageLayout | undefined)[],
  options: ScheduleOptions,
): Search {
  const { axes } = root.computation;
  const siblings = kernel.stages.slice(1).flatMap((stage) => {
    const other = stage.computation.body;
    return other.kind === "reduce" && sameAxes(other.over, body.over)
      ? [{ own: stage.computation.axes, value: other.value }]
      : [];
  });
  const patterns = [
    ...loadPattern(body.value, axes, body.over, axes, options.isPacked),
    ...siblings.flatMap((sibling) => loadPattern(sibling.value, axes, body.over, sibling.own, options.isPacked)),
  ];
  const split = splitAxis(body.over, options);
  return {
    axes,
    body,
    constraints: constraintsOf(layouts),
    periods: periodsOf(body.value, axes),
    patterns,
    split,
    mostParts: split === undefined ? 1 : Math.min(largestSplit, split.extent),
    wanted: wantedInvocations[options.adapterClass],
    longPass: longPass[options.adapterClass],
    linesOf: lineEstimate(kernel, layouts, patterns),
  };
}

/** In how many parts a choice's sums are taken, so that enough invocations run. */
export function partsFor({ tiling }: Choice, { wanted, mostParts }: Search): number {
  return Math.max(1, Math.min(mostParts, Math.ceil(wanted / tiling.invocations)));
}

/**
 * What a choice costs for one useful multiply-add, in multiply-adds; undefined where it is known before its loads are counted to
 * be no less than `below`.
 */
export function costOf(choice: Choice, parts: number, search: Search, below = Infinity): number | undefined {
  const { sums, invocations, useful } = choice.tiling;
  const idle = Math.max(1, search.wanted / (invocations * parts));
  const work = sums * choice.unrolled;
  const steps = stepsOf(choice);
  const written = work * writtenShare(search.patterns, steps);
  const longer = 1 + Math.max(0, written - search.longPass.from) / search.longPass.twice;
  const own = written * longer + loopOverhead * Math.max(1, choice.unrolled / stepsAPass);
  if ((own / (work * useful)) * idle >= below) return undefined;
  return ((own + loadCost(steps, search.patterns)) / (work * useful)) * idle;
}

/** A choice as a schedule. */
export function scheduleOf(choice: Choice | undefined, parts: number, { axes, body, split }: Search): Schedule {
  return {
    tile: choice === undefined ? {} : record(axes, choice.tiling.tiles),
    unroll: choice === undefined ? {} : record(body.over, choice.unrolls),
    ...(split !== undefined && parts > 1 && { split: { axis: split.name, parts } }),
    workgroupSize: 64,
  };
}

function scheduleReduction(
  kernel: Kernel,
  root: Stage,
  body: ReduceBody,
  layouts: readonly (StageLayout | undefined)[],
  options: ScheduleOptions,
): Schedule {
  const search = openSearch(kernel, root, body, layouts, options);
  const { axes, constraints, periods, linesOf } = search;
  let best: { readonly cost: number; readonly choice: Choice; readonly parts: number } | undefined;
  for (const choice of choices(axes, body.over, constraints, periods, options.lineBudget)) {
    const parts = partsFor(choice, search);
    // Most choices cost too much before their loads are counted.
    const cost = costOf(choice, parts, search, best?.cost);
    if (cost === undefined || (best !== undefined && cost >= best.cost)) continue;
    if (linesOf(choice) <= options.lineBudget) best = { cost, choice, parts };
  }
  const { choice, parts } = best ?? { choice: shortest(axes, body, constraints, options, linesOf), parts: 1 };
  return scheduleOf(choice, parts, search);
}

/** The choice of fewest lines, where none is within the budget. */
function shortest(
  axes: readonly Axis[],
  body: ReduceBody,
  constraints: ReadonlyMap<string, TileConstraint>,
  options: ScheduleOptions,
  linesOf: (choice: Choice) => number,
): Choice | undefined {
  let least: { readonly lines: number; readonly choice: Choice } | undefined;
  for (const choice of choices(axes, body.over, constraints, new Map(), options.lineBudget)) {
    const lines = linesOf(choice);
    if (least === undefined || lines < least.lines) least = { lines, choice };
  }
  return least?.choice;
}

function record(axes: readonly Axis[], values: readonly number[]): Readonly<Record<string, number>> {
  return Object.fromEntries(axes.map((axis, index) => [axis.name, values[index] ?? 1]));
}

/** About how many lines the kernel's text has under a choice: sums, loads, multiply-adds, epilogues and stores. */
function lineEstimate(
  kernel: Kernel,
  layouts: readonly (StageLayout | undefined)[],
  patterns: readonly LoadPattern[],
): (choice: Choice) => number {
  const inside = new Set(kernel.stages.map((stage) => valueName(stage.value)));
  const rootAxes = kernel.stages[0]?.computation.axes ?? [];
  const stages = kernel.stages.map((stage, index) => {
    const { axes, body: own } = stage.computation;
    const layout = layouts[index];
    const summed = own.kind === "reduce" && (index === 0 || layout?.unrolledOver.size === 0);
    const over = own.kind === "reduce" && !summed ? own.over.reduce((product, axis) => product * axis.extent, 1) : 1;
    // A value from a register is no line of its own.
    const external = loadsOf(stage.computation).filter((load) => !inside.has(load.from)).length;
    // The stage's elements are those of the root's tiles, times and divided by numbers that are known before the search.
    const tiled: number[] = [];
    let [times, by] = [1, 1];
    for (const axis of axes) {
      const scale = layout?.scales.get(axis.name) ?? { numerator: 1, denominator: 1 };
      times *= scale.root === undefined ? axis.extent : scale.numerator;
      by *= scale.root === undefined ? 1 : scale.denominator;
      const at = rootAxes.findIndex(({ name }) => name === scale.root);
      if (at >= 0) tiled.push(at);
    }
    return { tiled, times, by, summed, inner: over * (1 + external), stored: stage.stored ? 1 : 0 };
  });
  return ({ tiling: { tiles }, unrolled, unrolls }) => {
    const steps = tiles.concat(unrolls);
    const written = unrolled * writtenShare(patterns, steps);
    let lines = 0;
    for (const pattern of patterns) lines += loadedElements(pattern, steps);
    for (const { tiled, times, by, summed, inner, stored } of stages) {
      let elements = times;
      for (const at of tiled) elements *= tiles[at] ?? 1;
      lines += (elements / by) * ((summed ? written + 2 : inner) + stored);
    }
    return lines;
  };
}

/** The axis that a split cuts: the outermost, which is the batch in a weight gradient. */
function splitAxis(over: readonly Axis[], options: ScheduleOptions): Axis | undefined {
  return options.splittable && over.length > 1 ? over[0] : undefined;
}

/** What the loads of one pass cost, in multiply-adds. */
function loadCost(steps: Steps, patterns: readonly LoadPattern[]): number {
  let loads = 0;
  for (const pattern of patterns) loads += loadsPerStep(pattern, steps);
  return loads;
}

/**
 * Tiles and unrollings within the limits. An axis is unrolled only when those inside it are, fully; and around several steps fully or
 * not at all: on software adapters two input channels a pass around the taps of a kernel took 1.2 to 1.6 times as long as one.
 */
export function* choices(
  axes: readonly Axis[],
  over: readonly Axis[],
  constraints: ReadonlyMap<string, TileConstraint>,
  periods: ReadonlyMap<string, number>,
  lineBudget: number,
): Iterable<Choice> {
  const least = axes.map((axis) => {
    const { multipleOf, full } = constraints.get(axis.name) ?? { multipleOf: 1, full: false };
    return full ? axis.extent : multipleOf;
  });
  const leastSums = least.reduce((product, each) => product * each, 1);
  const roomFor = (unrolled: number): number =>
    Math.max(1, leastSums, Math.min(accumulatorLimit, Math.floor(lineBudget / unrolled)));
  const all = tilings(axes, constraints, periods, least, roomFor(1));
  for (const unrolls of unrollings(over, lineBudget)) {
    const unrolled = unrolls.reduce((product, each) => product * each, 1);
    const room = roomFor(unrolled);
    for (const tiling of all) if (tiling.sums <= room) yield { tiling, unrolls, unrolled };
  }
}

const severalSteps = 4;

function* unrollings(over: readonly Axis[], lineBudget: number): Iterable<readonly number[]> {
  const whole = over.map(() => 1);
  yield [...whole];
  let inner = 1;
  for (let position = over.length - 1; position >= 0; position--) {
    const axis = over[position];
    if (axis === undefined || axis.batch === true) return;
    for (const factor of divisors(axis.extent)) {
      if (factor === 1 || factor > 16 || inner * factor > lineBudget || !keepsToRows(axis, factor)) continue;
      if (inner >= severalSteps && factor < axis.extent) continue;
      yield whole.map((each, index) => (index === position ? factor : each));
    }
    if (axis.extent > 16 || inner * axis.extent > lineBudget) return;
    whole[position] = axis.extent;
    inner *= axis.extent;
  }
}

/** The tiles that hold at most `room` elements and at least what the constraints ask of each axis. */
function tilings(
  axes: readonly Axis[],
  constraints: ReadonlyMap<string, TileConstraint>,
  periods: ReadonlyMap<string, number>,
  least: readonly number[],
  room: number,
): readonly Tiling[] {
  const sizes = axes.map((axis, position) => {
    const { name, extent } = axis;
    const smallest = least[position] ?? 1;
    if (constraints.get(name)?.full === true) return [smallest];
    const period = periods.get(name) ?? 1;
    const fitting = tileSizes(extent).filter(
      (size) => size % smallest === 0 && (size === 1 || size % period === 0) && keepsToRows(axis, size),
    );
    return fitting.includes(smallest) ? fitting : [...fitting, smallest];
  });
  const found: Tiling[] = [];
  const tiles = axes.map(() => 1);
  const visit = (position: number, rest: number, sums: number, invocations: number, useful: number): void => {
    const extent = axes[position]?.extent;
    if (extent === undefined) {
      found.push({ tiles: [...tiles], sums, invocations, useful });
      return;
    }
    const restInside = rest / (least[position] ?? 1);
    for (const size of sizes[position] ?? []) {
      if (sums * size * restInside > room) continue;
      const count = Math.ceil(extent / size);
      tiles[position] = size;
      visit(position + 1, restInside, sums * size, invocations * count, useful * (extent / (count * size)));
    }
  };
  visit(0, least.reduce((product, each) => product * each, 1), 1, 1, 1); // prettier-ignore
  return found;
}

/** Divisors, and the usual powers of two where they waste little. */
function tileSizes(extent: number): readonly number[] {
  const sizes: number[] = [];
  for (let size = 1; size <= Math.min(extent, 32); size++) {
    if (extent % size === 0 || size === 2 || size === 4 || size === 8 || size === 16) sizes.push(size);
  }
  return sizes;
}

function divisors(extent: number): readonly number[] {
  const sizes: number[] = [];
  for (let size = 1; size <= Math.min(extent, 64); size++) if (extent % size === 0) sizes.push(size);
  return sizes;
}

function sameAxes(a: readonly Axis[], b: readonly Axis[]): boolean {
  return (
    a.length === b.length && a.every((axis, index) => axis.name === b[index]?.name && axis.extent === b[index]?.extent)
  );
}
