import { openDataset } from "./dataset.ts";
import type { Dataset, OpenedDataset } from "./dataset.ts";
import type { ImageBatch } from "./images.ts";
import { batchText, imageSize, refuse, stepSize } from "./input.ts";
import type { Metrics, TrainingStep } from "./metrics.ts";
import type { NetworkPlan } from "./plan.ts";
import { shuffledOrder } from "./random.ts";

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

export interface FitOptions {
  readonly epochs: number;
  /** Epochs done before, so that a resumed training sees the images in the order it would have seen. */
  readonly firstEpoch?: number;
  /** At most the compiled batch times the micro-batches that accumulate, which is the default. */
  readonly batchSize?: number;
  /** False keeps the images in their order; a number is the seed of the order (default: the network's seed). */
  readonly shuffle?: boolean | number;
  /** Evaluated after each epoch. */
  readonly validation?: Dataset;
  /** The learning rate of each step; epoch and step count from 0. */
  readonly rate?: (at: { readonly epoch: number; readonly step: number; readonly steps: number }) => number;
  readonly onProgress?: (progress: Progress) => void;
  readonly onEpoch?: (result: EpochResult) => void | Promise<void>;
  /** An AbortSignal: training stops after the steps under way, and `fit` resolves with what was done. */
  readonly signal?: { readonly aborted: boolean };
}

/** What `fit` needs of a network. */
export interface Trainable {
  readonly plan: NetworkPlan;
  readonly seed: number;
  prepare(): Promise<unknown>;
  /** Compiles what such images need besides. */
  prepareImages(images: ImageBatch): Promise<void>;
  trainStep(images: ImageBatch, labels: Uint32Array): TrainingStep;
  evaluate(dataset: OpenedDataset): Promise<Metrics>;
  setRate(rate: number): void;
}

/** Bytes of images, and milliseconds of work, that may wait on the GPU's queue; and steps whatever they take. */
const [queuedBytes, queuedMilliseconds, queuedSteps] = [1 << 26, 100, 16];

/** Trains epoch after epoch; the GPU always has the next step waiting, and never more than a few. */
export async function fit(network: Trainable, dataset: Dataset, options: FitOptions): Promise<History> {
  const { plan } = network;
  const { epochs, firstEpoch = 0, batchSize = stepSize(plan), shuffle = true, signal } = options;
  for (const [name, value, least] of [
    ["epochs", epochs, 0],
    ["firstEpoch", firstEpoch, 0],
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
  const seed = typeof shuffle === "number" ? shuffle : network.seed;
  const mostInFlight = Math.max(2, Math.min(queuedSteps, Math.floor(queuedBytes / (batchSize * imageSize(plan) * 4))));
  const results: EpochResult[] = [];
  for (let epoch = firstEpoch; epoch < epochs && !signal?.aborted; epoch++) {
    const order =
      shuffle === false
        ? Uint32Array.from({ length: source.size }, (_, index) => index)
        : shuffledOrder(source.size, seed, epoch);
    const started = Date.now();
    const inFlight: TrainingStep[] = [];
    let [submitted, done, samples, loss, right] = [0, 0, 0, 0, 0];
    const finishOldest = async (): Promise<void> => {
      const step = inFlight.shift();
      if (step === undefined) return;
      const metrics = await step.metrics();
      done++;
      samples += step.count;
      loss += metrics.loss * step.count;
      right += metrics.accuracy * step.count;
      const seconds = Math.max(Date.now() - started, 1) / 1000;
      const means = { loss: loss / samples, accuracy: right / samples };
      options.onProgress?.({
        ...means,
        epoch: epoch + 1,
        epochs,
        step: done,
        steps,
        imagesPerSecond: samples / seconds,
      });
    };

    for await (const { images, labels } of source.batches(order, batchSize, epoch)) {
      if (signal?.aborted) break;
      await network.prepareImages(images);
      if (options.rate) network.setRate(options.rate({ epoch, step: submitted, steps }));
      inFlight.push(network.trainStep(images, labels));
      submitted++;
      // Slow steps are kept few, so that an abort is heard soon.
      const milliseconds = done === 0 ? Infinity : (Date.now() - started) / done;
      const limit = Math.min(mostInFlight, Math.max(2, Math.ceil(queuedMilliseconds / milliseconds)));
      while (inFlight.length >= limit) await finishOldest();
    }
    while (inFlight.length > 0) await finishOldest();
    if (submitted < steps) break;

    const seconds = (Date.now() - started) / 1000;
    const means = { loss: loss / samples, accuracy: right / samples };
    const measured = validation && (await network.evaluate(validation));
    const result = { epoch: epoch + 1, ...means, seconds, ...(measured && { validation: measured }) };
    results.push(result);
    await options.onEpoch?.(result);
  }
  return { epochs: results, aborted: signal?.aborted === true && firstEpoch + results.length < epochs };
}
