import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { layoutGrid } from "../../../compiler/6-emit/gridLayout.ts";
import { createScopes } from "../../../compiler/6-emit/wgslWriter.ts";
import type { Axis } from "../../../compiler/ir/expression.ts";
import type { Schedule } from "../../../compiler/ir/kernel.ts";

const workgroupsPerRow = 65_535;

/** What each invocation of a whole dispatch computes: its part and its tile's number along each axis; those that stop compute nothing. */
function tilesOf(axes: readonly Axis[], schedule: Schedule): readonly string[] {
  const layout = layoutGrid(axes, schedule, createScopes());
  const numbers = axes.map(({ name }) => {
    const { terms, constant } = layout.tileNumber(name) ?? { terms: [], constant: 0 };
    return terms.map(({ atom, coefficient }) => `${coefficient} * ${atom.kind === "variable" ? atom.name : "?"} +`).join(" ") + ` ${constant}`; // prettier-ignore
  });
  // The lines are JavaScript as they are, but for whole divisions, types and u32 literals.
  const lines = layout.lines.map((line) =>
    line
      .replace(/(\d)u\b/g, "$1")
      .replace(/([\w.]+|\([^()]*\)) \/ (\d+)/g, "whole($1 / $2)")
      .replace("return;", "return undefined;"),
  );
  const outside =
    layout.guard === undefined ? "" : `if (!(${layout.guard.replace(/(\d)u\b/g, "$1")})) return undefined;`;
  const body = `const [min, whole, i32] = [Math.min, Math.floor, Number]; ${lines.join("\n")} ${outside} return [${layout.part ?? 0}, ${numbers.join(", ")}].join(" ");`; // prettier-ignore
  // eslint-disable-next-line @typescript-eslint/no-implied-eval
  const compute = new Function("group", "lane", "subgroup_lane", body) as (...args: unknown[]) => string | undefined;
  const { samplesPerTile, invocationsPerTile } = layout;
  const batch = axes.find((axis) => axis.batch === true);
  const tiles = batch === undefined ? 1 : Math.ceil(batch.extent / samplesPerTile);
  const groups = Math.ceil((tiles * invocationsPerTile) / schedule.workgroupSize);
  const rows = Math.ceil(groups / workgroupsPerRow);
  const found: string[] = [];
  for (let index = 0; index < Math.min(groups, workgroupsPerRow) * rows; index++) {
    const group = { x: index % workgroupsPerRow, y: Math.floor(index / workgroupsPerRow) };
    for (let lane = 0; lane < schedule.workgroupSize; lane++) {
      const tile = compute(group, lane, lane);
      if (tile !== undefined && isInside(tile, axes, schedule)) found.push(tile);
    }
  }
  return found.sort();
}

/** Tiles past the end of an axis store nothing. */
function isInside(tile: string, axes: readonly Axis[], schedule: Schedule): boolean {
  const [, ...numbers] = tile.split(" ").map(Number);
  return axes.every(({ name, extent }, axis) => (numbers[axis] ?? 0) * (schedule.tile[name] ?? 1) < extent);
}

function everyTile(axes: readonly Axis[], schedule: Schedule): readonly string[] {
  const counts = [
    schedule.split?.parts ?? 1,
    ...axes.map(({ name, extent }) => Math.ceil(extent / (schedule.tile[name] ?? 1))),
  ];
  return counts
    .reduce<string[][]>(
      (all, count) => all.flatMap((each) => Array.from({ length: count }, (_, n) => [...each, String(n)])),
      [[]],
    )
    .map((each) => each.join(" "))
    .sort();
}

const sizes = fc.integer({ min: 1, max: 9 });
const axisNames = ["n", "c", "y"] as const;

describe("every tile is computed once", () => {
  test.each(["plain", "staged", "quads"] as const)("%s", (way) => {
    fc.assert(
      fc.property(
        fc.tuple(sizes, sizes, sizes),
        fc.tuple(sizes, sizes, sizes),
        fc.constantFrom([2, 1, 4], [1, 3, 2], [4, 2, 2]),
        fc.boolean(),
        fc.constantFrom("c", "y"),
        (extents, tiles, lanes, spansBatch, quads) => {
          const axes = axisNames.map((name, i): Axis => ({ name, extent: extents[i] ?? 1, ...(spansBatch && i === 0 && { batch: true as const }) })); // prettier-ignore
          const record = (numbers: readonly number[]): Record<string, number> =>
            Object.fromEntries(axisNames.map((name, i) => [name, numbers[i] ?? 1]));
          const group = record(lanes);
          const schedule: Schedule = {
            tile: record(tiles),
            unroll: {},
            // A sum over the batch has no batch in its grid.
            ...(!spansBatch && { split: { axis: "k", parts: 3 } }),
            ...(way === "staged" && { staged: { group, chunk: {} } }),
            ...(way === "quads" && { quads }),
            workgroupSize: way === "staged" ? lanes.reduce<number>((product, each) => product * each, 1) : 8,
          };
          expect(tilesOf(axes, schedule)).toEqual(everyTile(axes, schedule));
        },
      ),
      { numRuns: 40, seed: 3 },
    );
  });

  test.each(["plain", "staged", "quads"] as const)("in more workgroups than a row has: %s", (way) => {
    const axes: readonly Axis[] = [{ name: "i", extent: 65_536 }];
    const schedule: Schedule = {
      tile: {},
      unroll: {},
      ...(way === "staged" && { staged: { group: { i: 1 }, chunk: {} } }),
      ...(way === "quads" && { quads: "i" }),
      workgroupSize: 1,
    };
    expect(tilesOf(axes, schedule)).toHaveLength(65_536);
  });
});
