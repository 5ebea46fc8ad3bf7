/**
 * A checkpoint's file: the network's own checkpoint (weights, optimizer state, counters) with what the run was started
 * with and where it stands as notes in the same file, so that one rename makes all of it current.
 */
import { existsSync } from "node:fs";
import { notePrefix, parseSafetensors } from "cnnc/runtime";
import { readBytes } from "../files/readText.ts";
import { UserError } from "../files/userError.ts";
import { readTensors } from "./plainWeights.ts";
import type { RunIdentity } from "./runIdentity.ts";
import type { TrainingPosition } from "./trainNetwork.ts";

export interface Checkpoint {
  readonly identity: RunIdentity;
  readonly position: TrainingPosition;
  /** The whole file, for the network to load. */
  readonly file: Uint8Array<ArrayBuffer>;
}

/** The notes that a network's checkpoint is to carry. */
export function checkpointNotes(identity: RunIdentity, position: TrainingPosition): Readonly<Record<string, string>> {
  return { identity: JSON.stringify(identity), position: JSON.stringify(position) };
}

/** Reads a checkpoint's notes; undefined where there is no file; throws `UserError` where it is no checkpoint or damaged. */
export function readCheckpoint(path: string): Checkpoint | undefined {
  if (!existsSync(path)) return undefined;
  const file = readBytes(path);
  const { metadata } = readTensors(path, file);
  const [identity, position] = [metadata[`${notePrefix}identity`], metadata[`${notePrefix}position`]];
  if (identity === undefined || position === undefined) {
    throw new UserError(`${path} is no checkpoint of \`cnnc train\`: it does not say where the run stands`);
  }
  return { identity: JSON.parse(identity) as RunIdentity, position: JSON.parse(position) as TrainingPosition, file };
}

/** The first tensor of a checkpoint that holds a number which is not finite. */
export function tensorNotFinite(file: Uint8Array<ArrayBuffer>): string | undefined {
  for (const [name, { dtype, bytes }] of parseSafetensors(file).tensors) {
    if (dtype !== "F32") continue;
    const values = new Float32Array(bytes.slice().buffer);
    if (!values.every(Number.isFinite)) return name.replace(/^model\.|^optimizer\./, "");
  }
  return undefined;
}
