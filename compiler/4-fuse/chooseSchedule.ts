/**
 * In: kernels without a schedule. Out: the same kernels, each with the schedule that a cost model finds cheapest among
 * tiles and unrollings that fit the kernel's constraints and the compile budget.
 *
 * The model counts, for one multiply-add, the loads that it needs after equal ones are shared: on software adapters a load
 * from memory costs ten to twenty multiply-adds, and on a GPU reuse in registers is what a tile is for, too.
 */
import type { Axis, ReduceBody } from "../ir/expression.ts";
import type { Kernel, Schedule, Stage } from "../ir/kernel.ts";
import { layoutsOf, leastCommonMultiple, mergeConstraints, wholeQuads } from "../ir/tiles.ts";
import type { LayoutsOf, StageLayout, TileConstraint } from "../ir/tiles.ts";
import { valueName } from "../ir/kernel.ts";
import { lineEstimate, passOf, shareOf } from "./countPass.ts";
import type { LineEstimate, Pass, PassSearch } from "./countPass.ts";
import { channelDimension, loadPattern, periodsOf } from "./loadPattern.ts";
import { choices } from "./tileChoices.ts";
import type { Choice } from "./tileChoices.ts";
import { costsAlone, costsInQuads } from "./scheduleCosts.ts";

export interface ScheduleOptions {
  /** "cpu" for a software adapter, whose few lanes need little parallelism. */
  readonly adapterClass: "cpu" | "gpu";
  /** Whether the root's value may be summed in parts that a later kernel adds (a parameter's gradient). */
  readonly splittable: boolean;
  /** About how many lines of WGSL the kernel may unroll to: a software adapter's compiler takes time quadratic in them. */
  readonly lineBudget: number;
  /** Whether invocations may share loads in quads, where that is cheaper; they do not unless given. */
  readonly quads?: boolean;
  /** Whether a value that the kernel loads, or gives, is stored in blocks of four channels; none is unless given. */
  readonly isPacked?: (name: string) => boolean;
  /** One that remembers saves time. */
  readonly layoutsOf?: LayoutsOf;
}

/** Invocations below which lanes stay idle. */
const wantedInvocations = { cpu: 256, gpu: 16384 } as const;
const largestSplit = 64;
/**
 * The text of a kernel that shares loads in quads may be so many times as long as others', up to so many lines: few loads are left in a
 * large tile. ResNet-18's step takes 0.2 of 2 seconds less for it, its start two seconds more, so that ten steps pay for it.
 */
const [moreLinesInQuads, mostLinesInQuads] = [2.3, 1000];
/** Loads are shared in quads where a kernel is expected to take less than this part of its time: the text of another has its bytes. */
const worthQuads = 0.92;
/** Invocations of a workgroup. */
const workgroupSize = 64;
/** Those of a workgroup with loads shared in quads, at least: a GPU runs as many together whether or not they have work. */
const leastWorkgroup = { cpu: 4, gpu: 32 } as const;

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
  return { tile, unroll: {}, workgroupSize };
}

/** What a search among a reduction's schedules knows before it begins. */
export interface Search extends PassSearch {
  readonly axes: readonly Axis[];
  readonly body: ReduceBody;
  readonly constraints: ReadonlyMap<string, TileConstraint>;
  readonly periods: ReadonlyMap<string, number>;
  /** The axis that parts may cut, and in how many. */
  readonly split: Axis | undefined;
  readonly mostParts: number;
  readonly wanted: number;
  /** Positions of the axes along which quads may lie; none where they may share nothing. */
  readonly quadAxes: readonly number[];
  /** Invocations of a workgroup in quads, at least. */
  readonly leastWorkgroup: number;
  readonly lines: LineEstimate;
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
  const costs = (options.quads === true ? costsInQuads : costsAlone)[options.adapterClass];
  return {
    axes,
    body,
    constraints: constraintsOf(layouts),
    periods: periodsOf(body.value, axes),
    patterns,
    costs,
    split,
    mostParts: split === undefined ? 1 : Math.min(largestSplit, split.extent),
    wanted: wantedInvocations[options.adapterClass],
    // Of a batch fewer samples may come, and then its last quads would be torn.
    quadAxes: options.quads === true && body.combine === "sum" ? axes.flatMap(({ batch }, at) => (batch === true ? [] : [at])) : [], // prettier-ignore
    leastWorkgroup: leastWorkgroup[options.adapterClass],
    lines: lineEstimate(kernel, layouts, { patterns, costs }),
  };
}

/** In how many parts a choice's sums are taken, so that enough invocations run. */
export function partsFor({ tiling }: Choice, { wanted, mostParts }: Search): number {
  return Math.max(1, Math.min(mostParts, Math.ceil(wanted / tiling.invocations)));
}

/** What a choice costs for one useful multiply-add, in multiply-adds. */
export function costOf(choice: Choice, parts: number, search: Search, pass = passOf(choice, search)): number {
  const { patterns } = search;
  const { quads } = choice;
  let loads = 0;
  for (const [at, { alone, shared }] of pass.loads.entries())
    loads += quads === undefined || patterns[at]?.positions.has(quads) === true ? alone : shared;
  const cost = costWithoutLoads(choice, search, pass) + loads;
  return perUse(cost, choice, parts, search, usefulInQuads(choice, parts, search));
}

/** What a choice costs at least, however its loads are shared. */
function leastCost(choice: Choice, parts: number, search: Search, pass: Pass): number {
  let loads = 0;
  for (const { alone, shared } of pass.loads) loads += Math.min(alone, shared);
  return perUse(costWithoutLoads(choice, search, pass) + loads, choice, parts, search);
}

/** A pass's cost by its useful multiply-adds, where `share` of the invocations have a tile and some lanes may have no invocation. */
function perUse(cost: number, { tiling, unrolled }: Choice, parts: number, { wanted }: Search, share = 1): number {
  const useful = tiling.useful * share;
  const idle = Math.max(1, wanted / (tiling.invocations * parts));
  return (cost / (tiling.sums * unrolled * useful)) * idle;
}

function costWithoutLoads({ tiling, unrolled }: Choice, { costs }: Search, { share }: Pass): number {
  const written = tiling.sums * unrolled * share;
  const { pass, passStep, sum, longPass } = costs;
  const longer = 1 + Math.max(0, written - longPass.from) / longPass.twice;
  return written * longer + Math.max(pass, passStep * unrolled) + sum * tiling.sums;
}

/** The share of the invocations that have a tile, where loads are shared in quads. */
function usefulInQuads(choice: Choice, parts: number, search: Search): number {
  if (choice.quads === undefined) return 1;
  return choice.tiling.invocations / workgroupsOf(choice, choice.quads, parts, search).run;
}

/** The same choice with loads shared in quads, along each axis that has several tiles. */
export function inQuads(choice: Choice, { axes, body, quadAxes }: Search): readonly Choice[] {
  // Without a loop nothing is loaded again and again.
  if (body.over.every(({ extent }, at) => choice.unrolls[at] === extent)) return [];
  const { tiles } = choice.tiling;
  const several = quadAxes.filter((at) => (tiles[at] ?? 1) < (axes[at]?.extent ?? 1));
  return several.map((quads) => ({ ...choice, quads }));
}

/** A choice as a schedule. */
export function scheduleOf(choice: Choice | undefined, parts: number, search: Search): Schedule {
  const { axes, body, split } = search;
  return {
    tile: choice === undefined ? {} : record(axes, choice.tiling.tiles),
    unroll: choice === undefined ? {} : record(body.over, choice.unrolls),
    ...(split !== undefined && parts > 1 && { split: { axis: split.name, parts } }),
    ...(choice?.quads === undefined
      ? { workgroupSize }
      : {
          quads: axes[choice.quads]?.name ?? "",
          workgroupSize: workgroupsOf(choice, choice.quads, parts, search).size,
        }),
  };
}

/**
 * Workgroups of whole quads: their size, and how many invocations run for the grid's tiles. Each part of a split sum has its own, so
 * there they are of the size that leaves the fewest invocations without a tile.
 */
function workgroupsOf(
  { tiling }: Choice,
  quads: number,
  parts: number,
  { axes, leastWorkgroup }: Search,
): { readonly size: number; readonly run: number } {
  let count = 1;
  for (const [at, { extent }] of axes.entries()) {
    const along = Math.ceil(extent / (tiling.tiles[at] ?? 1));
    count *= at === quads ? wholeQuads(along) : along;
  }
  const least = parts > 1 || count < workgroupSize ? leastWorkgroup : workgroupSize;
  let best = { size: workgroupSize, run: Infinity };
  for (let size = workgroupSize; size >= least && best.run > count; size -= 4) {
    const run = Math.ceil(count / size) * size;
    if (run < best.run) best = { size, run };
  }
  return best;
}

function scheduleReduction(
  kernel: Kernel,
  root: Stage,
  body: ReduceBody,
  layouts: readonly (StageLayout | undefined)[],
  options: ScheduleOptions,
): Schedule {
  const { lineBudget } = options;
  const search = openSearch(kernel, root, body, layouts, { ...options, quads: false });
  const found = cheapest(search, lineBudget, (choice) => partsFor(choice, search), (choice) => [choice]); // prettier-ignore
  if (found === undefined) return scheduleOf(shortest(search, lineBudget), 1, search);
  const { choice: alone, parts } = found;
  if (options.quads !== true) return scheduleOf(alone, parts, search);
  const inFours = openSearch(kernel, root, body, layouts, options);
  const mostCost = costOf(alone, parts, inFours) * worthQuads;
  const waysOf = (choice: Choice): readonly Choice[] => inQuads(choice, inFours);
  // In as many parts, so that a plan with quads needs the memory of the one without.
  const shared = cheapest(inFours, linesInQuads(lineBudget), () => parts, waysOf, mostCost);
  return scheduleOf(shared?.choice ?? alone, parts, inFours);
}

/** Lines of a kernel that shares loads in quads. */
export function linesInQuads(lineBudget: number): number {
  return Math.max(lineBudget, Math.min(mostLinesInQuads, moreLinesInQuads * lineBudget));
}

interface Found {
  readonly cost: number;
  readonly choice: Choice;
  readonly parts: number;
}

/** The cheapest choice within the budget that costs less than `below`; `waysOf` says in which ways a choice of tiles is computed. */
function cheapest(
  search: Search,
  lineBudget: number,
  partsOf: (choice: Choice) => number,
  waysOf: (choice: Choice) => readonly Choice[],
  below = Infinity,
): Found | undefined {
  const { axes, body, constraints, periods, lines } = search;
  let best: Found | undefined;
  for (const tiles of choices(axes, body.over, constraints, periods, lineBudget)) {
    const share = shareOf(tiles, search);
    if (lines.areTooMany(tiles, share, lineBudget)) continue;
    const parts = partsOf(tiles);
    const pass = passOf(tiles, search, share);
    if (leastCost(tiles, parts, search, pass) >= (best?.cost ?? below) || lines.of(tiles, pass) > lineBudget) continue;
    for (const choice of waysOf(tiles)) {
      const cost = costOf(choice, parts, search, pass);
      if (cost < (best?.cost ?? below)) best = { cost, choice, parts };
    }
  }
  return best;
}

/** The choice of fewest lines, where none is within the budget. */
function shortest({ axes, body, constraints, lines }: Search, lineBudget: number): Choice | undefined {
  let least: { readonly count: number; readonly choice: Choice } | undefined;
  for (const choice of choices(axes, body.over, constraints, new Map(), lineBudget)) {
    const count = lines.of(choice);
    if (least === undefined || count < least.count) least = { count, choice };
  }
  return least?.choice;
}

function record(axes: readonly Axis[], values: readonly number[]): Readonly<Record<string, number>> {
  return Object.fromEntries(axes.map((axis, index) => [axis.name, values[index] ?? 1]));
}

/** The axis that a split cuts: the outermost, which is the batch in a weight gradient. */
function splitAxis(over: readonly Axis[], options: ScheduleOptions): Axis | undefined {
  return options.splittable && over.length > 1 ? over[0] : undefined;
}

function sameAxes(a: readonly Axis[], b: readonly Axis[]): boolean {
  return (
    a.length === b.length && a.every((axis, index) => axis.name === b[index]?.name && axis.extent === b[index]?.extent)
  );
}
