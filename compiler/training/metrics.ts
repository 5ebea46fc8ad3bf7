/** Answers as people read them. How good they are is counted as apps count it, by what `cnnc/app` has for that. */
import { firstMaximum } from "cnnc/app";

export { classFigures, commonConfusions, createTally, crossEntropy, firstMaximum, meanFigure, rankOf } from "cnnc/app";
export type { ClassFigures, ConfusionMatrix, Evaluation } from "cnnc/app";

/** A class in words. */
export function className(names: readonly string[], index: number): string {
  return names[index] ?? `class ${index}`;
}

/** The indices of the `count` greatest values, the greatest first; of equal ones, the first comes first. */
export function greatest(row: ArrayLike<number>, count: number): readonly number[] {
  const indices = Array.from({ length: row.length }, (_, index) => index);
  return indices.sort((a, b) => (row[b] as number) - (row[a] as number) || a - b).slice(0, count);
}

/** Probabilities of a row of logits; a row of log-probabilities gives the same. */
export function softmax(row: ArrayLike<number>): Float64Array {
  const most = row[firstMaximum(row)] as number;
  const result = Float64Array.from(row, (value) => Math.exp(value - most));
  const sum = result.reduce((before, value) => before + value, 0);
  return result.map((value) => value / sum);
}
