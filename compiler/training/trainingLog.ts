/** log.jsonl: one line a step and one an epoch, for people, scripts and the loss curve. */
import { appendFileSync, existsSync } from "node:fs";
import { readText } from "../files/readText.ts";
import { describeFileError, UserError } from "../files/userError.ts";
import { writeAtomically } from "../files/writeAtomically.ts";

export interface StepEntry {
  readonly kind: "step";
  /** Steps and epochs count from 1 in the log. */
  readonly step: number;
  readonly epoch: number;
  readonly rate: number;
  readonly loss: number;
  /** Share of the batch that was right. */
  readonly accuracy: number;
}

export interface EpochEntry {
  readonly kind: "epoch";
  readonly epoch: number;
  readonly step: number;
  readonly trainLoss: number;
  readonly trainAccuracy: number;
  readonly testLoss: number;
  readonly testAccuracy: number;
  readonly seconds: number;
  readonly imagesPerSecond: number;
}

export type LogEntry = StepEntry | EpochEntry;

/** The entries of a log; an absent file has none, and a line cut off by a crash is passed over. */
export function readLog(path: string): readonly LogEntry[] {
  if (!existsSync(path)) return [];
  return readText(path)
    .split("\n")
    .flatMap((line) => {
      try {
        const entry = JSON.parse(line) as { readonly kind?: unknown } | null;
        return entry?.kind === "step" || entry?.kind === "epoch" ? [entry as LogEntry] : [];
      } catch {
        return [];
      }
    });
}

/** Replaces the log, after a resume has dropped what came later than its checkpoint. */
export function rewriteLog(path: string, entries: readonly LogEntry[]): void {
  writeAtomically(path, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
}

/** Adds entries at the end of the log. */
export function appendLog(path: string, entries: readonly LogEntry[]): void {
  if (entries.length === 0) return;
  try {
    appendFileSync(path, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
  } catch (error) {
    throw new UserError(`cannot write ${path}: ${describeFileError(error)}`, 1, { cause: error });
  }
}
