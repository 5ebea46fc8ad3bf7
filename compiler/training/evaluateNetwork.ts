import { noneCanBeRead, type DamagedPicture } from "../datasets/datasetError.ts";
import type { ImageSet, RawBatch } from "../datasets/imageSet.ts";
import { readAhead } from "../datasets/readAhead.ts";
import { createTally, type Evaluation } from "./metrics.ts";

/** Something that gives each image its logits, `batch` images at a time at most. */
export interface ClassifyingNetwork {
  readonly batch: number;
  readonly classes: number;
  /** count x classes, in inference mode. */
  logits(images: RawBatch): Promise<Float32Array | Float64Array>;
}

/** What is heard while a set is evaluated. */
export interface EvaluationListener {
  /** The images done, after each batch. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly onImage?: (image: number, logits: Float32Array | Float64Array, label: number) => void;
  /** A picture that is damaged, and left out. */
  readonly onSkip?: (error: DamagedPicture) => void;
}

/** The figures of all images of a set that can be read; throws `DatasetError` where none can. */
export async function evaluateNetwork(
  network: ClassifyingNetwork,
  set: ImageSet,
  { onProgress, onImage, onSkip }: EvaluationListener = {},
): Promise<Evaluation> {
  const tally = createTally(network.classes);
  const order = Uint32Array.from({ length: set.count }, (_, index) => index);
  let done = 0;
  let lastSkipped: DamagedPicture | undefined;
  for await (const { labels, count, indices, skipped, ...images } of readAhead(set, order, network.batch)) {
    for (const error of skipped) onSkip?.(error);
    lastSkipped = skipped.at(-1) ?? lastSkipped;
    done += count + skipped.length;
    if (count === 0) continue;
    const logits = await network.logits(images);
    for (let i = 0; i < count; i++) {
      const row = logits.subarray(i * network.classes, (i + 1) * network.classes);
      tally.add(row, labels[i] as number);
      onImage?.(indices[i] as number, row, labels[i] as number);
    }
    onProgress?.(done, set.count);
  }
  const evaluation = tally.evaluation();
  if (evaluation.count === 0) throw noneCanBeRead("test", set.count, lastSkipped);
  return evaluation;
}
