import { noneCanBeRead, type DamagedPicture } from "../datasets/datasetError.ts";
import type { ImageSet, RawBatch } from "../datasets/imageSet.ts";
import { readAhead, type LabelledBatch } from "../datasets/readAhead.ts";
import { createTally, type Evaluation } from "./metrics.ts";

/** Something that gives each image its logits, `batch` images at a time at most. */
export interface ClassifyingNetwork {
  readonly batch: number;
  readonly classes: number;
  /** Batches whose logits may be asked for before the first have come: one where nothing is said. */
  readonly batchesAtOnce?: 1 | 2;
  /** count x classes, in inference mode. */
  logits(images: RawBatch): Promise<Float32Array | Float64Array>;
}

interface Pending {
  readonly logits: Promise<Float32Array | Float64Array>;
  /** Images of the set up to it. */
  readonly done: number;
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
  const { batchesAtOnce = 1 } = network;
  let done = 0;
  let lastSkipped: DamagedPicture | undefined;
  const pending: (Pick<LabelledBatch, "labels" | "indices"> & Pending)[] = [];
  const finishOne = async (): Promise<void> => {
    const oldest = pending.shift();
    if (oldest === undefined) return;
    const logits = await oldest.logits;
    oldest.labels.forEach((label, i) => {
      const row = logits.subarray(i * network.classes, (i + 1) * network.classes);
      tally.add(row, label);
      onImage?.(oldest.indices[i] as number, row, label);
    });
    onProgress?.(oldest.done, set.count);
  };
  const batches = readAhead(set, order, network.batch, { held: batchesAtOnce });
  for await (const { labels, count, indices, skipped, ...images } of batches) {
    for (const error of skipped) onSkip?.(error);
    lastSkipped = skipped.at(-1) ?? lastSkipped;
    done += count + skipped.length;
    if (count === 0) continue;
    const logits = network.logits(images);
    // What goes wrong with it is heard when its turn comes.
    logits.catch(() => undefined);
    pending.push({ labels, indices, logits, done });
    if (pending.length >= batchesAtOnce) await finishOne();
  }
  while (pending.length > 0) await finishOne();
  const evaluation = tally.evaluation();
  if (evaluation.count === 0) throw noneCanBeRead("test", set.count, lastSkipped);
  return evaluation;
}
