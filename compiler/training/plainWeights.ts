import { checkpointKind, parseSafetensors, weightEntries, writeSafetensors } from "cnnc/runtime";
import type { StoredTensor } from "cnnc/runtime";
import { UserError } from "../files/userError.ts";

/** The weights in a file: those of a checkpoint under the network's own names; any other file, readable or not, as it is. */
export function plainWeights(file: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const parsed = attempt(() => parseSafetensors(file));
  if (parsed?.metadata["kind"] !== checkpointKind) return file;
  const weights = new Map<string, StoredTensor>();
  for (const [name, { dtype, shape, bytes }] of weightEntries(parsed)) {
    const { buffer } = bytes.slice();
    if (dtype === "I64") weights.set(name, { dtype, shape, values: new BigInt64Array(buffer) });
    else weights.set(name, { dtype: "F32", shape, values: new Float32Array(buffer) });
  }
  // The mean of the training images is in the metadata.
  return writeSafetensors(weights, parsed.metadata);
}

/** Undefined where the file is no safetensors: who loads it says what is wrong. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** What a file of tensors holds; throws `UserError` with its path where it cannot be read as one. */
export function readTensors(path: string, file: Uint8Array<ArrayBuffer>): ReturnType<typeof parseSafetensors> {
  try {
    return parseSafetensors(file);
  } catch (error) {
    throw new UserError(`${path} is damaged: ${(error as Error).message}`, 1, { cause: error });
  }
}
