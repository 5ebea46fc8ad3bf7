/** What one pass of a reduction's innermost loop does under a choice of tiles and unrollings, and about how many lines its kernel takes. */
import { loadsOf } from "../ir/expression.ts";
import { valueName } from "../ir/kernel.ts";
import type { Kernel } from "../ir/kernel.ts";
import type { StageLayout } from "../ir/tiles.ts";
import { passLoad, writtenShare } from "./loadPattern.ts";
import type { LoadPattern, PassLoad } from "./loadPattern.ts";
import type { ScheduleCosts } from "./scheduleCosts.ts";
import type { Choice, Tiling } from "./tileChoices.ts";

/** What one pass of a choice does, whoever shares its loads. */
export interface Pass {
  /** The share of its multiply-adds that are not known to lie in the padding. */
  readonly share: number;
  /** What it loads, in the order of the search's patterns. */
  readonly loads: readonly PassLoad[];
}

/** What a pass is counted by. */
export interface PassSearch {
  readonly patterns: readonly LoadPattern[];
  readonly costs: ScheduleCosts;
}

/** Counts the pass of a choice: once for all ways of sharing its loads, and for its lines. */
export function passOf(choice: Choice, search: PassSearch, share = shareOf(choice, search)): Pass {
  const { patterns, costs } = search;
  const steps = choice.tiling.tiles.concat(choice.unrolls);
  return { share, loads: patterns.map((pattern) => passLoad(pattern, steps, costs)) };
}

/** The share of a pass's multiply-adds that are not known to lie in the padding. */
export function shareOf({ tiling, unrolls }: Choice, { patterns }: PassSearch): number {
  let isPadded = false;
  for (const { mayBeOutside } of patterns) isPadded ||= mayBeOutside.length > 0;
  return isPadded ? writtenShare(patterns, tiling.tiles.concat(unrolls)) : 1;
}

/** How long a kernel's text is, about, by the choice. */
export interface LineEstimate {
  /** All of them. */
  of(choice: Choice, pass?: Pass): number;
  /** Whether they are more than `most` even without the loads of a pass: soon seen, and so of most choices. */
  areTooMany(choice: Choice, share: number, most: number): boolean;
}

/** Counts a kernel's sums, loads, multiply-adds, epilogues and stores. */
export function lineEstimate(
  kernel: Kernel,
  layouts: readonly (StageLayout | undefined)[],
  search: PassSearch,
): LineEstimate {
  const inside = new Set(kernel.stages.map((stage) => valueName(stage.value)));
  const rootAxes = kernel.stages[0]?.computation.axes ?? [];
  const stages = kernel.stages.map((stage, index) => {
    const { axes, body: own } = stage.computation;
    const layout = layouts[index];
    const summed = own.kind === "reduce" && (index === 0 || layout?.unrolledOver.size === 0);
    const over = own.kind === "reduce" && !summed ? own.over.reduce((product, axis) => product * axis.extent, 1) : 1;
    // A value from a register is no line of its own; the loads of a sum are counted as patterns.
    const external = loadsOf(stage.computation).filter((load) => !inside.has(load.from)).length;
    const along = axes.map(({ name, extent }): StageAxis => {
      const { root, numerator, denominator } = layout?.scales.get(name) ?? { numerator: 1, denominator: 1 };
      if (root === undefined) return { at: -1, times: extent, by: 1, extent };
      return { at: rootAxes.findIndex((axis) => axis.name === root), times: numerator, by: denominator, extent };
    });
    return { along, summed, over, moved: (summed ? 0 : over * external) + (stage.stored ? 1 : 0) };
  });
  /** A tile's elements that are summed, and the lines beside what a pass adds to them: the same however a pass is unrolled. */
  const ofTiling = ({ tiles }: Tiling): { readonly summed: number; readonly rest: number } => {
    let [sums, rest] = [0, 0];
    for (const { along, summed, over, moved } of stages) {
      let ofTile = 1;
      for (const axis of along) ofTile *= tileAlong(axis, tiles);
      const each = moved > 0 && areFours(along, tiles) ? moved / 4 : moved;
      rest += ofTile * ((summed ? 2 : over) + each);
      if (summed) sums += ofTile;
    }
    return { summed: sums, rest };
  };
  const known = new Map<Tiling, ReturnType<typeof ofTiling>>();
  const besideLoads = ({ tiling, unrolled }: Choice, share: number): number => {
    let own = known.get(tiling);
    if (own === undefined) known.set(tiling, (own = ofTiling(tiling)));
    return own.rest + own.summed * unrolled * share;
  };
  const all = (choice: Choice, { share, loads } = passOf(choice, search)): number => {
    let lines = besideLoads(choice, share);
    for (const { elements } of loads) lines += elements;
    return lines;
  };
  const areTooMany = (choice: Choice, share: number, most: number): boolean => {
    const { tiling, unrolled } = choice;
    // Each sum of the root begins and ends on a line of its own.
    return tiling.sums * (2 + unrolled * share) > most || besideLoads(choice, share) > most;
  };
  return { of: all, areTooMany };
}

/** An axis of a stage: its tile is that of the root's axis `at`, times and divided by numbers; where `at` is -1, the number itself. */
interface StageAxis {
  readonly at: number;
  readonly times: number;
  readonly by: number;
  readonly extent: number;
}

function tileAlong({ at, times, by }: StageAxis, tiles: readonly number[]): number {
  return ((tiles[at] ?? 1) * times) / by;
}

/** Whether a tile's neighbours in memory are loaded and stored four at a time: whole rows of them, or fours that all rows begin with. */
function areFours(along: readonly StageAxis[], tiles: readonly number[]): boolean {
  let stride = 1;
  for (let at = along.length - 1; at >= 0; at--) {
    const axis = along[at] as StageAxis;
    const { extent } = axis;
    const tile = tileAlong(axis, tiles);
    // Of what is left over in the last tile each element is asked for.
    if (tile < extent && ((tile * stride) % 4 !== 0 || extent % tile !== 0)) return false;
    stride *= extent;
    if (stride % 4 === 0) return true;
  }
  return false;
}
