import type { ImageSet, RawBatch } from "../datasets/imageSet.ts";
import { readAhead } from "../datasets/readAhead.ts";

/** Something that gives each image its logits, `batch` images at a time at most. */
export interface ClassifyingNetwork {
  readonly batch: number;
  readonly classes: number;
  /** count x classes, in inference mode. */
  logits(images: RawBatch): Promise<Float32Array>;
}

export interface Evaluation {
  /** Mean cross entropy, without label smoothing. */
  readonly loss: number;
  readonly correct: number;
  readonly count: number;
}

/** Loss and right answers over all images of a set; `onProgress` hears the images done after each batch. */
export async function evaluateNetwork(
  network: ClassifyingNetwork,
  set: ImageSet,
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<Evaluation> {
  let [lossSum, correct] = [0, 0];
  const order = Uint32Array.from({ length: set.count }, (_, index) => index);
  let start = 0;
  for await (const { labels, count, ...images } of readAhead(set, order, network.batch)) {
    const logits = await network.logits(images);
    for (let i = 0; i < count; i++) {
      const row = logits.subarray(i * network.classes, (i + 1) * network.classes);
      const label = labels[i] as number;
      lossSum -= logProbability(row, label);
      if (firstMaximum(row) === label) correct++;
    }
    start += count;
    onProgress(start, set.count);
  }
  return { loss: lossSum / set.count, correct, count: set.count };
}

/** The index of the first greatest value. */
export function firstMaximum(row: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < row.length; i++) if ((row[i] as number) > (row[best] as number)) best = i;
  return best;
}

/** Probabilities of a row of logits; a row of log-probabilities gives the same. */
export function softmax(row: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: row.length }, (_, i) => Math.exp(logProbability(row, i)));
}

function logProbability(row: ArrayLike<number>, index: number): number {
  const greatest = row[firstMaximum(row)] as number;
  let sum = 0;
  for (let i = 0; i < row.length; i++) sum += Math.exp((row[i] as number) - greatest);
  return (row[index] as number) - greatest - Math.log(sum);
}
