/** The directory of a run: where its files are, and run.json, which says what is trained. docs/training.md describes both. */
import { join } from "node:path";
import { readText } from "../files/readText.ts";
import { UserError } from "../files/userError.ts";
import { writeAtomically } from "../files/writeAtomically.ts";
import type { Recipe } from "../ir/recipe.ts";

/** Where a run keeps its files. */
export interface RunFiles {
  readonly run: string;
  readonly log: string;
  readonly steps: string;
  readonly epochs: string;
  readonly checkpoints: string;
  readonly weights: string;
  readonly best: string;
  readonly curve: string;
}

export function runFiles(directory: string): RunFiles {
  const at = (name: string): string => join(directory, name);
  return {
    run: at("run.json"),
    log: at("log.jsonl"),
    steps: at("steps.csv"),
    epochs: at("epochs.csv"),
    checkpoints: at("checkpoints"),
    weights: at("weights.safetensors"),
    best: at("best.safetensors"),
    curve: at("loss.svg"),
  };
}

/** Parts of the recipe that runs of before they were written down lack. */
type LaterParts = Partial<Pick<Recipe, "freeze" | "precision">> & Pick<Recipe, "clipNorm" | "earlyStopPatience">;

/** What is trained, on what: run.json. */
export interface RunDescription extends Pick<Recipe, "optimizer" | "schedule" | "loss" | "init" | "data">, LaterParts {
  readonly format: 1;
  readonly model: string;
  /** "" for the model's plain recipe. */
  readonly recipe: string;
  /** Model parameters as texts of the language. */
  readonly settings: Readonly<Record<string, string>>;
  /** The spec as given on the command line. */
  readonly file: string;
  /** Its text, then those of the files that it imports. */
  readonly sources: readonly { readonly path: string; readonly text: string }[];
  /** Trainable numbers. */
  readonly parameters: number;
  readonly batch: number;
  readonly accumulate: number;
  readonly epochs: number;
  readonly seed: number;
  /** The share of the activations that a step holds, where the recipe asks for less than all. */
  readonly memory?: { readonly share: number };
  readonly dataDirectory: string | null;
  readonly dataset: {
    readonly description: string;
    readonly trainImages: number;
    readonly testImages: number;
    readonly classNames: readonly string[];
  };
  /** The generated module, in the run's directory. */
  readonly module: string;
  readonly adapter: string;
  /** When the run, or its last part, was started: ISO 8601. */
  readonly started: string;
}

export function writeRun(files: RunFiles, run: RunDescription): void {
  writeAtomically(files.run, `${JSON.stringify(run, null, 2)}\n`);
}

/** Reads run.json of a run's directory; throws `UserError` where there is none or it is of another format. */
export function readRun(directory: string): RunDescription {
  const { run: path } = runFiles(directory);
  let run: { readonly format?: unknown };
  const text = readText(path);
  try {
    run = JSON.parse(text) as { readonly format?: unknown };
  } catch (error) {
    throw new UserError(`${path} is not JSON: ${(error as Error).message}`);
  }
  if (run.format !== 1) throw new UserError(`${path} is of format ${String(run.format)}; this version reads format 1`);
  return run as RunDescription;
}
