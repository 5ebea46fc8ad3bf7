/**
 * A run from beginning to end: its checkpoints, its log, and what to do when the device is lost or a loss is not finite. The
 * network is opened by a function, and again after a loss, so that tests may play one.
 */
import { existsSync, renameSync, rmSync } from "node:fs";
import { counted } from "../commands/terminal.ts";
import type { Dataset } from "../datasets/imageSet.ts";
import { UserError } from "../files/userError.ts";
import { writeAtomically } from "../files/writeAtomically.ts";
import type { Recipe } from "../ir/recipe.ts";
import { adaptCheckpoint } from "./adaptCheckpoint.ts";
import { checkpointNotes, tensorNotFinite } from "./checkpointFile.ts";
import { openCheckpointStore, type CheckpointStore, type StoredCheckpoint } from "./checkpointStore.ts";
import { explainNotFinite } from "./explainNotFinite.ts";
import { meanFile } from "./imageMean.ts";
import { lossCurveSvg } from "./lossCurve.ts";
import type { OpenNetwork } from "./openNetwork.ts";
import type { ProgressView } from "./progressView.ts";
import { momentumOf, rateOf } from "./rateOf.ts";
import type { RunFiles } from "./runFiles.ts";
import { identityDifferences, type RunDifference, type RunIdentity } from "./runIdentity.ts";
import { isStep, openLog, skippedPictures, type LogEntry, type RunLog } from "./trainingLog.ts";
import {
  NotFiniteError, startPosition, trainNetwork, type TrainingOptions, type TrainingOutcome, type TrainingPosition,
} from "./trainNetwork.ts"; // prettier-ignore

export interface RunOptions {
  readonly files: RunFiles;
  readonly identity: RunIdentity;
  readonly recipe: Recipe;
  readonly dataset: Dataset;
  /** Images a step. */
  readonly batch: number;
  readonly epochs: number;
  readonly seed: number;
  /** Go on from the newest checkpoint, where there is one. */
  readonly resume: boolean;
  /** Go on although the recipe or the data have changed, as far as the network is the same. */
  readonly acceptChanges?: boolean;
  /** How many of the last checkpoints stay. */
  readonly keep: number;
  /** Steps between checkpoints inside an epoch; by time, about every five minutes, unless given. */
  readonly checkpointSteps?: number;
  readonly title: string;
  /** Opens the network with its first weights. */
  readonly open: () => Promise<OpenNetwork>;
  /** Opens the same with a kernel for each op, in which a number that goes wrong is looked for. */
  readonly openUnfused: () => Promise<OpenNetwork>;
  readonly view: ProgressView;
  readonly signal: AbortSignal;
  /** Milliseconds. */
  readonly now: () => number;
}

export interface RunOutcome {
  readonly outcome: TrainingOutcome;
  readonly entries: readonly LogEntry[];
  readonly checkpoint: string;
  readonly adapter: string;
}

const [checkpointMilliseconds, flushMilliseconds, lossesInPlace] = [5 * 60_000, 2000, 3] as const;

/** Trains a run to its end; throws `UserError` where it cannot go on, with the last good checkpoint. */
export async function trainRun(options: RunOptions): Promise<RunOutcome> {
  const { files, view } = options;
  const store = openCheckpointStore(files, options.keep);
  if (options.resume) store.removeUnfinished();
  else {
    store.clear();
    // A report in the first epoch would take these for the new run's.
    for (const path of [files.best, files.weights, files.curve]) rmSync(path, { force: true });
  }
  let stored = options.resume ? store.newest(noteDamaged(view)) : undefined;
  let changes = stored === undefined ? [] : acceptedChanges(stored, options);
  if (stored === undefined && options.resume) {
    view.note(`no checkpoint in ${files.checkpoints} yet: training starts anew`);
  }
  let lossesHere = 0;
  for (;;) {
    const hasOtherData = changes.some(({ lossesOf }) => lossesOf === "data");
    const measuresAnew = changes.some(({ lossesOf }) => lossesOf !== undefined);
    if (hasOtherData) rmSync(meanFile(files.weights), { force: true });
    const opened = await options.open();
    let log: RunLog | undefined;
    try {
      view.note(`adapter: ${opened.description}`);
      let path = stored?.path;
      const position = stored?.position ?? startPosition;
      const start = measuresAnew ? withoutMeasures(position) : position;
      if (stored !== undefined) {
        const isAsNow = changes.length === 0;
        const { plan } = opened.network;
        await opened.loadCheckpoint(isAsNow ? stored.file : adaptCheckpoint(stored.file, plan, { hasOtherData }));
        const { epoch, stepInEpoch } = start;
        view.note(
          `resuming after ${counted(epoch, "epoch")}${stepInEpoch > 0 ? ` and ${counted(stepInEpoch, "step")}` : ""}`,
        );
        for (const { text } of changes) view.note(`changed: ${text}`);
        // From here on the run is that of the recipe now.
        const notes = checkpointNotes(options.identity, start);
        if (measuresAnew) setBestAside(options, start);
        if (!isAsNow) path = store.save(start, await opened.saveCheckpoint(notes));
      } else {
        const notes = checkpointNotes(options.identity, startPosition);
        path = store.save(startPosition, await opened.saveCheckpoint(notes));
      }
      log = openLog(files, start);
      const time = new Date().toISOString();
      log.record({
        kind: "start",
        step: start.step,
        epoch: start.epoch,
        time,
        adapter: opened.description,
        ...(changes.length > 0 && { changes: changes.map(({ text }) => text) }),
        ...(measuresAnew && { measuresAnew }),
      });
      changes = [];
      return await trainFrom(options, opened, store, log, start, path ?? "");
    } catch (error) {
      const lost = await opened.lost();
      if (error instanceof NotFiniteError) throw await failure(error, options, opened, store, log);
      if (lost === undefined) throw error;
      const newest = store.newest(noteDamaged(view));
      const step = newest?.position.step ?? 0;
      lossesHere = step > (stored?.position.step ?? 0) ? 1 : lossesHere + 1;
      const reason = `the device was lost: ${lost}`;
      if (lossesHere >= lossesInPlace || newest === undefined) {
        throw new UserError(
          `${reason}. It was lost ${lossesHere} times without a new checkpoint in between, so training stops; ` +
            `the last good checkpoint is ${newest?.path ?? "not there yet"}, and --resume goes on from it`,
          1,
          { cause: error },
        );
      }
      view.note(`${reason}; training goes on from the checkpoint after step ${step}`);
      log?.record({ kind: "lost", step, epoch: newest.position.epoch, time: new Date().toISOString(), reason });
      log?.flush();
      stored = newest;
    } finally {
      opened.close();
    }
  }
}

/** Trains on an open network from a position; writes checkpoints, log and pictures on the way. */
async function trainFrom(
  options: RunOptions,
  opened: OpenNetwork,
  store: CheckpointStore,
  log: RunLog,
  start: TrainingPosition,
  startPath: string,
): Promise<RunOutcome> {
  const { files, view, now, checkpointSteps } = options;
  let [lastFlush, lastCheckpoint, checkpoint] = [now(), now(), startPath];
  const skipped = new Set(skippedPictures(log.entries));
  const outcome = await trainNetwork({
    ...loopOptions(options),
    network: opened,
    start,
    now,
    onStep: (entry, progress) => {
      log.record(entry);
      view.onStep(entry, progress);
      if (now() - lastFlush < flushMilliseconds) return;
      log.flush();
      lastFlush = now();
    },
    onEvaluation: view.onEvaluation,
    onSkip: ({ message }) => {
      if (skipped.has(message)) return;
      skipped.add(message);
      const last = log.entries.findLast(isStep);
      log.record({ kind: "skipped", step: last?.step ?? start.step, epoch: start.epoch, message });
      view.note(`skipped: ${message}`);
    },
    onEpoch: (entry) => {
      log.record(entry);
      view.onEpoch(entry);
    },
    checkpointDue: (step) =>
      checkpointSteps === undefined ? now() - lastCheckpoint > checkpointMilliseconds : step % checkpointSteps === 0,
    onCheckpoint: async (position) => {
      const file = await opened.saveCheckpoint(checkpointNotes(options.identity, position));
      const overflowed = tensorNotFinite(file);
      if (overflowed !== undefined) {
        throw new NotFiniteError(`${overflowed} is not finite after step ${position.step}`, position);
      }
      const weights = position.stepInEpoch === 0 ? await opened.saveWeights() : undefined;
      if (weights !== undefined) {
        if (position.bestStep === position.step) writeAtomically(files.best, weights);
        writeAtomically(files.weights, weights);
        writeAtomically(files.curve, lossCurveSvg(options.title, log.entries));
      }
      // The log first: a checkpoint on the disk never stands for steps that the log lacks.
      log.flush();
      checkpoint = store.save(position, file);
      log.record({ kind: "checkpoint", step: position.step, epoch: position.epoch, file: checkpoint });
      lastCheckpoint = now();
    },
  });
  writeAtomically(files.weights, await opened.saveWeights());
  writeAtomically(files.curve, lossCurveSvg(options.title, log.entries));
  const last = log.entries.findLast(({ kind }) => kind === "step" || kind === "epoch");
  const time = new Date().toISOString();
  log.record({ kind: "end", step: last?.step ?? start.step, epoch: last?.epoch ?? start.epoch, time, outcome });
  log.flush();
  return { outcome, entries: log.entries, checkpoint, adapter: opened.description };
}

/** What decides a step's numbers. */
function loopOptions(
  options: RunOptions,
): Pick<
  TrainingOptions,
  "dataset" | "batch" | "epochs" | "seed" | "earlyStopPatience" | "rateAt" | "momentumAt" | "signal"
> {
  const { recipe, dataset, batch, epochs, seed, signal } = options;
  return {
    dataset,
    batch,
    epochs,
    seed,
    ...(recipe.earlyStopPatience === undefined ? {} : { earlyStopPatience: recipe.earlyStopPatience }),
    rateAt: rateOf(recipe, epochs),
    momentumAt: momentumOf(recipe, epochs),
    signal,
  };
}

/** A loss that is not finite as an error for people: the step, the layer and the checkpoint to go back to. */
async function failure(
  error: NotFiniteError,
  options: RunOptions,
  opened: OpenNetwork,
  store: CheckpointStore,
  log: RunLog | undefined,
): Promise<UserError> {
  const newest = store.newest(noteDamaged(options.view));
  opened.close();
  options.view.note(`${error.message}; looking for the layer`);
  const found =
    newest && (await explainNotFinite(error, newest, loopOptions(options), options.open, options.openUnfused));
  const message =
    `${error.message}. ${found?.sentence ?? "The layer that it comes from could not be found."} ` +
    `The last good checkpoint is ${newest?.path ?? "missing"}. ` +
    "A smaller learning rate, a warmup, clip_norm or normalized images usually help";
  const { step, epoch } = error.position;
  const time = new Date().toISOString();
  log?.record({ kind: "failed", step: step + 1, epoch: epoch + 1, time, message, layer: found?.layer ?? null });
  log?.flush();
  return new UserError(message, 1, { cause: error });
}

/** What has changed since a checkpoint and is accepted; throws `UserError` where it is of another run. */
function acceptedChanges({ identity, path }: StoredCheckpoint, options: RunOptions): readonly RunDifference[] {
  const differences = identityDifferences(identity, options.identity);
  const list = (isAcceptable: boolean): string =>
    differences
      .filter((each) => each.isAcceptable === isAcceptable)
      .map(({ text }) => `  - ${text}\n`)
      .join("");
  const [fixed, acceptable] = [list(false), list(true)];
  const elsewhere = "train into another directory with --out, or start anew with --overwrite";
  if (fixed !== "") {
    const rest =
      acceptable === "" ? "" : `this differs too, and would be no hindrance with --accept-changes:\n${acceptable}`;
    throw new UserError(`${path} is of another run and cannot be resumed:\n${fixed}${rest}${elsewhere}`);
  }
  if (acceptable !== "" && options.acceptChanges !== true) {
    throw new UserError(
      `${path} is of this network, but not of this recipe and data:\n${acceptable}` +
        "--accept-changes goes on from its weights and the optimizer's state with what stands now; " +
        `else ${elsewhere}`,
    );
  }
  return differences;
}

/**
 * A position without the test losses of before, which are of other images or another loss: whoever watches them (early stopping,
 * schedules, the best weights) begins anew.
 */
function withoutMeasures({ bestStep: _, ...position }: TrainingPosition): TrainingPosition {
  return { ...position, testLosses: [], testAccuracies: [] };
}

/** The best weights so far under another name: the next ones to be called the best need not be better. */
function setBestAside({ files, view }: RunOptions, { step }: TrainingPosition): void {
  if (!existsSync(files.best)) return;
  const aside = files.best.replace(/(?=\.safetensors$)/, `-before-step-${step + 1}`);
  renameSync(files.best, aside);
  view.note(`test losses do not compare with those of before: the best weights so far are kept as ${aside}`);
}

function noteDamaged(view: ProgressView): (message: string) => void {
  return (message) => view.note(`${message}; the checkpoint before it is taken`);
}
