import { expect, test } from "@jest/globals";
import { cutSubmits } from "../../../compiler/6-emit/cutSubmits.ts";

const once = (works: readonly number[]): Parameters<typeof cutSubmits>[0] => works.map((work) => ({ work, runs: 1 }));
const begins = { beginsSubmit: true };

test("what together is more than an adapter does soon is submitted apart; one long kernel stays whole", () => {
  expect(cutSubmits(once([4e8, 4e8, 4e8, 1.8e9, 1, 1.2e9]), "cpu")).toEqual([{}, {}, begins, begins, begins, begins]);
  expect(cutSubmits(once([4e8, 4e8, 4e8, 1.8e9, 1, 1.2e9]), "gpu")).toEqual([{}, {}, {}, {}, {}, {}]);
  expect(cutSubmits(once([9e9, 1e3]), "cpu")).toEqual([{}, begins]);
  expect(cutSubmits([], "cpu")).toEqual([]);
});

test("a kernel's slabs are submitted as many at a time as an adapter does soon", () => {
  const inSlabs = (work: number, runs: number, next: number): unknown =>
    cutSubmits(
      [
        { work: 1e8, runs: 1 },
        { work, runs },
        { work: next, runs: 1 },
      ],
      "cpu",
    );
  expect(inSlabs(2e8, 4, 2e8)).toEqual([{}, {}, begins]);
  expect(inSlabs(4e8, 5, 7e8)).toEqual([{}, { ...begins, slabsPerSubmit: 2 }, begins]);
  // The last submit has one slab.
  expect(inSlabs(4e8, 5, 5e8)).toEqual([{}, { ...begins, slabsPerSubmit: 2 }, {}]);
  expect(inSlabs(3e9, 3, 1)).toEqual([{}, { ...begins, slabsPerSubmit: 1 }, begins]);
  expect(inSlabs(0, 3, 1)).toEqual([{}, {}, {}]);
});
