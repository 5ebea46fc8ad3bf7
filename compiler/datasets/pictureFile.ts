/** PNG and JPEG files: their sizes from their beginnings and ends, and the room for their planes. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { describeFileError } from "../files/userError.ts";
import { headBytes, holdsEnd, imageSizeOf, type ImageSize } from "./decodeImage.ts";

/** Bytes of a file's end in which its end mark is looked for at first. */
const tailBytes = 64;

/** What is known of a picture before it is decoded. */
export interface PictureFile extends ImageSize {
  readonly bytes: number;
}

/** The size of an image from the beginning and the end of its file, or what is wrong with it. */
export function readPictureSize(path: string): PictureFile | string {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    return describeFileError(error);
  }
  try {
    const { size } = fstatSync(file);
    // Comments and thumbnails may stand before a JPEG's size: then all of it is read.
    for (let length = Math.min(headBytes, size); ; length = size) {
      const head = new Uint8Array(length);
      const found = imageSizeOf(head.subarray(0, length === 0 ? 0 : readSync(file, head, 0, length, 0)), size);
      if (typeof found === "object") return cutOff(file, size, head[0] === 0x89) ?? { ...found, bytes: size };
      if (found !== undefined) return found;
      if (length === size) return `the JPEG ends at offset ${size}, before its first frame`;
    }
  } catch (error) {
    return describeFileError(error);
  } finally {
    closeSync(file);
  }
}

/** What is wrong with a file whose end is not there, as after a download that broke off. Something may stand behind an end. */
function cutOff(file: number, fileBytes: number, isPng: boolean): string | undefined {
  for (const length of [Math.min(tailBytes, fileBytes), fileBytes]) {
    const tail = Buffer.alloc(length);
    readSync(file, tail, 0, length, fileBytes - length);
    if (holdsEnd(tail, isPng)) return undefined;
  }
  return isPng
    ? `the PNG is cut off: it ends at offset ${fileBytes}, before its last chunk (IEND)`
    : `the JPEG is cut off: it ends at offset ${fileBytes}, before its end marker (ff d9)`;
}

/** Within `side` pixels, its proportions kept. */
export function fitted({ height, width }: ImageSize, side: number): ImageSize {
  const scale = Math.min(1, side / Math.max(height, width));
  return { height: Math.max(1, Math.round(height * scale)), width: Math.max(1, Math.round(width * scale)) };
}

/** The largest side within which pictures have to be fitted for each of them to have room in so many pixels. */
export function sideWithin(sizes: readonly ImageSize[], pixels: number): number {
  const fits = (side: number): boolean => {
    const { height, width } = roomFor(sizes.map((size) => fitted(size, side)));
    return height * width <= pixels;
  };
  let most = sizes.reduce((side, { height, width }) => Math.max(side, height, width), 1);
  if (fits(most)) return most;
  let least = Math.max(1, Math.floor(Math.sqrt(pixels)));
  while (most - least > 1) {
    const middle = Math.floor((least + most) / 2);
    if (fits(middle)) least = middle;
    else most = middle;
  }
  return least;
}

/** The smallest size that has room for each of these. */
export function roomFor(sizes: readonly ImageSize[]): ImageSize & { readonly mixed: boolean } {
  const height = sizes.reduce((most, size) => Math.max(most, size.height), 0);
  const width = sizes.reduce((most, size) => Math.max(most, size.width), 0);
  return { height, width, mixed: sizes.some((size) => size.height !== height || size.width !== width) };
}

/** Copies an image to the upper left of its room, row by row. */
export function placePlanes(
  planes: Uint8Array,
  size: ImageSize,
  raw: Uint8Array | Float32Array,
  start: number,
  room: ImageSize & { readonly channels: number },
): void {
  if (size.height === room.height && size.width === room.width) {
    raw.set(planes, start);
    return;
  }
  for (let c = 0; c < room.channels; c++) {
    for (let y = 0; y < size.height; y++) {
      const from = (c * size.height + y) * size.width;
      raw.set(planes.subarray(from, from + size.width), start + (c * room.height + y) * room.width);
    }
  }
}
