/** `images("dir")`: one folder a class, PNG and JPEG files in it, decoded when they are needed. */
import { readdirSync } from "node:fs";
import type { Dirent } from "node:fs";
import { join } from "node:path";
import { describeFileError } from "../files/userError.ts";
import { DamagedPicture, DatasetError } from "./datasetError.ts";
import type { DecodedImage, ImageSize } from "./decodeImage.ts";
import { imageElements, subset, type ImageSet, type SkipPicture } from "./imageSet.ts";
import { fitted, picturePlanes, placePlanes, readPicture, readPictureSize, roomFor } from "./pictureFile.ts";
import { splitByHash } from "./splitByHash.ts";

export interface FolderOptions {
  /** Channels that the network reads: 1 makes pictures grey. */
  readonly channels: number;
  /** Images larger than this on a side are made smaller while they are read. */
  readonly largestSide: number;
}

export interface ImageFolder {
  readonly classNames: readonly string[];
  readonly train: ImageSet;
  readonly test: ImageSet;
  /** What was passed over or made smaller, for people; empty where nothing was. */
  readonly notes: readonly string[];
}

interface ImageFile extends ImageSize {
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
  const classNames = entries(directory)
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map(({ name }) => name)
    .sort(byCodePoint);
  if (classNames.length === 0) {
    throw new DatasetError(
      `${directory}: it holds no folders; images("…") wants one folder a class, with PNG or JPEG files`,
    );
  }
  const files: ImageFile[] = [];
  const skipped: string[] = [];
  for (const [label, className] of classNames.entries()) {
    const before = [files.length, skipped.length] as const;
    for (const name of filesOf(directory, className)) {
      const path = join(directory, name);
      const size = /\.(png|jpe?g)$/i.test(name) ? readPictureSize(path) : "it is neither .png nor .jpg";
      if (typeof size === "string") skipped.push(`${path}: ${size}`);
      else files.push({ name, label, ...size });
    }
    if (files.length === before[0]) {
      const found = skipped.length - before[1];
      const why = found === 0 ? "it is empty" : `none of its ${found} files can be read: ${skipped.at(-1)}`;
      throw new DatasetError(`${join(directory, className)}: this class has no images: ${why}`);
    }
  }
  const all = imageSet(directory, files, options);
  const { train, test } = splitByHash(files.map(({ name }) => name));
  const large = files.filter(({ height, width }) => Math.max(height, width) > options.largestSide).length;
  return {
    classNames,
    train: subset(all, train),
    test: subset(all, test),
    notes: [
      ...(skipped.length === 0 ? [] : [skippedText(skipped)]),
      ...(large === 0
        ? []
        : [`${large} images larger than ${options.largestSide} pixels are made smaller while they are read`]),
    ],
  };
}

function skippedText(skipped: readonly string[]): string {
  const more = skipped.length - namedFiles;
  const lines = skipped.slice(0, namedFiles).map((line) => `\n  ${line}`);
  const files = skipped.length === 1 ? "1 file was" : `${skipped.length} files were`;
  return `${files} skipped:${lines.join("")}${more > 0 ? `\n  and ${more} more` : ""}`;
}

function entries(directory: string): readonly Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    throw new DatasetError(`cannot read ${directory}: ${describeFileError(error)}`, 1, { cause: error });
  }
}

/** The files of a class and of the folders within it, in the same order everywhere. */
function filesOf(directory: string, folder: string): readonly string[] {
  const inside = entries(join(directory, folder)).filter(({ name }) => !name.startsWith("."));
  const files = inside.filter((entry) => !entry.isDirectory()).map(({ name }) => `${folder}/${name}`);
  const deeper = inside
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => filesOf(directory, `${folder}/${name}`));
  return [...files, ...deeper].sort(byCodePoint);
}

function byCodePoint(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A picture whose head and end are there, and which may be damaged between them all the same. */
async function readUnlessDamaged(path: string, size: ImageSize): Promise<DecodedImage | DamagedPicture> {
  try {
    return await readPicture(path, size);
  } catch (error) {
    if (error instanceof DamagedPicture) return error;
    throw error;
  }
}

function refuse(_: number, error: DamagedPicture): never {
  throw new DatasetError(`${error.message}; mend the file or take it out of the folder`, 1, { cause: error });
}

function imageSet(directory: string, files: readonly ImageFile[], { channels, largestSide }: FolderOptions): ImageSet {
  const sizes = files.map((file) => fitted(file, largestSide));
  const { height, width, mixed } = roomFor(sizes);
  const cache = new Map<number, Uint8Array<ArrayBuffer>>();
  let cached = 0;

  // Whether a picture is damaged stays as it was found, so that no epoch has more images than another.
  const damaged = new Map<number, DamagedPicture>();

  const load = async (index: number): Promise<Uint8Array<ArrayBuffer> | DamagedPicture> => {
    const known = cache.get(index) ?? damaged.get(index);
    if (known !== undefined) return known;
    const [file, size] = [files[index], sizes[index]] as [ImageFile, ImageSize];
    const decoded = await readUnlessDamaged(join(directory, file.name), file);
    if (decoded instanceof DamagedPicture) {
      damaged.set(index, decoded);
      return decoded;
    }
    const planes = picturePlanes(decoded, channels, size);
    // What is there stays: an epoch comes to every image once, so that the newest is the last to be wanted again.
    if (cached + planes.length <= cacheBytes) {
      cache.set(index, planes);
      cached += planes.length;
    }
    return planes;
  };
  return {
    ...{ count: files.length, channels, height, width, elements: "u8", mixed },
    labels: Uint32Array.from(files, ({ label }) => label),
    async read(indices, { raw, sizes: into }, skip: SkipPicture = refuse) {
      const room = imageElements({ channels, height, width });
      // Files are read side by side and decoded one by one.
      const loaded = await Promise.all(Array.from(indices, load));
      loaded.forEach((planes, at) => {
        if (planes instanceof DamagedPicture) {
          skip(at, planes);
          return;
        }
        const size = sizes[indices[at] as number] as ImageSize;
        into.set([size.height, size.width], 2 * at);
        placePlanes(planes, size, raw, at * room, { channels, height, width });
      });
    },
  };
}
