import type { ImageShape } from "../ir/preparedShape.ts";
import type { DamagedPicture } from "./datasetError.ts";

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
  /** True where a batch may be asked for before the one before is there: its pictures are decoded by threads of their own. */
  readonly readsAtOnce?: boolean;
  /** Of images that are files: each one's name below the folder, and its bytes. */
  readonly files?: readonly { readonly name: string; readonly bytes: number }[];
  /**
   * Writes the images at `indices` one after another; throws `DatasetError` where a file has gone bad. A picture that is damaged
   * inside is told to `skip`, where that is given, and its room left as it was. What `signal` ends early need not be whole.
   */
  read(indices: ArrayLike<number>, into: RawBatch, skip?: SkipPicture, signal?: AbortSignal): void | Promise<void>;
}

/** Hears of the picture at a place in a batch that it cannot be had. */
export type SkipPicture = (at: number, error: DamagedPicture) => void;

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
    ...(set.files !== undefined && { files: Array.from(numbers).flatMap((number) => set.files?.[number] ?? []) }),
    read: (indices, ...rest) =>
      set.read(
        Uint32Array.from(indices, (index) => numbers[index] as number),
        ...rest,
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

/** What could be read of a batch, without gaps. */
export interface ReadBatch {
  readonly images: RawBatch;
  /** The images that it holds, by their numbers in the set. */
  readonly indices: ArrayLike<number>;
  readonly skipped: readonly DamagedPicture[];
}

/** The images at `indices` in the storage given, which has room for them, but for pictures that are damaged inside. */
export async function readWhole(
  set: ImageSet,
  indices: ArrayLike<number>,
  into: RawBatch,
  signal?: AbortSignal,
): Promise<ReadBatch> {
  const skipped = new Map<number, DamagedPicture>();
  const images = partOf(set, into, indices.length);
  await set.read(indices, images, (at, error) => skipped.set(at, error), signal);
  if (skipped.size === 0) return { images, indices, skipped: [] };
  const size = imageElements(set);
  const kept = Array.from({ length: indices.length }, (_, at) => at).filter((at) => !skipped.has(at));
  kept.forEach((from, to) => {
    images.raw.copyWithin(to * size, from * size, (from + 1) * size);
    images.sizes.copyWithin(2 * to, 2 * from, 2 * from + 2);
  });
  return {
    images: partOf(set, into, kept.length),
    indices: kept.map((at) => indices[at] as number),
    skipped: [...skipped.values()],
  };
}

/** The images at `indices`, in storage of their own; throws where one of them is damaged. */
export async function readImages(set: ImageSet, indices: ArrayLike<number>): Promise<RawBatch> {
  const batch = rawBatch(set, indices.length);
  await set.read(indices, batch);
  return batch;
}
