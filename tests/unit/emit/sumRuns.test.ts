import { describe, expect, test } from "@jest/globals";
import { planRuns, type SumLoop } from "../../../compiler/6-emit/sumRuns.ts";

const loop = (trips: number, divisible = true): SumLoop => ({ trips, divisible });

/** A number in [-1, 1) by its place, from a multiplicative hash. */
function draw(place: number): number {
  let bits = Math.imul(place + 1, 0x9e3779b1);
  bits = Math.imul(bits ^ (bits >>> 15), 0x85ebca6b);
  return ((bits ^ (bits >>> 13)) >>> 0) / 2 ** 31 - 1;
}

describe("long sums are cut in runs near the root of their length", () => {
  test.each([
    ["64 channels of nine taps", [loop(64)], 9, { loop: 0, chunk: 4 }],
    ["256 channels of nine taps", [loop(256)], 9, { loop: 0, chunk: 4 }],
    ["512 channels, rows and columns of three as loops", [loop(512), loop(3), loop(3)], 1, { loop: 0, chunk: 8 }],
    ["a linear layer's 4,096 inputs, four at a time", [loop(1024)], 4, { loop: 0, chunk: 16 }],
    ["an outer loop whose end the kernel alone knows: its body is a run", [loop(64, false), loop(49)], 1, { loop: 0 }],
    ["few terms stay one sum", [loop(50)], 9, undefined],
    ["a prime number of trips has no chunks", [loop(601)], 1, undefined],
  ] as const)("%s", (_, loops, unrolled, expected) => {
    expect(planRuns(loops, unrolled)).toEqual(expected);
  });

  test("float32 sums in such runs are at least three times closer to the exact sum", () => {
    const runs = planRuns([loop(512)], 9);
    const run = (runs?.chunk ?? 0) * 9;
    const rounded = (values: Iterable<number>): number => {
      let sum = 0;
      for (const value of values) sum = Math.fround(sum + value);
      return sum;
    };
    const errors = Array.from({ length: 40 }, (_, shift) => {
      const shifted = Float32Array.from({ length: 4608 }, (_, i) => draw(shift * 4608 + i));
      const exact = shifted.reduce((sum, value) => sum + value, 0);
      const parts = Array.from({ length: shifted.length / run }, (_, i) =>
        rounded(shifted.subarray(i * run, (i + 1) * run)),
      );
      return { whole: (rounded(shifted) - exact) ** 2, inRuns: (rounded(parts) - exact) ** 2 };
    });
    const total = (key: "whole" | "inRuns"): number => Math.sqrt(errors.reduce((sum, error) => sum + error[key], 0));
    expect(total("whole") / total("inRuns")).toBeGreaterThan(3);
  });
});
