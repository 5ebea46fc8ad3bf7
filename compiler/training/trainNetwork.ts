/**
 * The training loop: epochs of shuffled batches through a network, each epoch followed by an evaluation and a checkpoint.
 * The order of the images, the rate and the position decide everything, so a run that was interrupted anywhere and taken
 * up again gives the same losses as one that was not.
 */
import { shuffledOrder } from "cnnc/runtime";
import { noneCanBeRead, type DamagedPicture } from "../datasets/datasetError.ts";
import { rawBatch, readWhole, type Dataset, type RawBatch } from "../datasets/imageSet.ts";
import { readAhead } from "../datasets/readAhead.ts";
import { UserError } from "../files/userError.ts";
import { stopsEarly } from "../../runtime/schedules.ts";
import { evaluateNetwork, type ClassifyingNetwork } from "./evaluateNetwork.ts";
import type { EpochEntry, StepEntry } from "./trainingLog.ts";

/** Mean loss over a step's images, before its update, and how many of them were right. */
export interface StepResult {
  readonly loss: number;
  readonly correct: number;
}

/** What the loop asks of a network. A step is queued at once; its promise resolves when the figures have come back. */
export interface TrainedNetwork extends ClassifyingNetwork {
  trainStep(images: RawBatch, labels: Uint32Array<ArrayBuffer>, rate: number, momentum?: number): Promise<StepResult>;
}

/** Where a run stands: all that a checkpoint needs besides the network's own state. Counts from 0. */
export interface TrainingPosition {
  readonly epoch: number;
  readonly stepInEpoch: number;
  readonly step: number;
  /** Sums over the images of the epoch so far. */
  readonly lossSum: number;
  readonly correct: number;
  readonly seen: number;
  /** For early stopping and schedules that watch the test set: its loss and accuracy after each finished epoch. */
  readonly testLosses: readonly number[];
  readonly testAccuracies: readonly number[];
  /** Steps done when the epoch with the lowest test loss ended. */
  readonly bestStep?: number;
}

export const startPosition: TrainingPosition = {
  epoch: 0, stepInEpoch: 0, step: 0, lossSum: 0, correct: 0, seen: 0, testLosses: [], testAccuracies: [],
}; // prettier-ignore

/** A step, from 0, and what schedules look at. */
export interface ScheduleMoment {
  readonly step: number;
  readonly stepsPerEpoch: number;
  readonly testLosses: readonly number[];
  readonly testAccuracies: readonly number[];
}

export interface TrainingOptions {
  readonly network: TrainedNetwork;
  readonly dataset: Dataset;
  /** Images a step: the network's batch, times the micro-batches that accumulate. */
  readonly batch: number;
  readonly epochs: number;
  readonly seed: number;
  readonly start: TrainingPosition;
  readonly earlyStopPatience?: number;
  /** The learning rate of a step; both count from 0. */
  readonly rateAt: (at: ScheduleMoment) => number;
  /** The momentum of a step, where the schedule moves it. */
  readonly momentumAt?: (at: ScheduleMoment) => number | undefined;
  readonly signal: AbortSignal;
  /** Milliseconds, for the figures of speed only. */
  readonly now: () => number;
  readonly onStep: (entry: StepEntry, progress: StepProgress) => void;
  readonly onEpoch: (entry: EpochEntry) => void;
  readonly onEvaluation: (done: number, total: number) => void;
  /** A picture that is damaged, and left out: each time that it is come to. */
  readonly onSkip?: (error: DamagedPicture) => void;
  /** Whether to make a checkpoint in the middle of an epoch, after so many steps of the run. */
  readonly checkpointDue?: (step: number) => boolean;
  /** Called after every epoch, where one is due and when the run is interrupted, with all steps finished. */
  readonly onCheckpoint: (position: TrainingPosition) => Promise<void>;
}

export interface StepProgress {
  readonly stepInEpoch: number;
  readonly stepsPerEpoch: number;
  readonly meanLoss: number;
  readonly meanAccuracy: number;
  readonly imagesPerSecond: number;
  readonly secondsLeft: number;
}

export type TrainingOutcome = "finished" | "interrupted" | "stoppedEarly";

const noImages = Promise.resolve({ loss: 0, correct: 0 });

/** Steps that may be queued before the first of their figures must have come back. */
const stepsInFlight = 3;

/** A loss or a weight that is NaN or infinite, with where it came up. */
export class NotFiniteError extends UserError {
  override readonly name = "NotFiniteError";
  constructor(
    message: string,
    /** Before the step that shows it. */
    readonly position: TrainingPosition,
  ) {
    super(message);
  }
}

function lossNotFinite(loss: number, position: TrainingPosition, rate: number): NotFiniteError {
  const kind = Number.isNaN(loss) ? "NaN" : loss > 0 ? "infinite" : "minus infinity";
  return new NotFiniteError(
    `the loss became ${kind} in step ${position.step + 1} (epoch ${position.epoch + 1}, learning rate ${rate})`,
    position,
  );
}

/** Trains until the last epoch, an early stop or the signal; throws `NotFiniteError` when a loss is not finite. */
export async function trainNetwork(options: TrainingOptions): Promise<TrainingOutcome> {
  let position = options.start;
  const { test } = options.dataset;
  while (position.epoch < options.epochs) {
    if (stopsEarly(position.testLosses, options.earlyStopPatience)) return "stoppedEarly";
    const began = options.now();
    const seenBefore = position.seen;
    position = await trainEpoch(options, position);
    if (options.signal.aborted) {
      await options.onCheckpoint(position);
      return "interrupted";
    }
    const seconds = (options.now() - began) / 1000;
    const { network, onEvaluation, onSkip } = options;
    const { loss, correct, count } = await evaluateNetwork(network, test, {
      onProgress: onEvaluation,
      ...(onSkip !== undefined && { onSkip }),
    });
    const accuracy = correct / count;
    options.onEpoch({
      kind: "epoch",
      epoch: position.epoch + 1,
      step: position.step,
      trainLoss: position.lossSum / position.seen,
      trainAccuracy: position.correct / position.seen,
      testLoss: loss,
      testAccuracy: accuracy,
      seconds,
      imagesPerSecond: (position.seen - seenBefore) / seconds,
    });
    const testLosses = [...position.testLosses, loss];
    const testAccuracies = [...position.testAccuracies, accuracy];
    const isBest = position.testLosses.every((other) => loss < other);
    const bestStep = isBest ? position.step : position.bestStep;
    position = {
      ...startPosition,
      epoch: position.epoch + 1,
      step: position.step,
      testLosses,
      testAccuracies,
      ...(bestStep !== undefined && { bestStep }),
    };
    await options.onCheckpoint(position);
  }
  return "finished";
}

/** Steps to the end of the epoch or to the interruption; all of them are finished when it returns. */
async function trainEpoch(options: TrainingOptions, start: TrainingPosition): Promise<TrainingPosition> {
  const { dataset, network, batch, seed } = options;
  const stepsPerEpoch = Math.ceil(dataset.train.count / batch);
  const order = shuffledOrder(dataset.train.count, seed, start.epoch);
  const meter = speedMeter(options.now);
  let position = start;
  let lastSkipped: DamagedPicture | undefined;
  const pending: { readonly result: Promise<StepResult>; readonly rate: number; readonly count: number }[] = [];
  const finishOne = async (): Promise<void> => {
    const oldest = pending.shift();
    if (oldest === undefined) return;
    const { loss, correct } = await oldest.result;
    if (!Number.isFinite(loss)) throw lossNotFinite(loss, position, oldest.rate);
    // A batch of damaged pictures alone: the step is counted, so that those behind it keep their place.
    if (oldest.count === 0) {
      position = { ...position, stepInEpoch: position.stepInEpoch + 1, step: position.step + 1 };
      return;
    }
    position = {
      ...position,
      stepInEpoch: position.stepInEpoch + 1,
      step: position.step + 1,
      lossSum: position.lossSum + loss * oldest.count,
      correct: position.correct + correct,
      seen: position.seen + oldest.count,
    };
    const imagesPerSecond = meter(oldest.count);
    const imagesLeft = (options.epochs - position.epoch) * dataset.train.count - position.seen;
    options.onStep(
      {
        kind: "step",
        step: position.step,
        epoch: position.epoch + 1,
        rate: oldest.rate,
        loss,
        accuracy: correct / oldest.count,
      },
      {
        stepInEpoch: position.stepInEpoch,
        stepsPerEpoch,
        meanLoss: position.lossSum / position.seen,
        meanAccuracy: position.correct / position.seen,
        imagesPerSecond,
        secondsLeft: imagesLeft / imagesPerSecond,
      },
    );
  };
  try {
    let step = start.step;
    const batches = readAhead(dataset.train, order, batch, { first: start.stepInEpoch });
    for await (const { labels, count, skipped, indices: _, ...images } of batches) {
      if (options.signal.aborted) break;
      for (const error of skipped) options.onSkip?.(error);
      lastSkipped = skipped.at(-1) ?? lastSkipped;
      const { testLosses, testAccuracies } = position;
      const moment = { step, stepsPerEpoch, testLosses, testAccuracies };
      const rate = options.rateAt(moment);
      const result = count === 0 ? noImages : network.trainStep(images, labels, rate, options.momentumAt?.(moment));
      // What goes wrong with it is heard when its turn comes, be it while the next pictures are waited for.
      result.catch(() => undefined);
      pending.push({ result, rate, count });
      step++;
      if (pending.length >= stepsInFlight) await finishOne();
      const isInside = step - start.step + start.stepInEpoch < stepsPerEpoch;
      if (isInside && options.checkpointDue?.(step) === true) {
        while (pending.length > 0) await finishOne();
        await options.onCheckpoint(position);
      }
    }
    while (pending.length > 0) await finishOne();
  } finally {
    // After an error the other steps' promises must not reject unheard.
    await Promise.allSettled(pending.map(({ result }) => result));
  }
  if (position.seen === 0 && position.stepInEpoch === stepsPerEpoch) {
    throw noneCanBeRead("training", dataset.train.count, lastSkipped);
  }
  return position;
}

/** What a step is given. */
export interface StepInputs {
  readonly images: RawBatch;
  /** As many as there are images: fewer than a batch where some are damaged, and none where all are. */
  readonly labels: Uint32Array<ArrayBuffer>;
  readonly rate: number;
  readonly momentum: number | undefined;
}

export type InputOptions = Pick<TrainingOptions, "dataset" | "batch" | "seed" | "rateAt" | "momentumAt">;

/** The images, labels, rate and momentum of the step that follows a position: the same each time. */
export async function inputsAt(options: InputOptions, position: TrainingPosition): Promise<StepInputs> {
  const { dataset, batch, seed, rateAt, momentumAt } = options;
  const order = shuffledOrder(dataset.train.count, seed, position.epoch);
  const { step, stepInEpoch, testLosses, testAccuracies } = position;
  const moment = { step, stepsPerEpoch: Math.ceil(dataset.train.count / batch), testLosses, testAccuracies };
  const asked = order.subarray(stepInEpoch * batch, (stepInEpoch + 1) * batch);
  if (asked.length === 0) throw new UserError(`the epoch has no step ${stepInEpoch + 1}`);
  const { images, indices } = await readWhole(dataset.train, asked, rawBatch(dataset.train, asked.length));
  const labels = Uint32Array.from(indices, (image) => dataset.train.labels[image] as number);
  return { images, labels, rate: rateAt(moment), momentum: momentumAt?.(moment) };
}

/** Images a second over about the last ten seconds. */
function speedMeter(now: () => number): (images: number) => number {
  const marks = [{ time: now(), images: 0 }];
  return (images) => {
    const last = { time: now(), images: (marks.at(-1)?.images ?? 0) + images };
    marks.push(last);
    while (marks.length > 2 && last.time - (marks[1]?.time ?? 0) > 10_000) marks.shift();
    const first = marks[0] ?? last;
    return ((last.images - first.images) / Math.max(last.time - first.time, 1e-3)) * 1000;
  };
}
