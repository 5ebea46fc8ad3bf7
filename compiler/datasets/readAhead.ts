/** Batches of a data set that are read while the ones before are computed. */
import { readAhead as readBatchesAhead } from "cnnc/runtime";
import { partOf, rawBatch, type ImageSet, type RawBatch } from "./imageSet.ts";

export interface LabelledBatch extends RawBatch {
  readonly labels: Uint32Array<ArrayBuffer>;
  readonly count: number;
}

/**
 * The images at `order`, `batch` at a time, from batch `first` on. A batch's storage is used again once the next but two is
 * asked for; an error of a file is thrown when its batch is.
 */
export function readAhead(
  set: ImageSet,
  order: ArrayLike<number> & { subarray(start: number, end: number): ArrayLike<number> },
  batch: number,
  first = 0,
): AsyncGenerator<LabelledBatch> {
  const storage: RawBatch[] = [];
  const read = async (index: number, slot: number): Promise<LabelledBatch> => {
    const indices = order.subarray(index * batch, (index + 1) * batch);
    const own = (storage[slot] ??= rawBatch(set, Math.min(batch, order.length)));
    const into = partOf(set, own, indices.length);
    await set.read(indices, into);
    const labels = Uint32Array.from(indices, (image) => set.labels[image] as number);
    return { ...into, labels, count: indices.length };
  };
  return readBatchesAhead(Math.ceil(order.length / batch), read, first);
}
