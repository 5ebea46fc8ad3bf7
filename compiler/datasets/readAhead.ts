/** Batches of a data set that are read while the ones before are computed. */
import { partOf, rawBatch, type ImageSet, type RawBatch } from "./imageSet.ts";

export interface LabelledBatch extends RawBatch {
  readonly labels: Uint32Array<ArrayBuffer>;
  readonly count: number;
}

/** Batches that are read before they are asked for. */
const batchesAhead = 2;

/**
 * The images at `order`, `batch` at a time, from batch `first` on. A batch's storage is used again once the next but two is
 * asked for; an error of a file is thrown when its batch is.
 */
export async function* readAhead(
  set: ImageSet,
  order: ArrayLike<number> & { subarray(start: number, end: number): ArrayLike<number> },
  batch: number,
  first = 0,
): AsyncGenerator<LabelledBatch> {
  const count = Math.ceil(order.length / batch);
  const storage = Array.from({ length: batchesAhead + 1 }, () => rawBatch(set, Math.min(batch, order.length)));
  const reading: Promise<LabelledBatch>[] = [];
  let before: Promise<unknown> = Promise.resolve();
  const start = (index: number): void => {
    if (index >= count) return;
    const indices = order.subarray(index * batch, (index + 1) * batch);
    const started = before.then(async (): Promise<LabelledBatch> => {
      const into = partOf(set, storage[index % storage.length] as RawBatch, indices.length);
      await set.read(indices, into);
      const labels = Uint32Array.from(indices, (image) => set.labels[image] as number);
      return { ...into, labels, count: indices.length };
    });
    started.catch(() => undefined);
    before = started;
    reading.push(started);
  };
  for (let index = first; index < first + batchesAhead; index++) start(index);
  for (let index = first; index < count; index++) {
    const current = await (reading.shift() as Promise<LabelledBatch>);
    start(index + batchesAhead);
    yield current;
  }
}
