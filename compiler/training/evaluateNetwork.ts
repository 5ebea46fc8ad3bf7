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

/** The figures of all images of a set; `onProgress` hears the images done after each batch, `onImage` each image's logits. */
export async function evaluateNetwork(
  network: ClassifyingNetwork,
  set: ImageSet,
  onProgress: (done: number, total: number) => void = () => undefined,
  onImage: (image: number, logits: Float32Array | Float64Array, label: number) => void = () => undefined,
): Promise<Evaluation> {
  const tally = createTally(network.classes);
  const order = Uint32Array.from({ length: set.count }, (_, index) => index);
  let start = 0;
  for await (const { labels, count, ...images } of readAhead(set, order, network.batch)) {
    const logits = await network.logits(images);
    for (let i = 0; i < count; i++) {
      const row = logits.subarray(i * network.classes, (i + 1) * network.classes);
      tally.add(row, labels[i] as number);
      onImage(start + i, row, labels[i] as number);
    }
    start += count;
    onProgress(start, set.count);
  }
  return tally.evaluation();
}
