/** `images("dir")`: one folder a class, PNG and JPEG files in it, decoded when they are needed. */
import { join } from "node:path";
import { DamagedPicture, DatasetError } from "./datasetError.ts";
import { createPictureReader } from "./createPictureReader.ts";
import type { ImageSize } from "./decodeImage.ts";
import { folderEntries } from "./folderEntries.ts";
import { imageElements, subset, type ImageSet, type SkipPicture } from "./imageSet.ts";
import { fitted, placePlanes, readPictureSize, roomFor, sideWithin, type PictureFile } from "./pictureFile.ts";
import type { PicturePlanes, PictureRequest } from "./readPlanes.ts";
import { splitByHash } from "./splitByHash.ts";

export interface FolderOptions {
  /** Channels that the network reads: 1 makes pictures grey. */
  readonly channels: number;
  /** Pixels of an image's room, which is that of the largest, at most: larger images are made smaller while they are read. */
  readonly roomPixels: number;
}

export interface ImageFolder {
  readonly classNames: readonly string[];
  readonly train: ImageSet;
  readonly test: ImageSet;
  /** What was passed over or made smaller, for people; empty where nothing was. */
  readonly notes: readonly string[];
}

interface ImageFile extends PictureFile {
  /** Relative to the folder, with slashes. */
  readonly name: string;
  readonly label: number;
}

/** Bytes of decoded images that are kept for the next epoch. */
const cacheBytes = 256 * 1024 * 1024;
/** Files that a note names. */
const namedFiles = 5;

/** Reads the names and sizes of all images; throws `DatasetError` where there is nothing to train on. */
export function readImageFolder(directory: string, options: FolderOptions): ImageFolder {
  const { folders, unreadable } = folderEntries(directory);
  const classNames = [...folders].sort(byCodePoint);
  const files: ImageFile[] = [];
  const skipped = unreadable.map(([name, reason]) => `${join(directory, name)}: ${reason}`).sort(byCodePoint);
  if (classNames.length === 0) {
    const found = skipped.length === 0 ? "" : ` (${skipped.join("; ")})`;
    throw new DatasetError(
      `${directory}: it holds no folders${found}; images("…") wants one folder a class, with PNG or JPEG files`,
    );
  }
  for (const [label, className] of classNames.entries()) {
    const before = [files.length, skipped.length] as const;
    for (const [name, reason] of filesOf(directory, className)) {
      const path = join(directory, name);
      const size = reason ?? (/\.(png|jpe?g)$/i.test(name) ? readPictureSize(path) : "it is neither .png nor .jpg");
      if (typeof size === "string") skipped.push(`${path}: ${size}`);
      else files.push({ name, label, ...size });
    }
    if (files.length === before[0]) {
      const found = skipped.length - before[1];
      const why = found === 0 ? "it is empty" : `none of its ${found} files can be read: ${skipped.at(-1)}`;
      throw new DatasetError(`${join(directory, className)}: this class has no images: ${why}`);
    }
  }
  const largestSide = sideWithin(files, options.roomPixels);
  const all = imageSet(directory, files, options.channels, largestSide);
  const { train, test } = splitByHash(files.map(({ name }) => name));
  const large = files.filter(({ height, width }) => Math.max(height, width) > largestSide).length;
  return {
    classNames,
    train: subset(all, train),
    test: subset(all, test),
    notes: [
      ...(skipped.length === 0 ? [] : [skippedText(skipped)]),
      ...(large === 0
        ? []
        : [`${large} images larger than ${largestSide} pixels are made smaller while they are read`]),
    ],
  };
}

function skippedText(skipped: readonly string[]): string {
  const more = skipped.length - namedFiles;
  const lines = skipped.slice(0, namedFiles).map((line) => `\n  ${line}`);
  const files = skipped.length === 1 ? "1 file was" : `${skipped.length} files were`;
  return `${files} skipped:${lines.join("")}${more > 0 ? `\n  and ${more} more` : ""}`;
}

/** The files of a class and of the folders within it, in the same order everywhere; with why a link leads to none. */
function filesOf(directory: string, folder: string): readonly (readonly [name: string, reason?: string])[] {
  const { folders, files, unreadable } = folderEntries(join(directory, folder));
  const own = [...files.map((name) => [name] as const), ...unreadable].map(
    ([name, ...reason]) => [`${folder}/${name}`, ...reason] as const,
  );
  const deeper = folders.flatMap((name) => filesOf(directory, `${folder}/${name}`));
  return [...own, ...deeper].sort(([a], [b]) => byCodePoint(a, b));
}

function byCodePoint(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function refuse(_: number, error: DamagedPicture): never {
  throw new DatasetError(`${error.message}; mend the file or take it out of the folder`, 1, { cause: error });
}

function imageSet(directory: string, files: readonly ImageFile[], channels: number, largestSide: number): ImageSet {
  const sizes = files.map((file) => fitted(file, largestSide));
  const { height, width, mixed } = roomFor(sizes);
  const cache = new Map<number, Uint8Array<ArrayBuffer>>();
  let cached = 0;

  // Whether a picture is damaged stays as it was found, so that no epoch has more images than another.
  const damaged = new Map<number, DamagedPicture>();

  const reader = createPictureReader();
  const keep = (index: number, planes: Uint8Array<ArrayBuffer>): void => {
    // What is there stays: an epoch comes to every image once, so that the newest is the last to be wanted again.
    if (cached + planes.length > cacheBytes) return;
    cache.set(index, planes);
    cached += planes.length;
  };
  const request = (index: number): PictureRequest => {
    const [own, size] = [files[index], sizes[index]] as [ImageFile, ImageSize];
    return { path: join(directory, own.name), own, size, channels };
  };

  return {
    ...{ count: files.length, channels, height, width, elements: "u8", mixed, readsAtOnce: true },
    labels: Uint32Array.from(files, ({ label }) => label),
    files: files.map(({ name, bytes }) => ({ name, bytes })),
    async read(indices, { raw, sizes: into }, skip: SkipPicture = refuse, signal?: AbortSignal) {
      const room = imageElements({ channels, height, width });
      const place = (at: number, planes: Uint8Array): void => {
        const size = sizes[indices[at] as number] as ImageSize;
        into.set([size.height, size.width], 2 * at);
        placePlanes(planes, size, raw, at * room, { channels, height, width });
      };
      const unknown: number[] = [];
      for (let at = 0; at < indices.length; at++) {
        const index = indices[at] as number;
        const known = cache.get(index);
        if (known !== undefined) place(at, known);
        else if (!damaged.has(index)) unknown.push(at);
      }
      const unreadable: DatasetError[] = [];
      const requests = unknown.map((at) => request(indices[at] as number));
      const take = (nth: number, picture: PicturePlanes | DatasetError): void => {
        const at = unknown[nth] as number;
        const index = indices[at] as number;
        if (picture instanceof DamagedPicture) damaged.set(index, picture);
        else if (picture instanceof DatasetError) unreadable[at] = picture;
        else {
          place(at, picture.planes);
          keep(index, picture.planes);
        }
      };
      await reader.read(requests, take, signal);
      // Whichever came first: what is said of a batch does not hang on the threads.
      for (const error of Object.values(unreadable)) throw error;
      for (let at = 0; at < indices.length; at++) {
        const error = damaged.get(indices[at] as number);
        if (error !== undefined) skip(at, error);
      }
      if (cache.size + damaged.size === files.length) reader.close();
    },
  };
}
