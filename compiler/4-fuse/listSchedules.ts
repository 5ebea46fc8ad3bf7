/**
 * In: a kernel. Out: schedules worth measuring: those that the cost model finds cheapest, and the cheapest of other kinds (larger and
 * smaller tiles, more and less unrolling), since what the model gets wrong it gets wrong for a kind. And whether a schedule from
 * elsewhere, such as a table of an older spec, fits a kernel at all.
 */
import { workgroupInvocations } from "../ir/staging.ts";
import { layoutsOf, leastCommonMultiple, productOf } from "../ir/tiles.ts";
import type { Computation } from "../ir/expression.ts";
import { namedValue, workOf } from "../ir/kernel.ts";
import type { Kernel, Schedule, ScheduleRequest } from "../ir/kernel.ts";
import {
  chooseSchedule,
  constraintsOf,
  costOf,
  inQuads,
  linesInQuads,
  openSearch,
  partsFor,
  scheduleOf,
} from "./chooseSchedule.ts";
import type { ScheduleOptions, Search } from "./chooseSchedule.ts";
import { passOf } from "./countPass.ts";
import { choices } from "./tileChoices.ts";
import type { Choice } from "./tileChoices.ts";
import { stagingFits } from "./shareReads.ts";

/**
 * How much longer than the cost model's a measured kernel's text may be: it costs start-up, which is not measured. One that shares loads in
 * quads is as long as such texts may be without that.
 */
const moreLines = 1.5;
/** Schedules that the model finds this many times as costly as its own are not worth a measurement. */
const costliest = 4;
/** Workgroup sizes that are tried. */
const workgroupSizes = [32, 64, 128, 256] as const;
/** Sums that one invocation keeps, at most, whoever asks. */
const mostSums = 1024;

/** What a kernel's schedules are looked for by, as when the cost model chose one. */
export function optionsFor(
  { splittable, lineBudget, typeOf }: ScheduleRequest,
  adapterClass: "cpu" | "gpu",
  quads: boolean,
): ScheduleOptions {
  const isPacked = (name: string): boolean => typeOf(namedValue(name)).packed === true;
  return { adapterClass, splittable, lineBudget, isPacked, quads };
}

/** Up to `count` distinct schedules of a kernel, the cost model's own first. */
export function listSchedules(kernel: Kernel, options: ScheduleOptions, count: number): readonly Schedule[] {
  const chosen = chooseSchedule(kernel, options);
  const search = searchOf(kernel, options);
  const found = search === undefined ? vectorWidths(kernel, chosen) : reductionSchedules(search, options, count);
  return distinct([chosen, ...found]).slice(0, count);
}

/** The same way of computing in other workgroups and, where the sum is split, in more and fewer parts. */
export function variantsOf(schedule: Schedule, mostParts: number): readonly Schedule[] {
  const { split } = schedule;
  const others = workgroupSizes.filter((size) => size !== schedule.workgroupSize);
  const sizes = others.map((workgroupSize): Schedule => ({ ...schedule, workgroupSize }));
  if (split === undefined) return sizes;
  const parts = [Math.round(split.parts / 2), split.parts * 2].filter((each) => each > 1 && each <= mostParts);
  return [...parts.map((each): Schedule => ({ ...schedule, split: { ...split, parts: each } })), ...sizes];
}

/** The same tiles with loads shared in quads, along each axis. */
export function sharedInQuads(schedule: Schedule, kernel: Kernel, options: ScheduleOptions): readonly Schedule[] {
  const search = searchOf(kernel, options);
  if (search === undefined) return [];
  const { split, tile, unroll } = schedule;
  return inQuads(choiceOf(schedule, search), search).map((choice): Schedule => {
    const { quads, workgroupSize } = scheduleOf(choice, split?.parts ?? 1, search);
    return {
      tile,
      unroll,
      ...(split !== undefined && { split }),
      ...(quads !== undefined && { quads }),
      workgroupSize,
    };
  });
}

/** The most parts that a kernel's sums may have. */
export function mostPartsOf(kernel: Kernel, options: ScheduleOptions): number {
  return searchOf(kernel, options)?.mostParts ?? 1;
}

/** The search among a kernel's schedules; undefined where its root reduces nothing. */
export function searchOf(kernel: Kernel, options: ScheduleOptions): Search | undefined {
  const [root] = kernel.stages;
  if (root?.computation.body.kind !== "reduce") return undefined;
  return openSearch(kernel, root, root.computation.body, (options.layoutsOf ?? layoutsOf)(kernel), options);
}

/** Elementwise: how many neighbours one invocation computes. */
function vectorWidths(kernel: Kernel, chosen: Schedule): readonly Schedule[] {
  const axes = kernel.stages[0]?.computation.axes ?? [];
  const last = axes.at(-1);
  if (last === undefined) return [];
  const { multipleOf, full } = constraintsOf(layoutsOf(kernel)).get(last.name) ?? { multipleOf: 1, full: false };
  const widths = full ? [] : [1, 2, 4, 8].map((width) => leastCommonMultiple(width, multipleOf));
  const fitting = widths.filter((width) => last.extent % width === 0);
  return fitting.map((width) => ({ ...chosen, tile: { ...chosen.tile, [last.name]: width } }));
}

/** Lines that a measured kernel's text may have. */
function mostLines(inFours: boolean, { lineBudget }: ScheduleOptions): number {
  return inFours ? linesInQuads(lineBudget) : lineBudget * moreLines;
}

interface Costed {
  readonly cost: number;
  readonly schedule: Schedule;
  readonly tile: string;
}

/** Turn by turn the cheapest of all with a tile of its own, and the cheapest of a kind that is not there yet. */
function reductionSchedules(search: Search, options: ScheduleOptions, count: number): readonly Schedule[] {
  const ofTile = new Map<string, Costed>();
  const ofKind = new Map<string, Costed>();
  let least = Infinity;
  for (const choice of choices(
    search.axes,
    search.body.over,
    search.constraints,
    search.periods,
    mostLines(options.quads === true, options),
  )) {
    const tile = choice.tiling.tiles.join(" ");
    const parts = partsFor(choice, search);
    const pass = passOf(choice, search);
    for (const each of [choice, ...inQuads(choice, search)]) {
      const kind = kindOf(each);
      const known = Math.max(ofTile.get(tile)?.cost ?? Infinity, ofKind.get(kind)?.cost ?? Infinity);
      const cost = costOf(each, parts, search, pass);
      if (cost >= Math.min(known, least * costliest)) continue;
      if (search.lines.of(each, pass) > mostLines(each.quads !== undefined, options)) continue;
      least = Math.min(least, cost);
      const found = { cost, schedule: scheduleOf(each, parts, search), tile };
      if (cost < (ofTile.get(tile)?.cost ?? Infinity)) ofTile.set(tile, found);
      if (cost < (ofKind.get(kind)?.cost ?? Infinity)) ofKind.set(kind, found);
    }
  }
  const cheapest = (found: ReadonlyMap<string, Costed>): readonly Costed[] =>
    [...found.values()].filter(({ cost }) => cost <= least * costliest).sort((a, b) => a.cost - b.cost);
  const [tiles, kinds] = [cheapest(ofTile), cheapest(ofKind)];
  const turns = Array.from({ length: count }, (_, turn) => [tiles[turn], kinds[turn]]).flat();
  return turns.flatMap((each) => each?.schedule ?? []);
}

/** Sums of a tile and steps of its loop, by powers of two, and what shares loads. */
function kindOf({ tiling, unrolled, quads }: Choice): string {
  return `${Math.ceil(Math.log2(tiling.sums))} ${Math.ceil(Math.log2(unrolled))} ${quads ?? "alone"}`;
}

function distinct(schedules: readonly Schedule[]): readonly Schedule[] {
  const byText = new Map(schedules.map((schedule) => [scheduleText(schedule), schedule]));
  return [...byText.values()];
}

/** A schedule's text: equal for equal schedules. */
export function scheduleText(schedule: Schedule): string {
  const sorted = (record: Readonly<Record<string, number>>): readonly (readonly [string, number])[] =>
    Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
  const { tile, unroll, split, ...rest } = schedule;
  return JSON.stringify([sorted(tile), sorted(unroll), split?.axis, split?.parts, rest]);
}

/**
 * Whether a schedule fits a kernel: its tiles and steps are those of the kernel's own axes, in sizes that its stages can be written
 * in, within the limits of every adapter. One that does not is from another kernel, or was written by hand.
 */
export function fitsKernel(schedule: Schedule, kernel: Kernel, options: ScheduleOptions): boolean {
  const root = kernel.stages[0];
  if (root === undefined) return false;
  const { axes, body } = root.computation;
  const { tile, unroll, split, quads, workgroupSize } = schedule;
  const over = body.kind === "reduce" ? body.over : [];
  const names = (each: readonly { readonly name: string }[]): string => each.map(({ name }) => name).sort().join(" "); // prettier-ignore
  const isWhole = (value: number, most: number): boolean => Number.isInteger(value) && value >= 1 && value <= most;
  if (!isWhole(workgroupSize, workgroupInvocations)) return false;
  if (Object.keys(tile).sort().join(" ") !== names(axes)) return false;
  if (Object.keys(unroll).sort().join(" ") !== names(over)) return false;
  const constraints = constraintsOf((options.layoutsOf ?? layoutsOf)(kernel));
  const search = searchOf(kernel, options);
  const tilesFit = axes.every(({ name, extent }) => {
    const { multipleOf, full } = constraints.get(name) ?? { multipleOf: 1, full: false };
    const size = tile[name] ?? 0;
    if (full) return size === extent;
    const period = search?.periods.get(name) ?? 1;
    const inPhase = size <= multipleOf || size % period === 0;
    return isWhole(size, Math.max(extent, multipleOf)) && size % multipleOf === 0 && inPhase;
  });
  if (!tilesFit) return false;
  let whole = true;
  for (const { name, extent, batch } of [...over].reverse()) {
    const step = unroll[name] ?? 0;
    if (!isWhole(step, extent) || extent % step !== 0) return false;
    if (step > 1 && (batch === true || !whole)) return false;
    whole &&= step === extent;
  }
  if (split !== undefined) {
    if (search?.split?.name !== split.axis || split.parts < 2 || !isWhole(split.parts, search.mostParts)) return false;
  }
  if (quads !== undefined && !quadsFit(schedule, quads, root.computation)) return false;
  if (!stagingFits(kernel, schedule)) return false;
  if (search === undefined) return productOf(axes.map(({ name }) => tile[name] ?? 1)) <= mostSums;
  const choice = choiceOf(schedule, search);
  if (choice.tiling.sums > mostSums) return false;
  const lines = search.lines.of(choice);
  if (lines <= mostLines(quads !== undefined, options)) return true;
  // The model's own may need more lines than it was given, where no fewer do.
  const own = chooseSchedule(kernel, { ...options, quads: quads !== undefined });
  return lines <= search.lines.of(choiceOf(own, search));
}

/** Whether loads can be shared in quads: of a sum, in workgroups of whole quads, along an axis of several tiles. */
function quadsFit({ tile, staged, workgroupSize }: Schedule, along: string, { axes, body }: Computation): boolean {
  const axis = axes.find(({ name }) => name === along);
  const isSum = body.kind === "reduce" && body.combine === "sum";
  if (!isSum || staged !== undefined || workgroupSize % 4 !== 0) return false;
  return axis !== undefined && axis.batch !== true && (tile[along] ?? 1) < axis.extent;
}

/** A schedule as the search sees it. */
export function choiceOf({ tile, unroll, quads }: Schedule, { axes, body }: Search): Choice {
  const tiles = axes.map(({ name }) => tile[name] ?? 1);
  const unrolls = body.over.map(({ name }) => unroll[name] ?? 1);
  const counts = axes.map(({ extent }, at) => Math.ceil(extent / (tiles[at] ?? 1)));
  const sums = productOf(tiles);
  const invocations = productOf(counts);
  const useful = productOf(axes.map(({ extent }) => extent)) / (sums * invocations);
  const along = axes.findIndex(({ name }) => name === quads);
  return {
    tiling: { tiles, sums, invocations, useful },
    unrolls,
    unrolled: productOf(unrolls),
    ...(along >= 0 && { quads: along }),
  };
}

/** What a kernel's sums cost under its schedule, in multiply-adds that cost nothing else; undefined where its root reduces nothing. */
export function expectedCost(kernel: Kernel, options: ScheduleOptions): number | undefined {
  const search = searchOf(kernel, options);
  if (search === undefined) return undefined;
  const { schedule } = kernel;
  return costOf(choiceOf(schedule, search), schedule.split?.parts ?? 1, search) * workOf(kernel);
}
