/** The tiles and unrollings among which a reduction's schedule is chosen. */
import { keepsToRows } from "../ir/expression.ts";
import type { Axis } from "../ir/expression.ts";
import type { TileConstraint } from "../ir/tiles.ts";

/** Sums that one invocation keeps: beyond this, registers spill. */
const accumulatorLimit = 208;

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
  /** The position of the axis along which the invocations of a quad differ, where they share loads. */
  readonly quads?: number;
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
