import { checkWeights } from "./checkWeights.ts";
import { openDataset } from "./dataset.ts";
import type { Dataset, OpenedDataset } from "./dataset.ts";
import type { ImageBatch } from "./images.ts";
import { batchText, imageSize, refuse, stepSize } from "./input.ts";
import type { Metrics, TrainingStep } from "./metrics.ts";
import type { NetworkPlan } from "./plan.ts";
import { ascending, shuffledOrder } from "./random.ts";

/** Where training stands, after a step whose loss is known. Epochs and steps count from 1. */
export interface Progress extends Metrics {
  readonly epoch: number;
  readonly epochs: number;
  /** Steps done in this epoch, of `steps`. */
  readonly step: number;
  readonly steps: number;
  readonly imagesPerSecond: number;
}

export interface EpochResult extends Metrics {
  /** From 1. `loss` and `accuracy` are means over the epoch's training images, each before its own update. */
  readonly epoch: number;
  readonly seconds: number;
  /** On the validation images, after the epoch. */
  readonly validation?: Metrics;
}

export interface History {
  readonly epochs: readonly EpochResult[];
  /** True when the signal stopped it: the last epoch was not finished. */
  readonly aborted: boolean;
}

/** An AbortSignal, or anything that says as much; one without events is asked before each step only. */
export interface StopSignal {
  readonly aborted: boolean;
  addEventListener?(type: "abort", listener: () => void): void;
  removeEventListener?(type: "abort", listener: () => void): void;
}

/** A step that is about to be taken; epoch and step count from 0. */
export interface StepMoment {
  readonly epoch: number;
  readonly step: number;
  /** Of an epoch. */
  readonly steps: number;
}

export interface FitOptions<
  Input extends readonly number[] = readonly number[],
  Source extends readonly number[] = readonly number[],
> {
  readonly epochs: number;
  /** Epochs done before, so that a resumed training sees the images in the order it would have seen. */
  readonly firstEpoch?: number;
  /** Steps of that epoch done before; its means are over the others. */
  readonly firstStep?: number;
  /** At most the compiled batch times the micro-batches that accumulate, which is the default. */
  readonly batchSize?: number;
  /** False keeps the images in their order; a number is the seed of the order (default: the network's seed). */
  readonly shuffle?: boolean | number;
  /** Evaluated after each epoch. */
  readonly validation?: Dataset<Input, Source>;
  /** The learning rate of each step. */
  readonly rate?: (at: StepMoment) => number;
  /** Called before each step, which waits for its promise; `settle` resolves when all steps before are done and reported. */
  readonly beforeStep?: (at: StepMoment, settle: () => Promise<void>) => void | Promise<void>;
  readonly onProgress?: (progress: Progress) => void;
  readonly onEpoch?: (result: EpochResult) => void | Promise<void>;
  /** An AbortSignal: training stops after the steps under way, and `fit` resolves with what was done. */
  readonly signal?: StopSignal;
}

/** What `fit` needs of a network. */
export interface Trainable {
  readonly plan: NetworkPlan;
  readonly seed: number;
  prepare(): Promise<unknown>;
  /** Compiles what such images need besides. */
  prepareImages(images: ImageBatch): Promise<void>;
  trainStep(images: ImageBatch, labels: Uint32Array): TrainingStep;
  /** Undefined where the signal stops it. */
  evaluate(dataset: OpenedDataset, signal?: StopSignal): Promise<Metrics | undefined>;
  setRate(rate: number): void;
  stateDict(): Promise<Readonly<Record<string, Float32Array>>>;
}

/** Bytes of images, and milliseconds of work, that may wait on the GPU's queue; and steps whatever they take. */
const [queuedBytes, queuedMilliseconds, queuedSteps] = [1 << 26, 100, 16];

/** Trains epoch after epoch; the GPU always has the next step waiting, and never more than a few. */
export async function fit(network: Trainable, dataset: Dataset, options: FitOptions): Promise<History> {
  const { plan } = network;
  const { epochs, firstEpoch = 0, firstStep = 0, batchSize = stepSize(plan), shuffle = true, signal } = options;
  for (const [name, value, least] of [
    ["epochs", epochs, 0],
    ["firstEpoch", firstEpoch, 0],
    ["firstStep", firstStep, 0],
    ["batchSize", batchSize, 1],
  ] as const) {
    if (!Number.isInteger(value) || value < least)
      refuse(`${name} must be a whole number from ${least}, found ${value}`);
  }
  if (batchSize > stepSize(plan)) refuse(`batchSize ${batchSize} is more than ${batchText(plan, stepSize(plan))}`);
  const source = openDataset(plan, dataset);
  // What is wrong with it should be heard before the first epoch.
  const validation = options.validation && openDataset(plan, options.validation);
  await network.prepare();

  const steps = Math.ceil(source.size / batchSize);
  if (firstStep >= steps) refuse(`firstStep is ${firstStep}, and an epoch has ${steps} steps`);
  const seed = typeof shuffle === "number" ? shuffle : network.seed;
  const mostInFlight = Math.max(2, Math.min(queuedSteps, Math.floor(queuedBytes / (batchSize * imageSize(plan) * 4))));
  const results: EpochResult[] = [];
  for (let epoch = firstEpoch; epoch < epochs && !signal?.aborted; epoch++) {
    const order = shuffle === false ? ascending(source.size) : shuffledOrder(source.size, seed, epoch);
    let started = Date.now();
    const inFlight: TrainingStep[] = [];
    const doneBefore = epoch === firstEpoch ? firstStep : 0;
    let [submitted, done, samples, loss, right] = [doneBefore, doneBefore, 0, 0, 0];
    const seconds = (): number => (Date.now() - started) / 1000;
    const means = (): Metrics => ({ loss: loss / samples, accuracy: right / samples });
    const finishOldest = async (): Promise<void> => {
      const [step] = inFlight;
      if (step === undefined) return;
      const metrics = await step.metrics();
      // Two may have waited for the same step.
      if (step !== inFlight[0]) return;
      inFlight.shift();
      done++;
      samples += step.count;
      loss += metrics.loss * step.count;
      right += metrics.accuracy * step.count;
      options.onProgress?.({
        ...means(),
        epoch: epoch + 1,
        epochs,
        step: done,
        steps,
        imagesPerSecond: samples / Math.max(seconds(), 0.001),
      });
    };

    const settle = async (): Promise<void> => {
      while (inFlight.length > 0) await finishOldest();
    };

    const batches = source.batches(order, batchSize, epoch, submitted);
    try {
      for (;;) {
        const next = await unlessStopped(batches.next(), signal);
        if (next === undefined || next.done === true) break;
        const { images, labels } = next.value;
        await network.prepareImages(images);
        const at = { epoch, step: submitted, steps };
        const asked = Date.now();
        await unlessStopped(options.beforeStep?.(at, settle), signal);
        if (signal?.aborted) break;
        // The time that training is held counts for nothing.
        started += Date.now() - asked;
        if (options.rate) network.setRate(options.rate(at));
        inFlight.push(network.trainStep(images, labels));
        submitted++;
        // Slow steps are kept few, so that an abort is heard soon.
        const milliseconds = samples === 0 ? Infinity : (Date.now() - started) / (done - doneBefore);
        const limit = Math.min(mostInFlight, Math.max(2, Math.ceil(queuedMilliseconds / milliseconds)));
        while (inFlight.length >= limit) await finishOldest();
      }
    } finally {
      await unlessStopped(batches.return(undefined), signal);
    }
    await settle();
    if (submitted < steps) break;
    // Behind a relu, which makes a number of a NaN, the loss may be a number all the same.
    checkWeights(await network.stateDict(), `epoch ${epoch + 1}`);

    const measured = validation && (await network.evaluate(validation, signal));
    const result = { epoch: epoch + 1, ...means(), seconds: seconds(), ...(measured && { validation: measured }) };
    results.push(result);
    await options.onEpoch?.(result);
  }
  return { epochs: results, aborted: signal?.aborted === true && firstEpoch + results.length < epochs };
}

/** What the work gives, or undefined as soon as the signal is heard. */
function unlessStopped<T>(work: T | Promise<T>, signal: StopSignal | undefined): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      resolve(undefined);
    };
    if (signal?.aborted) stop();
    signal?.addEventListener?.("abort", stop);
    void Promise.resolve(work)
      .then(resolve, reject)
      .finally(() => signal?.removeEventListener?.("abort", stop));
  });
}
