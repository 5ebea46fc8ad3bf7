/** PNG and JPEG files as bytes of four channels; their sizes are read from the files' first bytes alone. */
import { crc32 } from "node:zlib";
import jpeg from "jpeg-js";
import { PNG } from "pngjs";
import { DamagedPicture } from "./datasetError.ts";

export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

export interface DecodedImage extends ImageSize {
  /** Red, green, blue and alpha of each pixel. */
  readonly rgba: Uint8Array;
}

const pngSignature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] as const;

/** Where the checksum of a PNG's first chunk stands, which holds its size. */
const headerEnd = 29;

/** Bytes of a file's beginning in which its size stands, but for JPEGs with long comments. */
export const headBytes = 4096;

/**
 * The size of an image; a phrase that says what is wrong where its first bytes are none of a PNG or JPEG;
 * undefined where these do not reach as far.
 */
export function imageSizeOf(head: Uint8Array, fileBytes: number): ImageSize | string | undefined {
  if (fileBytes === 0) return "it has 0 bytes";
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (pngSignature.every((byte, index) => head[index] === byte)) {
    if (head.length < headerEnd + 4) return `the PNG ends at offset ${fileBytes}, inside its header`;
    // A wrong size would be found when the picture is decoded only, and until then be the room that all others get.
    if (crc32(head.subarray(12, headerEnd)) !== view.getUint32(headerEnd)) {
      return `the PNG's header at offset 8 is damaged (its checksum at offset ${headerEnd} is of other bytes)`;
    }
    return positive({ width: view.getUint32(16), height: view.getUint32(20) }, 16);
  }
  if (head[0] === 0xff && head[1] === 0xd8) return jpegSize(view, fileBytes);
  const found = [...head.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const text = [...head.subarray(0, 12)].every((byte) => byte === 9 || byte === 10 || byte === 13 || byte >= 32);
  return `it is neither PNG nor JPEG: offset 0 holds ${found}${text ? ", which is text" : ""}`;
}

/** From marker to marker until the one that begins a frame. */
function jpegSize(view: DataView, fileBytes: number): ImageSize | string | undefined {
  for (let at = 2; at + 9 <= view.byteLength;) {
    if (view.getUint8(at) !== 0xff) return `the JPEG is damaged: offset ${at} holds no marker`;
    const marker = view.getUint8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) return positive({ height: view.getUint16(at + 5), width: view.getUint16(at + 7) }, at + 5);
    // Fill bytes and markers without a length.
    if (marker === 0xff) at++;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) at += 2;
    else at += 2 + view.getUint16(at + 2);
  }
  return fileBytes > view.byteLength ? undefined : `the JPEG ends at offset ${fileBytes}, before its first frame`;
}

function positive(size: ImageSize, offset: number): ImageSize | string {
  if (size.width > 0 && size.height > 0) return size;
  return `its header gives a size of ${size.width} x ${size.height} at offset ${offset}`;
}

/** Decodes a file's content; throws `DamagedPicture` with its path. */
export function decodeImage(content: Uint8Array, path: string): DecodedImage {
  try {
    if (content[0] === 0x89) {
      const { width, height, data } = PNG.sync.read(Buffer.from(content.buffer, content.byteOffset, content.length));
      return { width, height, rgba: data };
    }
    const { width, height, data } = jpeg.decode(content, {
      useTArray: true,
      formatAsRGBA: true,
      tolerantDecoding: false,
      maxMemoryUsageInMB: 2048,
    });
    return { width, height, rgba: data };
  } catch (error) {
    const reason = isCutOff(content)
      ? "it is cut off before its end"
      : (damagedChunk(content) ?? wordsOf(error as Error));
    throw new DamagedPicture(path, `its ${content.length} bytes do not decode: ${reason}`, { cause: error });
  }
}

/** What a decoder says; where it has stumbled over bytes that it did not foresee, its words are about itself. */
function wordsOf(error: Error): string {
  return error instanceof TypeError || error instanceof RangeError ? "its data are damaged" : error.message;
}

/** The first chunk of a PNG that is not what its checksum says. */
function damagedChunk(content: Uint8Array): string | undefined {
  if (content[0] !== 0x89) return undefined;
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  for (let at = pngSignature.length; at + 12 <= content.length;) {
    const end = at + 8 + view.getUint32(at);
    const name = String.fromCharCode(...content.subarray(at + 4, at + 8));
    const type = /^[A-Za-z]{4}$/.test(name) ? name : "without a name";
    if (end + 4 > content.length) return `its chunk ${type} at offset ${at} would end at ${end + 4}`;
    if (crc32(content.subarray(at + 4, end)) !== view.getUint32(end)) {
      return `its chunk ${type} at offset ${at} is damaged (its checksum at offset ${end} is of other bytes)`;
    }
    at = end + 4;
  }
  return undefined;
}

/** Whether what stands at a file's end is nowhere in it; the libraries' own words for that say little. */
function isCutOff(content: Uint8Array): boolean {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length);
  return !holdsEnd(bytes, content[0] === 0x89);
}

/** Whether what stands at a PNG's or a JPEG's end is somewhere in these bytes. */
export function holdsEnd(bytes: Buffer, isPng: boolean): boolean {
  return bytes.includes(isPng ? "IEND" : Buffer.of(0xff, 0xd9));
}
