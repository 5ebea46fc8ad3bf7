/**
 * safetensors.ts: the file format of weights. Eight bytes of header length (little-endian), a JSON header padded with
 * spaces to a multiple of 8, then the tensors without gaps.
 */
import { messageOf } from "./describeValue.ts";
import { NetworkError } from "./errors.ts";
import { formatShape } from "./shapes.ts";

export type Dtype = "F32" | "I64";

export interface StoredTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly values: Float32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>;
}

/** What a file holds; `tensors` as its header has them, any dtype, not read yet. */
export interface TensorFile {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
}

export interface TensorEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** The web's text codecs, in words of our own: the runtime is checked without the DOM's types. */
interface TextCodecs {
  readonly TextEncoder: new () => { encode(text: string): Uint8Array<ArrayBuffer> };
  readonly TextDecoder: new (
    label: string,
    options: { readonly fatal: boolean },
  ) => { decode(bytes: Uint8Array): string };
}
const codecs = globalThis as unknown as TextCodecs;

/** Longest header that the format allows. */
const maxHeaderBytes = 100_000_000;

const bytesPerElement: Readonly<Record<string, number>> = {
  BOOL: 1, U8: 1, I8: 1, F8_E5M2: 1, F8_E4M3: 1, I16: 2, U16: 2, F16: 2, BF16: 2, I32: 4, U32: 4, F32: 4, F64: 8, I64: 8, U64: 8,
}; // prettier-ignore

/** A file of these tensors: wide elements first, then by name, so that each lies aligned and equal input gives equal bytes. */
export function writeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const sorted = [...tensors].sort(
    ([a, { dtype: x }], [b, { dtype: y }]) => (x < y ? 1 : x > y ? -1 : 0) || (a < b ? -1 : 1),
  );
  const entries: string[] = [`"__metadata__":${JSON.stringify(metadata)}`];
  let size = 0;
  for (const [name, { dtype, shape, values }] of sorted) {
    const range = [size, size + values.byteLength];
    entries.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: range })}`);
    size += values.byteLength;
  }
  const text = new codecs.TextEncoder().encode(`{${entries.join(",")}}`);
  const headerBytes = Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(8 + headerBytes + size).fill(0x20, 8, 8 + headerBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.set(text, 8);
  let at = 8 + headerBytes;
  for (const [, { values }] of sorted) {
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return file;
}

/** Reads a file's header and checks all of it; throws a NetworkError of kind "weights" that says what is wrong. */
export function parseSafetensors(file: Uint8Array | ArrayBuffer): TensorFile {
  // A plain view in any case: the `slice` of Node's Buffer, which is a Uint8Array too, copies nothing.
  const bytes =
    file instanceof Uint8Array ? new Uint8Array(file.buffer, file.byteOffset, file.byteLength) : new Uint8Array(file);
  if (bytes.length < 8) refuse(`it has ${bytes.length} bytes, and a safetensors file starts with 8 of header length`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  if (headerBytes > maxHeaderBytes || headerBytes > bytes.length - 8) {
    refuse(
      `its header would have ${headerBytes} bytes, but ${bytes.length - 8} follow; it is truncated, or no safetensors file`,
    );
  }
  const header = parseHeader(bytes.subarray(8, 8 + headerBytes));
  const values = bytes.subarray(8 + headerBytes);
  const { __metadata__: metadata = {}, ...rest } = header;
  if (!isRecord(metadata) || Object.values(metadata).some((value) => typeof value !== "string")) {
    refuse("its metadata is not an object of strings");
  }

  const entries = Object.entries(rest).map(([name, entry]) => ({ name, ...checkEntry(name, entry) }));
  entries.sort((a, b) => a.start - b.start || a.end - b.end);
  let at = 0;
  for (const { name, start, end } of entries) {
    if (start < at) refuse(`tensor ${name} begins at byte ${start}, inside the tensor before it, which ends at ${at}`);
    if (start > at) refuse(`bytes ${at} to ${start} before tensor ${name} belong to no tensor`);
    at = end;
  }
  if (at > values.length) refuse(`it is truncated: its tensors need ${at} bytes and ${values.length} are there`);
  if (at < values.length) refuse(`${values.length - at} bytes after its last tensor belong to no tensor`);
  return {
    metadata: metadata as Readonly<Record<string, string>>,
    tensors: new Map(
      entries.map(({ name, dtype, shape, start, end }) => [name, { dtype, shape, bytes: values.subarray(start, end) }]),
    ),
  };
}

function parseHeader(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let header: unknown;
  try {
    header = JSON.parse(new codecs.TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    refuse(`its header is not JSON (${messageOf(error)})`);
  }
  if (!isRecord(header)) refuse("its header is not a JSON object");
  return header;
}

function checkEntry(name: string, entry: unknown): { dtype: string; shape: number[]; start: number; end: number } {
  const { dtype, shape, data_offsets: range } = isRecord(entry) ? entry : {};
  if (typeof dtype !== "string" || !isSizes(shape) || !isSizes(range) || range.length !== 2) {
    return refuse(`the header's entry for ${JSON.stringify(name)} lacks a dtype, a shape or two data_offsets`);
  }
  const [start, end] = range as [number, number];
  const elementBytes = bytesPerElement[dtype];
  if (elementBytes === undefined) refuse(`tensor ${name} has the unknown dtype ${dtype}`);
  const needed = shape.reduce((product, size) => product * size, elementBytes);
  if (end - start !== needed) {
    refuse(
      `tensor ${name} (${dtype}, ${formatShape(shape)}) needs ${needed} bytes, but its offsets hold ${end - start}`,
    );
  }
  return { dtype, shape, start, end };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(reason: string): never {
  throw new NetworkError("weights", `these weights cannot be read: ${reason}`);
}
