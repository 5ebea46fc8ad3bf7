import { describe, expect, test } from "@jest/globals";
import { createQuadUse, laneShift, quadKey } from "../../../compiler/6-emit/quadLoads.ts";
import type { QuadPlan } from "../../../compiler/6-emit/quadLoads.ts";
import { addAffine, constantAffine, variableAffine } from "../../../compiler/ir/affine.ts";
import type { Affine } from "../../../compiler/ir/affine.ts";

const at = (constant: number): Affine => addAffine(variableAffine("row", 32), constantAffine(constant));

function planOf(constants: readonly number[]): QuadPlan {
  const use = createQuadUse((name) => name === "row");
  for (const constant of constants) use.touch("x", at(constant));
  return use.plan() ?? new Map();
}

/** The loads that are made: each group once, and what is left alone. */
function loadsOf(constants: readonly number[]): number {
  const plan = planOf(constants);
  const groups = new Set([...plan.values()].map(({ first, shifts }) => JSON.stringify([first.constant, shifts])));
  return groups.size + constants.filter((constant) => !plan.has(quadKey("x", at(constant)))).length;
}

/** Neighbours in rows that are `stride` apart. */
function rows(count: number, width: number, stride = 32): readonly number[] {
  return Array.from({ length: count * width }, (_, i) => Math.floor(i / width) * stride + (i % width));
}

describe("loads that quads share", () => {
  test("are a quarter of all, whatever window they come from", () => {
    expect(loadsOf(rows(4, 10))).toBe(10);
    expect(loadsOf(rows(6, 10))).toBe(15);
    expect(loadsOf(rows(3, 10))).toBe(8);
    expect(loadsOf(rows(5, 5, 100))).toBe(7);
    expect(loadsOf([0, 7, 9])).toBe(1);
    expect(loadsOf([0, 1, 2, 3, 900])).toBe(2);
  });

  test("are each in one group, at the place that its invocation loads", () => {
    const constants = [...rows(3, 10), 500, 777];
    const plan = planOf(constants);
    for (const constant of constants) {
      const load = plan.get(quadKey("x", at(constant)));
      expect((load?.first.constant ?? NaN) + (load?.shifts[load.member] ?? NaN)).toBe(constant);
      expect(load?.member).toBeLessThan(4);
    }
  });

  test("are only those that are the same in a quad, and not at a constant place", () => {
    const use = createQuadUse((name) => name === "row");
    for (let i = 0; i < 4; i++) {
      use.touch("x", addAffine(variableAffine("column"), constantAffine(i)));
      use.touch("x", constantAffine(i));
    }
    expect(use.plan()).toBeUndefined();
  });

  test("lie at a multiple of the lane where they are equally far apart, at a choice of it otherwise", () => {
    expect(laneShift([0, 32, 64, 96])).toEqual({ step: 32 });
    expect(laneShift([0, 1, 32, 33])).toEqual({
      choice: "select(select(select(0, 1, quad_lane == 1), 32, quad_lane == 2), 33, quad_lane == 3)",
    });
    expect(laneShift([0, 5])).toEqual({ choice: "select(0, 5, quad_lane == 1)" });
  });
});
