import { checkCotangent, checkCount, checkLabels, imageSize, outputSize } from "./input.ts";
import type { ImageBatch } from "./images.ts";
import type { Labels } from "./input.ts";
import type { ImageFeed } from "./preparation.ts";
import { NetworkError } from "./errors.ts";
import { createMetricsReader } from "./metrics.ts";
import type { Metrics, MetricsReader, MetricsRow, TrainingStep } from "./metrics.ts";
import { writeElements } from "./places.ts";
import type { PlacePlan, TensorPlan } from "./plan.ts";
import { trainingOf } from "./programs.ts";
import { copyOut } from "./readback.ts";
import type { BufferRange } from "./readback.ts";
import type { Session } from "./session.ts";
import type { TensorStore } from "./tensors.ts";
import { elementCount } from "./weights.ts";

/** What one batch gives without an update. Nothing of the network changes. */
export interface Gradients<ParameterName extends string = string, StateName extends string = string> extends Metrics {
  /** Of the loss, by parameter, in its shape. */
  readonly gradients: Readonly<Record<ParameterName, Float32Array>>;
  /** The running statistics as a training step on this batch would leave them. */
  readonly states: Readonly<Record<StateName, Float32Array>>;
  /** Gradient of the loss with respect to the images, where the network was compiled to give it. */
  readonly images?: Float32Array;
  /** Logits in training mode, where the network was compiled to keep them. */
  readonly logits?: Float32Array;
  /** Those of the other heads by name, where the network has any and was compiled to keep them. */
  readonly auxiliaryLogits?: Readonly<Record<string, Float32Array>>;
}

/** Labels of a batch; a Float32Array is a cotangent of the output, where the loss is a dot product. */
export type Targets = Labels | Float32Array;

export interface Trainer {
  trainStep(images: ImageBatch, labels: Targets): TrainingStep;
  gradients(images: ImageBatch, labels: Targets): Promise<Gradients>;
}

export function createTrainer(session: Session, store: TensorStore, imageFeed: ImageFeed): Trainer {
  const { plan, watched, buffers, uniforms } = session;
  let reader: MetricsReader | undefined;
  const metricsReader = (): MetricsReader => (reader ??= createMetricsReader(session));

  /** Checks a batch, sends it, and takes a row for its metrics. */
  const feed = (
    images: ImageBatch,
    labels: Targets,
    encoder: GPUCommandEncoder,
  ): { count: number; row: MetricsRow } => {
    const training = trainingOf(plan);
    const { count } = images;
    checkCount(plan, count);
    const check = training.labelType === "class" ? checkLabels : checkCotangent;
    const targets = check(plan, labels, count);
    imageFeed.encode("training", images, encoder);
    writeElements(buffers, training.labels, targets);
    const row = metricsReader().reserve(count);
    uniforms.setBuiltin("count", count);
    uniforms.setBuiltin("slot", row.slot);
    uniforms.setBuiltin("step", store.step);
    uniforms.setBuiltin("seed", store.seed);
    uniforms.write();
    return { count, row };
  };

  return {
    trainStep(images, labels) {
      watched.check();
      trainingOf(plan);
      const program = session.prepared("training");
      if (program === undefined) {
        throw new NetworkError("input", 'training is not compiled yet: `await network.prepare("training")` first');
      }
      const encoder = watched.device.createCommandEncoder({ label: "training step" });
      const { count, row } = feed(images, labels, encoder);
      session.encode(encoder, program, count);
      const read = metricsReader().copy(encoder, false);
      session.submit(encoder);
      read?.();
      return { index: store.countStep(), count, metrics: () => row.result() };
    },

    async gradients(images, labels) {
      const training = trainingOf(plan);
      const program = await session.prepare("gradients");
      await imageFeed.prepare("training", images);
      watched.check();
      const encoder = watched.device.createCommandEncoder({ label: "gradients" });
      const { count, row } = feed(images, labels, encoder);
      // The forward pass moves the running statistics: they are kept aside and put back in the same commands.
      const held = [...new Set(plan.states.map(({ buffer }) => buffer))];
      for (const index of held) buffers.copyAside(encoder, index);
      session.encode(encoder, program, count);
      const { imageGradient, logits, auxiliaryLogits = [] } = training;
      const ranges = [
        ...plan.parameters.map((tensor, i) => rangeOf(tensor, training.gradients[i])),
        ...plan.states.map((tensor) => rangeOf(tensor, tensor)),
        ...(imageGradient ? [{ ...imageGradient, size: count * imageSize(plan) * 4 }] : []),
        ...(logits ? [{ ...logits, size: count * outputSize(plan) * 4 }] : []),
        ...auxiliaryLogits.map((head) => ({ ...head, size: count * elementCount(head) * 4 })),
      ];
      const readback = copyOut(watched, buffers, encoder, ranges);
      for (const index of held) buffers.copyBack(encoder, index);
      const readMetrics = metricsReader().copy(encoder, true);
      session.submit(encoder);
      readMetrics?.();
      const [metrics, values] = await Promise.all([row.result(), readback.take()]);
      const named = (tensors: readonly { readonly name: string }[]): Record<string, Float32Array> =>
        Object.fromEntries(tensors.map(({ name }) => [name, values.shift() as Float32Array]));
      return {
        ...metrics,
        gradients: named(plan.parameters),
        states: named(plan.states),
        ...(imageGradient && { images: values.shift() as Float32Array }),
        ...(logits && { logits: values.shift() as Float32Array }),
        ...(auxiliaryLogits.length > 0 && { auxiliaryLogits: named(auxiliaryLogits) }),
      };
    },
  };
}

function rangeOf(tensor: TensorPlan, place: PlacePlan | undefined): BufferRange {
  if (place === undefined) throw new NetworkError("plan", `the plan has no gradient of ${tensor.name}`);
  return { ...place, size: elementCount(tensor) * 4 };
}
