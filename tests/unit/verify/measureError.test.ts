import { describe, expect, test } from "@jest/globals";
import { largest, median, tensorError } from "../../../compiler/verify/measureError.ts";
import { fillTensor, fnv1a } from "../../../compiler/verify/fillTensor.ts";

const stored = new Map([["t", { shape: [4], values: Float32Array.of(1, -2, 3, 4) }]]);
const full = { tensor: "t", shape: [4] };

describe("a tensor stored in full", () => {
  test("max: the largest deviation over the largest value", () => {
    expect(tensorError([1, -2, 3.5, 4], full, stored, "max")).toBeCloseTo(0.125, 12);
  });
  test("rms: both as root mean squares", () => {
    expect(tensorError([1, -2, 3.5, 4], full, stored, "rms")).toBeCloseTo(Math.sqrt(0.25 / 30), 12);
  });
  test("a floor under the denominator", () => {
    expect(tensorError([1, -2, 3.5, 4], full, stored, "max", 10)).toBeCloseTo(0.05, 12);
  });
  test("NaN is no agreement", () => {
    expect(tensorError([1, -2, NaN, 4], full, stored, "max")).toBeNaN();
  });
});

describe("a tensor given by samples", () => {
  const values = [1, -2, 3, 4];
  const sampled = { shape: [4], l2: Math.sqrt(30), sum: 6, max_abs: 4, rms: Math.sqrt(7.5), samples: [[1, -2], [3, 4]] } as const; // prettier-ignore
  test("agrees with itself", () => {
    expect(tensorError(values, sampled, stored, "rms")).toBeCloseTo(0, 12);
  });
  test("a sample that is off counts against the whole tensor's size", () => {
    expect(tensorError([1, -2.5, 3, 4], { ...sampled, l2: Math.sqrt(32.25), sum: 5.5 }, stored, "max")).toBeCloseTo(
      0.125,
      12,
    );
  });
  test("an element between the samples shows in the sum", () => {
    expect(tensorError([2, -2, 3, 4], sampled, stored, "rms")).toBeCloseTo(1 / (Math.sqrt(7.5) * 4), 12);
  });
});

test("the median of an even number lies between the middle two", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(largest([1, NaN, 3])).toBeNaN();
});

test("the fill's hash and formula", () => {
  expect(fnv1a("lenet/conv1.weight")).toBe(586506895);
  expect([...fillTensor({ shape: [2], fill: { seed: 0, scale: 1, offset: 0 } })][0]).toBe(-1);
});
