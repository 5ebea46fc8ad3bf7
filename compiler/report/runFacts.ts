import { counted, formatCount, formatSeconds } from "../commands/terminal.ts";
import { percent } from "../training/progressView.ts";
import type { RunDescription } from "../training/runFiles.ts";
import { isEpoch, isStep, skippedPictures, type EpochEntry, type LogEntry } from "../training/trainingLog.ts";
import { recipeRows } from "./recipeRows.ts";
import type { RunFacts } from "./reportData.ts";

/** Damaged pictures that the facts name. */
const namedPictures = 5;

/** The epoch of the lowest test loss, whose weights are a run's best ones; the first of equals, and of those that compare. */
export function bestEpoch(entries: readonly LogEntry[]): EpochEntry | undefined {
  return firstOf(comparable(entries).filter(isEpoch), (epoch, found) => epoch.testLoss < found.testLoss);
}

/** The entries since data or loss last changed. */
function comparable(entries: readonly LogEntry[]): readonly LogEntry[] {
  return entries.slice(entries.findLastIndex((entry) => entry.kind === "start" && entry.measuresAnew === true) + 1);
}

function firstOf<T>(all: readonly T[], isBetter: (one: T, found: T) => boolean): T | undefined {
  return all.reduce<T | undefined>(
    (found, one) => (found === undefined || isBetter(one, found) ? one : found),
    undefined,
  );
}

/** A run in words, from what it was started with and its log. */
export function runFacts(run: RunDescription, entries: readonly LogEntry[]): RunFacts {
  const epochs = entries.filter(isEpoch);
  const steps = entries.filter(isStep);
  // What the page shows is computed with these weights; an epoch of higher accuracy has a line of its own.
  const best = bestEpoch(entries);
  const rightest = firstOf(
    comparable(entries).filter(isEpoch),
    (a, b) => a.testAccuracy > b.testAccuracy || (a.testAccuracy === b.testAccuracy && a.testLoss < b.testLoss),
  );
  const settings = Object.entries(run.settings).map(([name, value]) => `${name} = ${value}`);
  const { outcome, isComplete } = statusOf(entries, epochs.length);
  const last = epochs.at(-1);
  // run.json is written anew by a resume; the log keeps when each part of the run began.
  const starts = entries.flatMap((entry) => (entry.kind === "start" ? [entry.time] : []));
  const rows: readonly (readonly [string, string | undefined])[] = [
    ["Spec", run.file],
    ["Model", settings.length === 0 ? run.model : `${run.model} (${settings.join(", ")})`],
    ["Recipe", run.recipe === "" ? "the model’s plain one" : run.recipe],
    ...recipeRows(run),
    ["Left out", leftOutText(skippedPictures(entries))],
    ["Changed", changesText(entries)],
    ["Parameters", formatCount(run.parameters)],
    ["Adapter", run.adapter],
    ["Started", timeOfDay(starts[0] ?? run.started)],
    ["Resumed", starts.length > 1 ? timeOfDay(starts.at(-1) ?? run.started) : undefined],
    ["Trained", trainedText(run, epochs.length, steps.at(-1)?.step ?? 0)],
    ["Time", timeText(entries)],
    ["Speed", last === undefined ? undefined : `${formatCount(Math.round(last.imagesPerSecond))} images/s in epoch ${last.epoch}`],
    [
      "Best accuracy",
      rightest && `${percent(rightest.testAccuracy)} of the test images, after epoch ${rightest.epoch}`,
    ],
  ]; // prettier-ignore
  return {
    model: run.model,
    status: outcome,
    isComplete,
    best: best && { accuracy: best.testAccuracy, loss: best.testLoss, epoch: best.epoch },
    rows: rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  };
}

function timeOfDay(time: string): string {
  return `${time.replace("T", " ").replace(/\.\d+Z$/, "")} UTC`;
}

/** Pictures that could not be decoded, the first ones by name. */
function leftOutText(messages: readonly string[]): string | undefined {
  if (messages.length === 0) return undefined;
  const more = messages.length - namedPictures;
  const count = `${counted(messages.length, "picture")} damaged inside the file`;
  return [count, ...messages.slice(0, namedPictures), ...(more > 0 ? [`and ${formatCount(more)} more`] : [])].join(
    "\n",
  );
}

/** What `--accept-changes` let a later part of the run do otherwise. */
function changesText(entries: readonly LogEntry[]): string | undefined {
  const changes = entries.flatMap((entry) =>
    entry.kind === "start" ? (entry.changes ?? []).map((text) => `after step ${formatCount(entry.step)}: ${text}`) : [],
  );
  return changes.length === 0 ? undefined : changes.join("\n");
}

function trainedText({ epochs }: RunDescription, done: number, steps: number): string {
  // A resumed run may have been asked for fewer than it has.
  const trained = done > epochs ? counted(done, "epoch") : `${done} of ${counted(epochs, "epoch")}`;
  return `${trained}, ${formatCount(steps)} steps`;
}

/** What became of it after so many epochs, by the last line of the log that tells. */
function statusOf(entries: readonly LogEntry[], epochs: number): { outcome: string; isComplete: boolean } {
  const last = entries.findLast(({ kind }) => kind === "start" || kind === "end" || kind === "failed");
  if (last?.kind === "failed") return { outcome: `Stopped: ${last.message}.`, isComplete: true };
  if (last?.kind === "end") {
    const outcomes: Readonly<Record<string, string>> = {
      finished: `Finished after ${counted(epochs, "epoch")}.`,
      interrupted: "Interrupted; --resume goes on from its last checkpoint.",
      stoppedEarly: "Stopped early: the test loss no longer improved.",
    };
    return { outcome: outcomes[last.outcome] ?? `Ended: ${last.outcome}.`, isComplete: true };
  }
  return {
    outcome: "Not ended: it is being trained still, or its process was killed. What it has written so far is shown.",
    isComplete: false,
  };
}

/** Of the epochs that are done; where there is none, from the start to the end. */
function timeText(entries: readonly LogEntry[]): string | undefined {
  const epochs = entries.filter(isEpoch);
  if (epochs.length > 0) {
    const seconds = epochs.reduce((sum, epoch) => sum + epoch.seconds, 0);
    return `${formatSeconds(seconds)} (${epochs.length === 1 ? "one epoch" : `${epochs.length} epochs`})`;
  }
  const start = entries.findLast((entry) => entry.kind === "start");
  const end = entries.findLast((entry) => entry.kind === "end" || entry.kind === "failed");
  if (start?.kind !== "start" || (end?.kind !== "end" && end?.kind !== "failed")) return undefined;
  return formatSeconds((Date.parse(end.time) - Date.parse(start.time)) / 1000);
}
