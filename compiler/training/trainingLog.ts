/** log.jsonl, steps.csv and epochs.csv: what happened in a run, line by line, for people, scripts and pictures. */
import { appendFileSync, existsSync } from "node:fs";
import { readText } from "../files/readText.ts";
import { describeFileError, UserError } from "../files/userError.ts";
import { writeAtomically } from "../files/writeAtomically.ts";
import type { RunFiles } from "./runFiles.ts";

/** Every line of the log; steps and epochs count from 1, and are those done where something else happened. */
interface Entry {
  readonly step: number;
  readonly epoch: number;
}

export interface StepEntry extends Entry {
  readonly kind: "step";
  readonly rate: number;
  readonly loss: number;
  /** Share of the step's images that were right. */
  readonly accuracy: number;
}

export interface EpochEntry extends Entry {
  readonly kind: "epoch";
  readonly trainLoss: number;
  readonly trainAccuracy: number;
  readonly testLoss: number;
  readonly testAccuracy: number;
  readonly seconds: number;
  readonly imagesPerSecond: number;
}

/** What else happens; `time` is ISO 8601. */
export type EventEntry = Entry &
  (
    | {
        readonly kind: "start";
        readonly time: string;
        readonly adapter: string;
        readonly changes?: readonly string[];
        /** True where test losses from here on do not compare with those of before. */
        readonly measuresAnew?: true;
      }
    | { readonly kind: "checkpoint"; readonly file: string }
    | { readonly kind: "skipped"; readonly message: string }
    | { readonly kind: "lost"; readonly time: string; readonly reason: string }
    | { readonly kind: "failed"; readonly time: string; readonly message: string; readonly layer: string | null }
    | { readonly kind: "end"; readonly time: string; readonly outcome: string }
  );

export type LogEntry = StepEntry | EpochEntry | EventEntry;

export function isStep(entry: LogEntry): entry is StepEntry {
  return entry.kind === "step";
}

export function isEpoch(entry: LogEntry): entry is EpochEntry {
  return entry.kind === "epoch";
}

/** What was said of each picture that a run left out. */
export function skippedPictures(entries: readonly LogEntry[]): readonly string[] {
  return entries.flatMap((entry) => (entry.kind === "skipped" ? [entry.message] : []));
}

const kinds: readonly unknown[] = ["step", "epoch", "start", "checkpoint", "skipped", "lost", "failed", "end"];

/** The entries of a log; an absent file has none, and a line cut off by a crash is passed over. */
export function readLog(path: string): readonly LogEntry[] {
  if (!existsSync(path)) return [];
  return readText(path)
    .split("\n")
    .flatMap((line) => {
      try {
        const entry = JSON.parse(line) as { readonly kind?: unknown } | null;
        return kinds.includes(entry?.kind) ? [entry as LogEntry] : [];
      } catch {
        return [];
      }
    });
}

/** A run's log and its tables, kept in step with each other. */
export interface RunLog {
  /** What has been recorded, in order. */
  readonly entries: readonly LogEntry[];
  record(entry: LogEntry): void;
  /** Writes what is not on the disk yet. */
  flush(): void;
}

/** Opens a run's log for the steps after a position: what came later, before a kill or a lost device, is taken out. */
export function openLog(files: RunFiles, { step, epoch }: { readonly step: number; readonly epoch: number }): RunLog {
  const isDone = (entry: LogEntry): boolean =>
    entry.kind === "epoch" ? entry.epoch <= epoch : entry.kind === "end" ? false : entry.step <= step;
  const entries = step === 0 ? [] : readLog(files.log).filter(isDone);
  writeAtomically(files.log, entries.map(jsonLine).join(""));
  writeAtomically(files.steps, [stepColumns, ...entries.flatMap(stepRow)].join("\n") + "\n");
  writeAtomically(files.epochs, [epochColumns, ...entries.flatMap(epochRow)].join("\n") + "\n");
  let unwritten: LogEntry[] = [];
  return {
    entries,
    record(entry) {
      entries.push(entry);
      unwritten.push(entry);
    },
    flush() {
      const written = unwritten;
      unwritten = [];
      append(files.log, written.map(jsonLine));
      append(files.steps, written.flatMap(stepRow).map((row) => `${row}\n`)); // prettier-ignore
      append(files.epochs, written.flatMap(epochRow).map((row) => `${row}\n`)); // prettier-ignore
    },
  };
}

const stepColumns = "step,epoch,rate,loss,accuracy";
const epochColumns = "epoch,step,train_loss,train_accuracy,test_loss,test_accuracy,seconds,images_per_second";

function jsonLine(entry: LogEntry): string {
  return `${JSON.stringify(entry)}\n`;
}

function stepRow(entry: LogEntry): readonly string[] {
  if (entry.kind !== "step") return [];
  return [[entry.step, entry.epoch, entry.rate, entry.loss, entry.accuracy].join(",")];
}

function epochRow(entry: LogEntry): readonly string[] {
  if (entry.kind !== "epoch") return [];
  const { epoch, step, trainLoss, trainAccuracy, testLoss, testAccuracy, seconds, imagesPerSecond } = entry;
  return [[epoch, step, trainLoss, trainAccuracy, testLoss, testAccuracy, seconds, imagesPerSecond].join(",")];
}

function append(path: string, lines: readonly string[]): void {
  if (lines.length === 0) return;
  try {
    appendFileSync(path, lines.join(""));
  } catch (error) {
    throw new UserError(`cannot write ${path}: ${describeFileError(error)}`, 1, { cause: error });
  }
}
