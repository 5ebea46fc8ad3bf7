/** The weights that a report looks at: a run may have several, and while it is written none but a checkpoint. */
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { readBytes } from "../files/readText.ts";
import { openCheckpointStore } from "../training/checkpointStore.ts";
import { plainWeights, readTensors } from "../training/plainWeights.ts";
import type { RunFiles } from "../training/runFiles.ts";
import type { LogEntry } from "../training/trainingLog.ts";
import { bestEpoch } from "./runFacts.ts";

export interface RunWeights {
  readonly path: string;
  /** "best.safetensors, of the lowest test loss, after epoch 3". */
  readonly description: string;
  readonly file: Uint8Array<ArrayBuffer>;
  /** A tensor of the network by its name; undefined where the file has none of 32-bit floats. */
  readonly tensor: (name: string) => Float32Array | undefined;
}

/**
 * Reads `chosen`, or else the best epoch's weights, the last ones, the newest checkpoint: the first that is there. Undefined where
 * nothing has been written yet; throws `UserError` for a file that cannot be read.
 */
export function readRunWeights(
  files: RunFiles,
  entries: readonly LogEntry[],
  chosen: string | undefined,
): RunWeights | undefined {
  if (chosen !== undefined) return weightsIn(chosen, readBytes(chosen), basename(chosen));
  if (existsSync(files.best)) {
    const best = bestEpoch(entries);
    const after = best === undefined ? "" : `, of the lowest test loss, after epoch ${best.epoch}`;
    return weightsIn(files.best, readBytes(files.best), `${basename(files.best)}${after}`);
  }
  if (existsSync(files.weights)) return weightsIn(files.weights, readBytes(files.weights), basename(files.weights));
  const checkpoint = openCheckpointStore(files, 1).newest(() => undefined);
  if (checkpoint === undefined) return undefined;
  const { path, file, position } = checkpoint;
  return weightsIn(path, file, `the checkpoint after step ${position.step}`);
}

function weightsIn(path: string, file: Uint8Array<ArrayBuffer>, description: string): RunWeights {
  const weights = plainWeights(file);
  const { tensors } = readTensors(path, weights);
  return {
    ...{ path, description, file: weights },
    tensor: (name) => {
      const tensor = tensors.get(name);
      return tensor?.dtype === "F32" ? new Float32Array(tensor.bytes.slice().buffer) : undefined;
    },
  };
}
