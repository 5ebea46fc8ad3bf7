/**
 * NumPy's .npy: "\x93NUMPY", a version, the length of the header, and the header: a Python dict with the element type, the
 * order and the shape. Elements follow, row after row.
 */
import { checkLength, DatasetError } from "./datasetError.ts";
import { openRecordFile, type RecordFile } from "./readRecords.ts";
import { shapeElements } from "../ir/graph.ts";

export interface NpyFile {
  readonly file: RecordFile;
  /** "<f4", "|u1", …: byte order, kind and bytes. */
  readonly type: string;
  readonly shape: readonly number[];
  readonly dataOffset: number;
  readonly elementBytes: number;
}

/** Reads the header of an array; throws `DatasetError` naming the offset where it is damaged or not row by row. */
export function openNpy(path: string): NpyFile {
  const file = openRecordFile(path);
  const fail = (message: string): never => {
    throw new DatasetError(`${path}: ${message}`);
  };
  const start = new Uint8Array(Math.min(file.size, 12));
  file.read(start, 0);
  const magic = String.fromCharCode(...start.subarray(0, 6));
  if (magic !== "\x93NUMPY") {
    const found = [...start.subarray(0, 6)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    if (magic.startsWith("PK")) fail("it is an archive (.npz); save its array by itself, with np.save");
    fail(
      `not an .npy file: offset 0 holds ${found === "" ? "nothing" : found}, expected 93 4e 55 4d 50 59 ("\\x93NUMPY")`,
    );
  }
  const version = start[6] ?? 0;
  if (version < 1 || version > 3) fail(`offset 6 gives version ${version} of the format; 1, 2 and 3 are known`);
  const view = new DataView(start.buffer);
  const lengthBytes = version === 1 ? 2 : 4;
  if (file.size < 8 + lengthBytes) fail(`it ends at offset ${file.size}, inside the length of its header`);
  const headerBytes = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const headerOffset = 8 + lengthBytes;
  const dataOffset = headerOffset + headerBytes;
  if (file.size < dataOffset) fail(`it ends at offset ${file.size}, inside its header, which ends at ${dataOffset}`);
  const text = new Uint8Array(headerBytes);
  file.read(text, headerOffset);
  const header = new TextDecoder("latin1").decode(text);
  const type = /'descr':\s*'([^']+)'/.exec(header)?.[1];
  const shapeText = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  const at = `its header at offset ${headerOffset}`;
  if (type === undefined || shapeText === undefined)
    return fail(`${at} gives no plain element type and shape: ${header.trim()}`);
  const shape = shapeText.split(",").map((part) => part.trim()).filter((part) => part !== "").map(Number); // prettier-ignore
  if (shape.some((size) => !Number.isInteger(size) || size < 0)) fail(`${at} gives the shape (${shapeText})`);
  if (/'fortran_order':\s*True/.test(header)) {
    fail(`${at} says that it is stored column by column (fortran_order); save np.ascontiguousarray(array)`);
  }
  if (type.startsWith(">")) {
    fail(`${at} gives elements of ${type}, highest byte first; save array.astype("${type.replace(">", "<")}")`);
  }
  if (type.includes("O")) fail(`${at} says that it holds Python objects; save numbers: array.astype("<f4"), say`);
  // NumPy counts characters of text, which take four bytes.
  const elementBytes = Number(/\d+$/.exec(type)?.[0] ?? 0) * (type.includes("U") ? 4 : 1);
  const expected = dataOffset + shapeElements(shape) * elementBytes;
  checkLength(path, file.size, expected, `${shape.join(" x ")} elements of ${type}`);
  return { file, type, shape, dataOffset, elementBytes };
}
