import { joinImages, preparationOf, toBatch } from "./images.ts";
import type { ImageBatch, Images, NestedImage, PixelSource, RawImages } from "./images.ts";
import { checkLabels, imageSize, refuse } from "./input.ts";
import { sizeOf } from "./shapes.ts";
import type { Labels } from "./input.ts";
import type { NetworkPlan } from "./plan.ts";
import { readAhead } from "./readAhead.ts";

type Shape = readonly number[];

/** Images in memory, with their classes. */
export interface ArrayDataset<Input extends Shape = Shape, Source extends Shape = Shape> {
  readonly images: Images<Input, Source>;
  readonly labels: Labels;
}

/** Images that are made when they are needed: read from somewhere, augmented. */
export interface DatasetSource {
  /** Number of images. */
  readonly size: number;
  /**
   * Writes the images and labels at `indices` one after another. `epoch` counts from 0; it is undefined where images are
   * evaluated rather than trained on. Called for the next batch while the one before is computed.
   */
  read(indices: Uint32Array<ArrayBuffer>, into: BatchStorage, epoch: number | undefined): void | Promise<void>;
}

export interface BatchStorage {
  readonly images: Float32Array<ArrayBuffer>;
  readonly labels: Uint32Array<ArrayBuffer>;
}

/** The same for images that the recipe's data lines prepare on the GPU. */
export interface RawDatasetSource {
  readonly size: number;
  readRaw(indices: Uint32Array<ArrayBuffer>, into: RawBatchStorage, epoch: number | undefined): void | Promise<void>;
}

export interface RawBatchStorage {
  /** Bytes, or numbers where the network was compiled for those. */
  readonly raw: Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
  /** Height and width of each image, where they may differ. */
  readonly sizes: Uint32Array<ArrayBuffer>;
  readonly labels: Uint32Array<ArrayBuffer>;
}

/** One image with its class. */
export interface Sample<Input extends Shape = Shape> {
  readonly image: Float32Array | Uint8Array | Uint8ClampedArray | RawImages | NestedImage<Input> | PixelSource;
  readonly label: number;
}

/** Images that come one by one, in the order that they are given; an epoch asks for all of them anew. */
export interface StreamDataset<Input extends Shape = Shape> {
  /** Number of images of an epoch. */
  readonly size: number;
  stream(epoch: number | undefined): AsyncIterable<Sample<Input>> | Iterable<Sample<Input>>;
}

export type Dataset<Input extends Shape = Shape, Source extends Shape = Shape> =
  ArrayDataset<Input, Source> | DatasetSource | RawDatasetSource | StreamDataset<Input>;

export interface DatasetBatch {
  readonly images: ImageBatch;
  readonly labels: Uint32Array<ArrayBuffer>;
}

/** A dataset that has been checked as far as it is in memory. */
export interface OpenedDataset {
  readonly size: number;
  /**
   * The batches of an order from batch `first` (default: 0) on, read ahead; storage is used again once the next batch is asked for.
   * A stream has its own order.
   */
  batches(
    order: Uint32Array<ArrayBuffer>,
    batchSize: number,
    epoch: number | undefined,
    first?: number,
  ): AsyncGenerator<DatasetBatch>;
}

export function openDataset(plan: NetworkPlan, dataset: Dataset): OpenedDataset {
  if ("read" in dataset || "readRaw" in dataset || "stream" in dataset) {
    const { size } = dataset;
    if (!Number.isInteger(size) || size < 1) refuse(`a dataset's size is ${size}`);
    if ("stream" in dataset) {
      return {
        size,
        batches: (_, batchSize, epoch, first = 0) => streamBatches(plan, dataset, first * batchSize, batchSize, epoch),
      };
    }
    const read = "read" in dataset ? valueReader(plan, dataset) : rawReader(plan, dataset);
    return { size, batches: (...asked) => batchesOf(read, ...asked) };
  }
  const images = toBatch(plan, dataset.images);
  const size = images.count;
  if (size === 0) refuse("the dataset has no images");
  const labels = checkLabels(plan, dataset.labels, size);
  const read = memoryReader(images, labels);
  return { size, batches: (...asked) => batchesOf(read, ...asked) };
}

/** Reads the images at some indices into storage that it makes once for each `slot`. */
type Reader = (
  slot: number,
  indices: Uint32Array<ArrayBuffer>,
  batchSize: number,
  epoch: number | undefined,
) => DatasetBatch | Promise<DatasetBatch>;

/** Cuts an order in batches, read ahead. */
function batchesOf(
  read: Reader,
  order: Uint32Array<ArrayBuffer>,
  batchSize: number,
  epoch: number | undefined,
  first?: number,
): AsyncGenerator<DatasetBatch> {
  const readBatch = (batch: number, slot: number): DatasetBatch | Promise<DatasetBatch> =>
    read(slot, order.subarray(batch * batchSize, (batch + 1) * batchSize), batchSize, epoch);
  return readAhead(Math.ceil(order.length / batchSize), readBatch, first);
}

/** Storage by slot, made when it is first used. */
function slots<T>(make: () => T): (slot: number) => T {
  const made = new Map<number, T>();
  return (slot) => {
    const found = made.get(slot) ?? make();
    made.set(slot, found);
    return found;
  };
}

function valueReader(plan: NetworkPlan, source: DatasetSource): Reader {
  const size = imageSize(plan);
  let storage: ((slot: number) => BatchStorage) | undefined;
  return async (slot, indices, batchSize, epoch) => {
    storage ??= slots(() => ({ images: new Float32Array(batchSize * size), labels: new Uint32Array(batchSize) }));
    const { images, labels } = storage(slot);
    const count = indices.length;
    const into = { images: images.subarray(0, count * size), labels: labels.subarray(0, count) };
    await source.read(indices, into, epoch);
    return { images: { kind: "values", data: into.images, count }, labels: into.labels };
  };
}

function rawReader(plan: NetworkPlan, source: RawDatasetSource): Reader {
  const { sourceShape, sourceType, sizes: wantsSizes } = preparationOf(plan);
  const size = sizeOf(sourceShape);
  let storage: ((slot: number) => RawBatchStorage) | undefined;
  return async (slot, indices, batchSize, epoch) => {
    storage ??= slots(() => ({
      raw: sourceType === "u8" ? new Uint8Array(batchSize * size) : new Float32Array(batchSize * size),
      sizes: new Uint32Array(2 * batchSize),
      labels: new Uint32Array(batchSize),
    }));
    const { raw, sizes, labels } = storage(slot);
    const count = indices.length;
    const into = {
      raw: raw.subarray(0, count * size),
      sizes: sizes.subarray(0, 2 * count),
      labels: labels.subarray(0, count),
    };
    await source.readRaw(indices, into, epoch);
    const images = {
      kind: "raw",
      data: into.raw,
      count,
      ...(wantsSizes !== undefined && { sizes: into.sizes }),
    } as const;
    return { images, labels: into.labels };
  };
}

function memoryReader(images: ImageBatch, labels: Uint32Array<ArrayBuffer>): Reader {
  const size = images.data.length / images.count;
  const make = (batchSize: number): { readonly data: ImageBatch["data"]; readonly sizes: Uint32Array } => ({
    data: images.data instanceof Float32Array ? new Float32Array(batchSize * size) : new Uint8Array(batchSize * size),
    sizes: new Uint32Array(2 * batchSize),
  });
  const given = "sizes" in images ? images.sizes : undefined;
  let storage: ((slot: number) => ReturnType<typeof make>) | undefined;
  return (slot, indices, batchSize) => {
    storage ??= slots(() => make(batchSize));
    const { data, sizes } = storage(slot);
    const count = indices.length;
    indices.forEach((index, at) => {
      data.set(images.data.subarray(index * size, (index + 1) * size), at * size);
      if (given) sizes.set(given.subarray(2 * index, 2 * index + 2), 2 * at);
    });
    const chosen = {
      ...{ ...images, data: data.subarray(0, count * size), count },
      ...(given && { sizes: sizes.subarray(0, 2 * count) }),
    } as ImageBatch;
    return { images: chosen, labels: Uint32Array.from(indices, (index) => labels[index] as number) };
  };
}

/** Gathers samples as they come, after the first `skipped`; the next batch is gathered while one is worked on. */
async function* streamBatches(
  plan: NetworkPlan,
  dataset: StreamDataset,
  skipped: number,
  batchSize: number,
  epoch: number | undefined,
): AsyncGenerator<DatasetBatch> {
  const samples = dataset.stream(epoch);
  const iterator = Symbol.asyncIterator in samples ? samples[Symbol.asyncIterator]() : samples[Symbol.iterator]();
  let seen = 0;
  const gather = async (): Promise<DatasetBatch | undefined> => {
    const [batch, labels]: [ImageBatch[], number[]] = [[], []];
    while (batch.length < batchSize && seen < dataset.size) {
      const next = await iterator.next();
      if (next.done === true) refuse(`the dataset's stream ended after ${seen} of its ${dataset.size} images`);
      if (++seen <= skipped) continue;
      const { image, label } = next.value;
      batch.push(toBatch(plan, Array.isArray(image) ? [image] : image));
      labels.push(label);
    }
    return batch.length === 0
      ? undefined
      : { images: joinImages(batch), labels: checkLabels(plan, labels, labels.length) };
  };
  try {
    let coming = gather();
    for (;;) {
      const batch = await coming;
      if (batch === undefined) return;
      coming = gather();
      coming.catch(() => undefined);
      yield batch;
    }
  } finally {
    await iterator.return?.();
  }
}
