import { expect, test } from "@jest/globals";
import { cutSubmits } from "../../../compiler/6-emit/cutSubmits.ts";

test("what together is more than an adapter does soon is submitted apart; one long kernel stays whole", () => {
  expect(cutSubmits([4e8, 4e8, 4e8, 1.8e9, 1, 1.2e9], "cpu")).toEqual([false, false, true, true, true, true]);
  expect(cutSubmits([4e8, 4e8, 4e8, 1.8e9, 1, 1.2e9], "gpu")).toEqual([false, false, false, false, false, false]);
  expect(cutSubmits([9e9, 1e3], "cpu")).toEqual([false, true]);
  expect(cutSubmits([], "cpu")).toEqual([]);
});
