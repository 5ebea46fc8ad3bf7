import type { ImageShape } from "../ir/preparedShape.ts";

/** Images and their classes as a data set's files hold them, read when they are needed. */
export interface ImageSet {
  readonly count: number;
  readonly channels: number;
  /** Of the largest image. */
  readonly height: number;
  readonly width: number;
  /** Bytes from 0 to 255, or numbers. */
  readonly elements: "u8" | "f32";
  /** True where images differ in size: each lies in the upper left of its room. */
  readonly mixed: boolean;
  /** One class index an image. */
  readonly labels: ArrayLike<number>;
  /** Writes the images at `indices` one after another; throws `DatasetError` where a file has gone bad. */
  read(indices: ArrayLike<number>, into: RawBatch): void | Promise<void>;
}

/** Storage of a batch: count x channels x height x width elements, and each image's height and width. */
export interface RawBatch {
  readonly raw: Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
  readonly sizes: Uint32Array<ArrayBuffer>;
}

/** The two halves of a data set, with where they come from. */
export interface Dataset {
  /** For people: "fashion_mnist from /usr/share/datasets/fashion-mnist: 60000 train and 10000 test images". */
  readonly description: string;
  readonly classNames: readonly string[];
  readonly train: ImageSet;
  readonly test: ImageSet;
}

/** Elements of an image's room. */
export function imageElements({ channels, height, width }: Pick<ImageSet, "channels" | "height" | "width">): number {
  return channels * height * width;
}

/** The shape of an image's room. */
export function imageShape({ channels, height, width }: ImageSet): ImageShape {
  return [channels, height, width];
}

/** What a set of images in memory is made of. */
export interface PixelSet {
  readonly count: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** count x channels x height x width. */
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
}

/** Images that are all in memory. */
export function memorySet(set: PixelSet): ImageSet {
  const { count, channels, height, width, pixels, labels } = set;
  const size = imageElements(set);
  return {
    ...{ count, channels, height, width, labels, elements: "u8", mixed: false },
    read(indices, { raw, sizes }) {
      for (let at = 0; at < indices.length; at++) {
        const start = (indices[at] as number) * size;
        raw.set(pixels.subarray(start, start + size), at * size);
        sizes.set([height, width], 2 * at);
      }
    },
  };
}

/** Some of a set's images, by their numbers. */
export function subset(set: ImageSet, numbers: Uint32Array): ImageSet {
  return {
    ...set,
    count: numbers.length,
    labels: Uint32Array.from(numbers, (number) => set.labels[number] as number),
    read: (indices, into) =>
      set.read(
        Uint32Array.from(indices, (index) => numbers[index] as number),
        into,
      ),
  };
}

/** Storage for up to `count` images of a set. */
export function rawBatch(set: ImageSet, count: number): RawBatch {
  const size = count * imageElements(set);
  return {
    raw: set.elements === "u8" ? new Uint8Array(size) : new Float32Array(size),
    sizes: new Uint32Array(2 * count),
  };
}

/** The first `count` images of a batch's storage. */
export function partOf(set: ImageSet, { raw, sizes }: RawBatch, count: number): RawBatch {
  const size = imageElements(set);
  return { raw: raw.subarray(0, count * size), sizes: sizes.subarray(0, 2 * count) };
}

/** The images at `indices`, in storage of their own. */
export async function readImages(set: ImageSet, indices: ArrayLike<number>): Promise<RawBatch> {
  const batch = rawBatch(set, indices.length);
  await set.read(indices, batch);
  return batch;
}
