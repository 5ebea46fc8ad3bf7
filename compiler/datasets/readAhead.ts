/** Batches of a data set that are read while the ones before are computed. */
import { readAhead as readBatchesAhead } from "cnnc/runtime";
import type { DamagedPicture } from "./datasetError.ts";
import { rawBatch, readWhole, type ImageSet, type RawBatch } from "./imageSet.ts";

export interface LabelledBatch extends RawBatch {
  readonly labels: Uint32Array<ArrayBuffer>;
  /** Images that were read: fewer than asked for where some are damaged, and none where all are. */
  readonly count: number;
  /** Their numbers in the set. */
  readonly indices: ArrayLike<number>;
  readonly skipped: readonly DamagedPicture[];
}

export interface ReadAheadOptions {
  /** The batch to begin with. */
  readonly first?: number;
  /** Batches that are in use at once, the newest included. */
  readonly held?: number;
}

/**
 * The images at `order`, `batch` at a time. A batch's storage is used again once `held` further ones have been asked for; an error of
 * a file is thrown when its batch is.
 */
export async function* readAhead(
  set: ImageSet,
  order: ArrayLike<number> & { subarray(start: number, end: number): ArrayLike<number> },
  batch: number,
  { first = 0, held = 1 }: ReadAheadOptions = {},
): AsyncGenerator<LabelledBatch> {
  const storage: RawBatch[] = [];
  const left = new AbortController();
  const read = async (index: number): Promise<LabelledBatch> => {
    // While the newest of those in use is handed out, two more are being read.
    const slot = index % (held + 2);
    const asked = order.subarray(index * batch, (index + 1) * batch);
    const own = (storage[slot] ??= rawBatch(set, Math.min(batch, order.length)));
    const { images, indices, skipped } = await readWhole(set, asked, own, left.signal);
    const labels = Uint32Array.from(indices, (image) => set.labels[image] as number);
    return { ...images, labels, count: indices.length, indices, skipped };
  };
  // Wrapped, a batch that is not there yet does not keep the next from being begun.
  const begin = async (index: number): Promise<{ readonly reading: Promise<LabelledBatch> }> => {
    const reading = read(index);
    // Its error is heard when it is asked for.
    reading.catch(() => undefined);
    if (set.readsAtOnce !== true) await reading;
    return { reading };
  };
  try {
    for await (const { reading } of readBatchesAhead(Math.ceil(order.length / batch), begin, first))
      yield await reading;
  } finally {
    // Who stops before the end does not wait for batches that nobody will ask for.
    left.abort();
  }
}
