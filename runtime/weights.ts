/** weights.ts: a network's tensors as files and records; everything is checked before the first write. */
import { describeValue } from "./describeValue.ts";
import { NetworkError } from "./errors.ts";
import type { TensorPlan } from "./plan.ts";
import { parseSafetensors, writeSafetensors } from "./safetensors.ts";
import type { StoredTensor, TensorFile } from "./safetensors.ts";
import { formatShape } from "./shapes.ts";

/** What a file must hold: tensors of f32, and whole numbers. Names are those of the file. */
export interface Contents {
  readonly tensors: ReadonlyMap<string, TensorPlan>;
  readonly counters: readonly string[];
}

/** What a file tells besides its tensors: texts by name. */
export type Notes = Readonly<Record<string, string>>;

export interface LoadedContents {
  readonly tensors: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
  readonly counters: ReadonlyMap<string, number>;
  readonly metadata: Notes;
}

/** Reads a file that must hold exactly these tensors, in these shapes. */
export function loadContents(file: Uint8Array | ArrayBuffer, expected: Contents, network: string): LoadedContents {
  if (!(file instanceof Uint8Array) && !(file instanceof ArrayBuffer)) {
    throw new NetworkError("weights", `weights are the bytes of a safetensors file, found ${describeValue(file)}`);
  }
  const found = parseSafetensors(file);
  checkNames([...expected.tensors.keys(), ...expected.counters], [...found.tensors.keys()], network);
  const tensors = new Map<string, Float32Array<ArrayBuffer>>();
  for (const [name, { shape }] of expected.tensors) {
    const bytes = checkTensor(found, name, "F32", shape);
    tensors.set(name, new Float32Array(bytes.buffer));
  }
  const counters = new Map<string, number>();
  for (const name of expected.counters) {
    const bytes = checkTensor(found, name, "I64", []);
    counters.set(name, Number(new BigInt64Array(bytes.buffer)[0]));
  }
  return { tensors, counters, metadata: found.metadata };
}

/** The bytes of a file with these tensors. */
export function storeContents(
  expected: Contents,
  tensors: ReadonlyMap<string, Float32Array<ArrayBuffer>>,
  counters: ReadonlyMap<string, number>,
  metadata: Notes,
): Uint8Array<ArrayBuffer> {
  const stored = new Map<string, StoredTensor>();
  for (const [name, { shape }] of expected.tensors) {
    stored.set(name, { dtype: "F32", shape, values: tensors.get(name) ?? new Float32Array() });
  }
  for (const name of expected.counters) {
    const values = BigInt64Array.of(BigInt(counters.get(name) ?? 0));
    stored.set(name, { dtype: "I64", shape: [], values });
  }
  return writeSafetensors(stored, metadata);
}

/** Throws when names are missing or are not the network's. */
export function checkNames(expected: readonly string[], found: readonly string[], network: string): void {
  const list = (names: readonly string[]): string =>
    names.slice(0, 5).join(", ") + (names.length > 5 ? ` and ${names.length - 5} more` : "");
  const [have, want] = [new Set(found), new Set(expected)];
  const missing = expected.filter((name) => !have.has(name));
  const extra = found.filter((name) => !want.has(name));
  if (missing.length === 0 && extra.length === 0) return;
  const parts = [
    ...(missing.length > 0 ? [`missing ${list(missing)}`] : []),
    ...(extra.length > 0 ? [`unexpected ${list(extra)}`] : []),
  ];
  throw new NetworkError(
    "weights",
    `these weights are not of ${network}: ${parts.join("; ")} (expected ${expected.length} tensors, found ${found.length})`,
  );
}

/** A copy of a tensor's bytes, aligned for its type. */
function checkTensor(file: TensorFile, name: string, dtype: string, shape: readonly number[]): Uint8Array<ArrayBuffer> {
  const entry = file.tensors.get(name);
  if (entry === undefined) throw new NetworkError("weights", `tensor ${name} is missing`);
  if (entry.dtype !== dtype) {
    throw new NetworkError("weights", `tensor ${name} has dtype ${entry.dtype}; ${dtype} is expected`);
  }
  if (entry.shape.length !== shape.length || entry.shape.some((size, axis) => size !== shape[axis])) {
    throw new NetworkError(
      "weights",
      `tensor ${name} has shape ${formatShape(entry.shape)}; ${formatShape(shape)} is expected`,
    );
  }
  return entry.bytes.slice();
}
