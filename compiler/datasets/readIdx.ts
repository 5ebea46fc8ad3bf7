/**
 * IDX, the format of MNIST's files: two zero bytes, the element type, the number of dimensions, each dimension as a
 * big-endian u32, then the elements in row-major order. Compressed by gzip or not.
 */
import { constants, gunzipSync } from "node:zlib";
import { shapeElements } from "../ir/graph.ts";
import { checkLength, DatasetError } from "./datasetError.ts";

export interface IdxArray {
  readonly dimensions: readonly number[];
  readonly elements: Uint8Array;
}

const unsignedByte = 0x08;

/** Reads an array of unsigned bytes with `rank` dimensions; throws `DatasetError` naming `path` and the offset. */
export function readIdx(content: Uint8Array, path: string, rank: number): IdxArray {
  const bytes = isGzip(content) ? decompress(content, path) : content;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = 4 + 4 * rank;
  if (bytes.length < 4)
    throw new DatasetError(`${path}: it ends at offset ${bytes.length}, inside the IDX magic number`);
  if (view.getUint16(0) !== 0) {
    throw new DatasetError(
      `${path}: not an IDX file: offset 0 holds ${hex(view.getUint32(0))}, expected 0x00000${unsignedByte}${hex(rank, 2).slice(2)}`,
    );
  }
  if (view.getUint8(2) !== unsignedByte) {
    throw new DatasetError(
      `${path}: offset 2 gives element type ${hex(view.getUint8(2), 2)}, expected 0x08 (unsigned byte)`,
    );
  }
  if (view.getUint8(3) !== rank) {
    throw new DatasetError(`${path}: offset 3 gives ${view.getUint8(3)} dimensions, expected ${rank}`);
  }
  if (bytes.length < headerBytes) {
    throw new DatasetError(`${path}: it ends at offset ${bytes.length}, inside its header of ${headerBytes} bytes`);
  }
  const dimensions = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const expected = headerBytes + shapeElements(dimensions);
  checkLength(path, bytes.length, expected, `${dimensions.join(" x ")} elements`);
  return { dimensions, elements: bytes.subarray(headerBytes) };
}

function isGzip(content: Uint8Array): boolean {
  return content[0] === 0x1f && content[1] === 0x8b;
}

function decompress(content: Uint8Array, path: string): Uint8Array {
  try {
    return gunzipSync(content);
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    if (code === "Z_BUF_ERROR") {
      const whole = gunzipSync(content, { finishFlush: constants.Z_SYNC_FLUSH });
      throw new DatasetError(
        `${path}: its gzip data is truncated: it stops at offset ${content.length} of the file, after ${whole.length} bytes of content`,
      );
    }
    throw new DatasetError(`${path}: its gzip data is damaged${damageOf(content)}`, 1, { cause: error });
  }
}

/** Where the first bytes stand that make no sense: the shortest beginning of the file that cannot be unpacked ends there. */
function damageOf(content: Uint8Array): string {
  const fails = (length: number): boolean => {
    try {
      gunzipSync(content.subarray(0, length), { finishFlush: constants.Z_SYNC_FLUSH });
      return false;
    } catch {
      return true;
    }
  };
  if (!fails(content.length)) return "";
  let [whole, broken] = [0, content.length];
  while (broken - whole > 1) {
    const middle = (whole + broken) >> 1;
    if (fails(middle)) broken = middle;
    else whole = middle;
  }
  // Its last eight bytes are the content's checksum and length.
  return broken > content.length - 8
    ? `: its checksum at offset ${content.length - 8} is of other content, so that some bytes before are wrong`
    : `: it cannot be unpacked beyond offset ${broken - 1} of the file`;
}

function hex(value: number, digits = 8): string {
  return `0x${value.toString(16).padStart(digits, "0")}`;
}
