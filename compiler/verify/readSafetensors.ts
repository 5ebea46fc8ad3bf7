import { parseSafetensors, type TensorFile } from "cnnc/runtime";
import { UserError } from "../files/userError.ts";

export interface StoredTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array<ArrayBuffer>;
}

/** The f32 tensors of a safetensors file by name; throws `UserError` naming `path` where it is damaged. */
export function readSafetensors(file: Uint8Array<ArrayBuffer>, path: string): ReadonlyMap<string, StoredTensor> {
  let parsed: TensorFile;
  try {
    parsed = parseSafetensors(file);
  } catch (error) {
    throw new UserError(`${path}: ${(error as Error).message}`, 1, { cause: error });
  }
  return new Map(
    [...parsed.tensors].map(([name, { dtype, shape, bytes }]) => {
      if (dtype !== "F32") throw new UserError(`${path}: tensor ${name} has dtype ${dtype}, expected F32`);
      // A copy, since typed arrays need aligned starts.
      return [name, { shape, values: new Float32Array(Uint8Array.from(bytes).buffer) }];
    }),
  );
}
