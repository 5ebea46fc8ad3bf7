import { checkLabels, countImages, imageSize, refuse } from "./input.ts";
import type { Labels } from "./input.ts";
import type { NetworkPlan } from "./plan.ts";

/** Images in memory, one after another, with their classes. */
export interface ArrayDataset {
  readonly images: Float32Array<ArrayBuffer>;
  readonly labels: Labels;
}

/** Images that are made when they are needed: read from somewhere, augmented. */
export interface DatasetSource {
  /** Number of images. */
  readonly size: number;
  /**
   * Writes the images and labels at `indices` one after another. `epoch` counts from 0; it is undefined where images are
   * evaluated rather than trained on.
   */
  read(indices: Uint32Array<ArrayBuffer>, into: BatchStorage, epoch: number | undefined): void | Promise<void>;
}

export type Dataset = ArrayDataset | DatasetSource;

export interface BatchStorage {
  readonly images: Float32Array<ArrayBuffer>;
  readonly labels: Uint32Array<ArrayBuffer>;
}

/** A dataset as a source, all of it checked where it is in memory. */
export function openDataset(plan: NetworkPlan, dataset: Dataset): DatasetSource {
  if ("read" in dataset) {
    if (!Number.isInteger(dataset.size) || dataset.size < 1) refuse(`a dataset's size is ${dataset.size}`);
    return dataset;
  }
  const size = countImages(plan, dataset.images);
  if (size === 0) refuse("the dataset has no images");
  const labels = checkLabels(plan, dataset.labels, size);
  const { images } = dataset;
  const imageLength = imageSize(plan);
  return {
    size,
    read(indices, into) {
      indices.forEach((index, at) => {
        into.images.set(images.subarray(index * imageLength, (index + 1) * imageLength), at * imageLength);
        into.labels[at] = labels[index] as number;
      });
    },
  };
}

/** Cuts an order in batches and reads them one by one into storage that it uses again. */
export async function* readBatches(
  plan: NetworkPlan,
  source: DatasetSource,
  order: Uint32Array<ArrayBuffer>,
  batchSize: number,
  epoch: number | undefined,
): AsyncGenerator<BatchStorage> {
  const imageLength = imageSize(plan);
  const images = new Float32Array(batchSize * imageLength);
  const labels = new Uint32Array(batchSize);
  for (let start = 0; start < order.length; start += batchSize) {
    const indices = order.subarray(start, start + batchSize);
    const count = indices.length;
    const batch = { images: images.subarray(0, count * imageLength), labels: labels.subarray(0, count) };
    await source.read(indices, batch, epoch);
    yield batch;
  }
}
