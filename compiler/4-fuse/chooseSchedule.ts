/**
 * In: kernels without a schedule. Out: the same kernels, each with the schedule that a cost model finds cheapest among
 * tiles and unrollings that fit the kernel's constraints and the compile budget.
 *
 * The model counts, for one multiply-add, the loads that it needs after equal ones are shared: on software adapters a load
 * from memory costs ten to twenty multiply-adds, and on a GPU reuse in registers is what a tile is for, too.
 */
import type { Axis, ReduceBody } from "../ir/expression.ts";
import type { Kernel, Schedule, Stage } from "../ir/kernel.ts";
import { layoutKernel, leastCommonMultiple, loadsOf, mergeConstraints, stageTile } from "../ir/tiles.ts";
import type { StageLayout, TileConstraint } from "../ir/tiles.ts";
import { valueName } from "../ir/kernel.ts";
import { loadPattern, loadedElements, loadsPerStep } from "./loadPattern.ts";
import type { LoadPattern } from "./loadPattern.ts";

export interface ScheduleOptions {
  /** "cpu" for a software adapter, whose few lanes need little parallelism. */
  readonly adapterClass: "cpu" | "gpu";
  /** Whether the root's value may be summed in parts that a later kernel adds (a parameter's gradient). */
  readonly splittable: boolean;
  /** About how many lines of WGSL the kernel may unroll to: a software adapter's compiler takes time quadratic in them. */
  readonly lineBudget: number;
}

/** Sums that one invocation keeps: beyond this, registers spill. */
const accumulatorLimit = 208;
/** Invocations below which lanes stay idle. */
const wantedInvocations = { cpu: 256, gpu: 16384 } as const;
const loopOverhead = 8;
const conditionCost = 4;
const largestSplit = 64;

/** The schedule of one kernel. */
export function chooseSchedule(kernel: Kernel, options: ScheduleOptions): Schedule {
  const [root] = kernel.stages;
  if (root === undefined) return kernel.schedule;
  const constraints = constraintsOf(kernel);
  const { axes, body } = root.computation;
  if (body.kind === "map") return scheduleMap(axes, constraints);
  return scheduleReduction(kernel, root, body, constraints, options);
}

/** Multiply-adds of a kernel's root, or elements where it does not reduce. */
export function workOf(kernel: Kernel): number {
  const { axes, body } = kernel.stages[0]?.computation ?? { axes: [], body: undefined };
  const all = body?.kind === "reduce" ? [...axes, ...body.over] : axes;
  return all.reduce((product, axis) => product * axis.extent, 1);
}

/** What the stages ask of the root's tiles. */
export function constraintsOf(kernel: Kernel): ReadonlyMap<string, TileConstraint> {
  const constraints = new Map<string, TileConstraint>();
  const stages = kernel.stages.map(({ value, computation }) => ({ name: valueName(value), computation }));
  for (const layout of layoutKernel(stages)) mergeConstraints(constraints, layout?.constraints ?? new Map());
  return constraints;
}

/** Elementwise kernels: a few neighbours along the last axis, so that loads and stores can be vectors. */
function scheduleMap(axes: readonly Axis[], constraints: ReadonlyMap<string, TileConstraint>): Schedule {
  const tile: Record<string, number> = {};
  for (const [position, axis] of axes.entries()) {
    const { multipleOf, full } = constraints.get(axis.name) ?? { multipleOf: 1, full: false };
    const last = position === axes.length - 1;
    const wanted = last && axis.extent % 4 === 0 && constraints.size === 0 ? 4 : 1;
    tile[axis.name] = full ? axis.extent : leastCommonMultiple(wanted, multipleOf);
  }
  return { tile, unroll: {}, workgroupSize: 64 };
}

interface Choice {
  readonly tile: Readonly<Record<string, number>>;
  readonly unroll: Readonly<Record<string, number>>;
}

function scheduleReduction(
  kernel: Kernel,
  root: Stage,
  body: ReduceBody,
  constraints: ReadonlyMap<string, TileConstraint>,
  options: ScheduleOptions,
): Schedule {
  const { axes } = root.computation;
  const siblings = kernel.stages.slice(1).flatMap((stage) => {
    const other = stage.computation.body;
    return other.kind === "reduce" && sameAxes(other.over, body.over) ? [{ stage, body: other }] : [];
  });
  const patterns = [
    ...loadPattern(body.value, axes, body.over),
    ...siblings.flatMap((sibling) => loadPattern(sibling.body.value, sibling.stage.computation.axes, body.over)),
  ];
  const wanted = wantedInvocations[options.adapterClass];
  let best: { readonly cost: number; readonly choice: Choice; readonly parts: number } | undefined;
  const layouts = layoutKernel(
    kernel.stages.map(({ value, computation }) => ({ name: valueName(value), computation })),
  );
  let smallest: { readonly lines: number; readonly choice: Choice } | undefined;
  for (const choice of choices(axes, body.over, constraints, options.lineBudget)) {
    const lines = estimateLines(choice, kernel, body, layouts, patterns);
    if (smallest === undefined || lines < smallest.lines) smallest = { lines, choice };
    if (lines > options.lineBudget) continue;
    const invocations = axes.reduce(
      (product, axis) => product * Math.ceil(axis.extent / (choice.tile[axis.name] ?? 1)),
      1,
    );
    const split = splitAxis(body.over, options);
    const parts =
      split === undefined ? 1 : Math.max(1, Math.min(largestSplit, split.extent, Math.ceil(wanted / invocations)));
    const cost = costOf(choice, axes, body.over, patterns) * Math.max(1, wanted / (invocations * parts));
    if (best === undefined || cost < best.cost) best = { cost, choice, parts };
  }
  const { choice, parts } = best ?? { choice: smallest?.choice ?? { tile: {}, unroll: {} }, parts: 1 };
  const split = splitAxis(body.over, options);
  return {
    ...choice,
    ...(split !== undefined && parts > 1 && { split: { axis: split.name, parts } }),
    workgroupSize: 64,
  };
}

/** About how many lines the kernel's text has under a choice: sums, loads, multiply-adds, epilogues and stores. */
function estimateLines(
  choice: Choice,
  kernel: Kernel,
  body: ReduceBody,
  layouts: readonly (StageLayout | undefined)[],
  patterns: readonly LoadPattern[],
): number {
  const unrolled = body.over.reduce((product, axis) => product * (choice.unroll[axis.name] ?? 1), 1);
  const inside = new Set(kernel.stages.map((stage) => valueName(stage.value)));
  const loads = patterns.reduce((sum, pattern) => sum + loadedElements(pattern, choice.tile, choice.unroll), 0);
  return kernel.stages.reduce((lines, stage, index) => {
    const { axes, body: own } = stage.computation;
    const layout = layouts[index];
    const elements = axes.reduce((product, axis) => {
      const scale = layout?.scales.get(axis.name) ?? { numerator: 1, denominator: 1 };
      return product * stageTile(axis, scale, choice.tile);
    }, 1);
    const summed = own.kind === "reduce" && (index === 0 || layout?.unrolledOver.size === 0);
    const over = own.kind === "reduce" && !summed ? own.over.reduce((product, axis) => product * axis.extent, 1) : 1;
    // A value from a register is no line of its own.
    const external = loadsOf(stage.computation).filter((load) => !inside.has(load.from)).length;
    const inner = summed ? unrolled + 2 : over * (1 + external);
    return lines + elements * (inner + (stage.stored ? 1 : 0));
  }, loads);
}

/** The axis that a split cuts: the outermost, which is the batch in a weight gradient. */
function splitAxis(over: readonly Axis[], options: ScheduleOptions): Axis | undefined {
  return options.splittable && over.length > 1 ? over[0] : undefined;
}

/** Cost of one useful multiply-add, in multiply-adds. */
function costOf(
  choice: Choice,
  axes: readonly Axis[],
  over: readonly Axis[],
  patterns: readonly LoadPattern[],
): number {
  const sums = axes.reduce((product, axis) => product * (choice.tile[axis.name] ?? 1), 1);
  const unrolled = over.reduce((product, axis) => product * (choice.unroll[axis.name] ?? 1), 1);
  const work = sums * unrolled;
  let loads = 0;
  for (const pattern of patterns)
    loads +=
      loadsPerStep(pattern, choice.tile, choice.unroll, over) * (pattern.conditional ? 1 + conditionCost / 12 : 1);
  const useful = axes.reduce((share, axis) => {
    const tile = choice.tile[axis.name] ?? 1;
    return share * (axis.extent / (Math.ceil(axis.extent / tile) * tile));
  }, 1);
  return (work + loads + loopOverhead) / (work * useful);
}

/** Tiles and unrollings within the limits. An axis is unrolled only when those inside it are, fully. */
function* choices(
  axes: readonly Axis[],
  over: readonly Axis[],
  constraints: ReadonlyMap<string, TileConstraint>,
  lineBudget: number,
): Iterable<Choice> {
  for (const unroll of unrollings(over, lineBudget)) {
    const unrolled = Object.values(unroll).reduce((product, each) => product * each, 1);
    const limit = Math.max(1, Math.min(accumulatorLimit, Math.floor(lineBudget / unrolled)));
    for (const tile of tiles(axes, constraints, limit)) yield { tile, unroll };
  }
}

function* unrollings(over: readonly Axis[], lineBudget: number): Iterable<Readonly<Record<string, number>>> {
  const whole: Record<string, number> = Object.fromEntries(over.map((axis) => [axis.name, 1]));
  yield { ...whole };
  let inner = 1;
  for (let position = over.length - 1; position >= 0; position--) {
    const axis = over[position];
    if (axis === undefined || axis.batch === true) return;
    for (const factor of divisors(axis.extent)) {
      if (factor === 1 || factor > 16 || inner * factor > lineBudget) continue;
      yield { ...whole, [axis.name]: factor };
    }
    if (axis.extent > 16 || inner * axis.extent > lineBudget) return;
    whole[axis.name] = axis.extent;
    inner *= axis.extent;
  }
}

function* tiles(
  axes: readonly Axis[],
  constraints: ReadonlyMap<string, TileConstraint>,
  limit: number,
): Iterable<Readonly<Record<string, number>>> {
  const least = axes.map((axis) => {
    const { multipleOf, full } = constraints.get(axis.name) ?? { multipleOf: 1, full: false };
    return full ? axis.extent : multipleOf;
  });
  const leastProduct = least.reduce((product, each) => product * each, 1);
  const room = Math.max(limit, leastProduct);
  const sizes = axes.map((axis, position) => {
    const smallest = least[position] ?? 1;
    if (constraints.get(axis.name)?.full === true) return [smallest];
    return tileSizes(axis.extent)
      .filter((size) => size % smallest === 0 || size === smallest)
      .concat(smallest)
      .filter(unique);
  });
  function* extend(
    position: number,
    product: number,
    tile: Readonly<Record<string, number>>,
  ): Iterable<Readonly<Record<string, number>>> {
    const axis = axes[position];
    if (axis === undefined) {
      yield tile;
      return;
    }
    const rest = least.slice(position + 1).reduce((total, each) => total * each, 1);
    for (const size of sizes[position] ?? [1]) {
      if (product * size * rest <= room) yield* extend(position + 1, product * size, { ...tile, [axis.name]: size });
    }
  }
  yield* extend(0, 1, {});
}

/** Divisors, and the usual powers of two where they waste little. */
function tileSizes(extent: number): readonly number[] {
  const sizes = new Set(divisors(extent).filter((size) => size <= 32));
  for (const size of [2, 4, 8, 16]) if (size <= extent) sizes.add(size);
  return [...sizes].sort((a, b) => a - b);
}

function divisors(extent: number): readonly number[] {
  return Array.from({ length: Math.min(extent, 64) }, (_, index) => index + 1).filter((size) => extent % size === 0);
}

function unique(size: number, index: number, list: readonly number[]): boolean {
  return list.indexOf(size) === index;
}

function sameAxes(a: readonly Axis[], b: readonly Axis[]): boolean {
  return (
    a.length === b.length && a.every((axis, index) => axis.name === b[index]?.name && axis.extent === b[index]?.extent)
  );
}
