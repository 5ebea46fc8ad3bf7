/** Errors as the conformance format defines them; one tensor at a time. */
import type { Expected } from "./caseFile.ts";
import type { StoredTensor } from "./readSafetensors.ts";

export type Measure = "max" | "rms";

/**
 * The error of a tensor against what is expected of it: its largest (or root-mean-square) deviation over the expected
 * values' largest (or r.m.s.), at least `floor`. NaN where a value is NaN. Shapes must have been compared before.
 */
export function tensorError(
  actual: ArrayLike<number>,
  expected: Expected,
  stored: ReadonlyMap<string, StoredTensor>,
  measure: Measure,
  floor = 0,
): number {
  const sizeOf = measure === "max" ? maxAbs : rms;
  if ("tensor" in expected) {
    const values = stored.get(expected.tensor)?.values;
    if (values === undefined) throw new Error(`the case's safetensors file lacks ${expected.tensor}`);
    if (values.length !== actual.length)
      throw new Error(`${expected.tensor} has ${values.length} elements, not ${actual.length}`);
    return sizeOf(differences(actual, values)) / Math.max(sizeOf(values), floor, 1e-300);
  }
  const { samples, l2, sum, max_abs: greatest, rms: expectedRms } = expected;
  const scale = Math.max(measure === "max" ? greatest : expectedRms, floor);
  const typical = Math.max(expectedRms, floor);
  const sampled = Float64Array.from(samples, ([index, value]) => (actual[index] ?? NaN) - value);
  return largest([
    sizeOf(sampled) / scale,
    Math.abs(norm(actual) - l2) / (typical * Math.sqrt(actual.length)),
    Math.abs(total(actual) - sum) / (typical * actual.length),
  ]);
}

/** The greatest of some errors; NaN if one is NaN, 0 if there are none. */
export function largest(errors: readonly number[]): number {
  return errors.reduce((greatest, error) => (error > greatest || Number.isNaN(error) ? error : greatest), 0);
}

/** The middle error, or the mean of the two in the middle. */
export function median(errors: readonly number[]): number {
  const sorted = errors.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  if (Number.isInteger(middle)) return ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
  return sorted[Math.floor(middle)] ?? NaN;
}

function differences(actual: ArrayLike<number>, expected: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: expected.length }, (_, i) => (actual[i] as number) - (expected[i] as number));
}

function maxAbs(values: ArrayLike<number>): number {
  let greatest = 0;
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i] as number);
    if (Number.isNaN(size)) return NaN;
    if (size > greatest) greatest = size;
  }
  return greatest;
}

function norm(values: ArrayLike<number>): number {
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i] as number) ** 2;
  return Math.sqrt(squares);
}

/** The root of the mean square of some values. */
export function rms(values: ArrayLike<number>): number {
  return norm(values) / Math.sqrt(values.length);
}

function total(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return sum;
}
