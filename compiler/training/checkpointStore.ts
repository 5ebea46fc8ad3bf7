/**
 * checkpoints/: the last few checkpoints of a run and that of its best epoch, one file each, named by the steps done. A file
 * is complete before it has its name, so that a process killed at any moment leaves none that cannot be read.
 */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { RunFiles } from "./runFiles.ts";
import { writeAtomically } from "../files/writeAtomically.ts";
import { readCheckpoint, type Checkpoint } from "./checkpointFile.ts";
import type { TrainingPosition } from "./trainNetwork.ts";

export interface StoredCheckpoint extends Checkpoint {
  readonly path: string;
}

export interface CheckpointStore {
  /** Writes a checkpoint and removes those that are neither among the last nor the best; its path. */
  save(position: TrainingPosition, file: Uint8Array): string;
  /** The newest checkpoint that can be read; `onDamaged` hears of newer ones that cannot. */
  newest(onDamaged: (message: string) => void): StoredCheckpoint | undefined;
  /** Removes all of them, and what a kill left half-written. */
  clear(): void;
  removeUnfinished(): void;
}

const name = /^step-(\d+)\.safetensors$/;

/** The checkpoints of a run; `keep` is how many of the last stay. */
export function openCheckpointStore({ checkpoints: folder }: RunFiles, keep: number): CheckpointStore {
  const pathOf = (step: number): string => join(folder, `step-${String(step).padStart(8, "0")}.safetensors`);
  const names = (): readonly string[] => (existsSync(folder) ? readdirSync(folder) : []);
  /** Steps of the stored checkpoints, newest first. */
  const steps = (): readonly number[] =>
    names()
      .flatMap((file) => name.exec(file)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => b - a);
  const removeUnfinished = (): void => {
    for (const file of names()) if (file.endsWith(".tmp")) rmSync(join(folder, file), { force: true });
  };
  return {
    save(position, file) {
      const path = pathOf(position.step);
      writeAtomically(path, file);
      for (const step of steps().slice(keep)) {
        if (step !== position.bestStep) rmSync(pathOf(step), { force: true });
      }
      return path;
    },
    newest(onDamaged) {
      for (const step of steps()) {
        const path = pathOf(step);
        try {
          const checkpoint = readCheckpoint(path);
          if (checkpoint !== undefined) return { ...checkpoint, path };
        } catch (error) {
          onDamaged((error as Error).message);
        }
      }
      return undefined;
    },
    clear() {
      for (const step of steps()) rmSync(pathOf(step), { force: true });
      removeUnfinished();
    },
    removeUnfinished,
  };
}
