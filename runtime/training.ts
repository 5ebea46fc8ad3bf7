import { checkCotangent, checkCount, checkLabels, imageSize, outputSize, refuseUnprepared, stepSize } from "./input.ts";
import { partOf } from "./images.ts";
import type { ImageBatch } from "./images.ts";
import type { Labels } from "./input.ts";
import type { ImageFeed } from "./preparation.ts";
import { NetworkError } from "./errors.ts";
import { createMetricsReader } from "./metrics.ts";
import type { Metrics, MetricsReader, MetricsRow, TrainingStep } from "./metrics.ts";
import { writeElements } from "./places.ts";
import type { PlacePlan, TensorPlan } from "./plan.ts";
import { rangesOf, trainingOf } from "./programs.ts";
import { copyOut } from "./readback.ts";
import type { BufferRange } from "./readback.ts";
import type { Session } from "./session.ts";
import type { TensorStore } from "./tensors.ts";
import { elementCount } from "./shapes.ts";

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

type CheckedTargets = Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>;

export interface Trainer {
  trainStep(images: ImageBatch, labels: Targets): TrainingStep;
  gradients(images: ImageBatch, labels: Targets): Promise<Gradients>;
  /** The first kernel of a step that gives a value which is not finite; undefined where all are. Changes no weight. */
  firstNotFinite(images: ImageBatch, labels: Targets): Promise<NotFinite | undefined>;
}

/** Where a step's numbers first went wrong. */
export interface NotFinite {
  /** The layers that the kernel computes: of a fused one several, in one of which the value came up. */
  readonly label: string;
  readonly kernel: string;
  readonly kind: "NaN" | "infinity";
  /** True after the loss: in the gradients. */
  readonly isBackward: boolean;
}

export function createTrainer(session: Session, store: TensorStore, imageFeed: ImageFeed): Trainer {
  const { plan, watched, buffers, uniforms } = session;
  const stateBuffers = new Set(plan.states.map(({ buffer }) => buffer));
  let reader: MetricsReader | undefined;
  const metricsReader = (): MetricsReader => (reader ??= createMetricsReader(session));

  const check = ({ count }: ImageBatch, labels: Targets, most: number): CheckedTargets => {
    checkCount(plan, count, most);
    return (trainingOf(plan).labelType === "class" ? checkLabels : checkCotangent)(plan, labels, count);
  };

  /** Sends a batch that has been checked, and takes a row for its metrics. */
  const feed = (
    images: ImageBatch,
    targets: CheckedTargets,
    encoder: GPUCommandEncoder,
    micro: number,
  ): { count: number; row: MetricsRow } => {
    const training = trainingOf(plan);
    const { count } = images;
    imageFeed.encode("training", images, encoder);
    writeElements(buffers, training.labels, targets);
    if (training.classWeights !== undefined) {
      writeElements(buffers, training.classWeights, Float32Array.from(training.classWeights.values));
    }
    const row = metricsReader().reserve(count);
    uniforms.setBuiltin("count", count);
    uniforms.setBuiltin("slot", row.slot);
    uniforms.setBuiltin("step", store.step);
    uniforms.setBuiltin("micro", micro);
    // Each micro-batch drops other elements.
    uniforms.setBuiltin("seed", store.seed + Math.imul(micro, 0x9e3779b9));
    uniforms.write();
    return { count, row };
  };

  return {
    trainStep(images, labels) {
      watched.check();
      const { dispatches, gather = [] } = trainingOf(plan);
      const program = session.prepared("training");
      if (program === undefined) refuseUnprepared("training");
      // Before the first micro-batch is sent: after an error nothing has changed.
      const targets = check(images, labels, stepSize(plan));
      const rows: { readonly count: number; readonly row: MetricsRow }[] = [];
      for (const micro of microBatches(images, targets, plan.batch)) {
        const encoder = watched.device.createCommandEncoder({ label: "training step" });
        const { count, row } = feed(micro.images, micro.targets, encoder, rows.length);
        rows.push({ count, row });
        const end = micro.isLast ? undefined : dispatches.length + gather.length;
        const last = session.encode(encoder, program, count, end);
        const read = metricsReader().copy(last, false);
        session.submit(last);
        read?.();
      }
      const total = images.count;
      return { index: store.countStep(rows.length), count: total, metrics: () => meanOver(rows, total) };
    },

    async firstNotFinite(images, labels) {
      const { dispatches, metrics } = trainingOf(plan);
      const program = await session.prepare("training");
      await imageFeed.prepare("training", images);
      const targets = check(images, labels, stepSize(plan));
      let submitted = watched.device.createCommandEncoder({ label: "inspection" });
      for (const index of stateBuffers) buffers.copyAside(submitted, index);
      let found: NotFinite | undefined;
      for (const [number, micro] of [...microBatches(images, targets, plan.batch)].entries()) {
        if (found !== undefined) break;
        const { count } = feed(micro.images, micro.targets, submitted, number);
        let isBackward = false;
        for (const [index, { label, kernel, bindings }] of dispatches.entries()) {
          submitted = session.encode(submitted, program, count, index + 1, index);
          const written = bindings.flatMap((each) =>
            each.writes ? rangesOf(plan, each).map((range) => ({ ...each, ...range })) : [],
          );
          const readback = copyOut(watched, buffers, submitted, written);
          session.submit(submitted);
          submitted = watched.device.createCommandEncoder({ label: "inspection" });
          const value = (await readback.take()).flatMap((values, at) => {
            // Of two f16 in a word, those that are not finite become such numbers, others 0.
            const half = (bits: number): number => ((bits & 0x7c00) < 0x7c00 ? 0 : 1 / (bits & 0x3ff ? NaN : 0));
            const numbers = written[at]?.half ? Float32Array.from(new Uint16Array(values.buffer), half) : values;
            return numbers.find((each) => !Number.isFinite(each)) ?? [];
          })[0];
          if (value !== undefined) {
            const kind = Number.isNaN(value) ? "NaN" : "infinity";
            found = { label, kernel: plan.kernels[kernel]?.name ?? "", kind, isBackward };
            break;
          }
          isBackward ||= written.some(({ buffer }) => buffer === metrics.buffer);
        }
      }
      for (const index of stateBuffers) buffers.copyBack(submitted, index);
      session.submit(submitted);
      return found;
    },

    async gradients(images, labels) {
      const training = trainingOf(plan);
      const program = await session.prepare("gradients");
      await imageFeed.prepare("training", images);
      watched.check();
      const targets = check(images, labels, plan.batch);
      const first = watched.device.createCommandEncoder({ label: "gradients" });
      const { count, row } = feed(images, targets, first, 0);
      // The forward pass moves the running statistics: they are kept aside and put back with no other command between.
      for (const index of stateBuffers) buffers.copyAside(first, index);
      const encoder = session.encode(first, program, count);
      const { imageGradient, logits, auxiliaryLogits = [] } = training;
      const ranges = [
        ...plan.parameters.map((tensor, i) => rangeOf(tensor, training.gradients[i])),
        ...plan.states.map((tensor) => rangeOf(tensor, tensor)),
        ...(imageGradient ? [{ ...imageGradient, size: count * imageSize(plan) * 4 }] : []),
        ...(logits ? [{ ...logits, size: count * outputSize(plan) * 4 }] : []),
        ...auxiliaryLogits.map((head) => ({ ...head, size: count * elementCount(head) * 4 })),
      ];
      const readback = copyOut(watched, buffers, encoder, ranges);
      for (const index of stateBuffers) buffers.copyBack(encoder, index);
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

interface MicroBatch {
  readonly images: ImageBatch;
  readonly targets: CheckedTargets;
  readonly isLast: boolean;
}

/** A step's images and targets, at most `most` images at a time. */
function* microBatches(images: ImageBatch, targets: CheckedTargets, most: number): Iterable<MicroBatch> {
  const perImage = targets.length / images.count;
  for (let start = 0; start < images.count; start += most) {
    const end = Math.min(start + most, images.count);
    yield {
      images: partOf(images, start, end),
      targets: targets.subarray(start * perImage, end * perImage),
      isLast: end === images.count,
    };
  }
}

/** The means over all images of a step, from those of its micro-batches. */
async function meanOver(
  rows: readonly { readonly count: number; readonly row: MetricsRow }[],
  total: number,
): Promise<Metrics> {
  const results = await Promise.all(rows.map(({ row }) => row.result()));
  const [only] = results;
  if (only !== undefined && results.length === 1) return only;
  const mean = (name: keyof Metrics): number =>
    results.reduce((sum, metrics, index) => sum + metrics[name] * (rows[index]?.count ?? 0), 0) / total;
  return { loss: mean("loss"), accuracy: mean("accuracy") };
}

function rangeOf(tensor: TensorPlan, place: PlacePlan | undefined): BufferRange {
  if (place === undefined) throw new NetworkError("plan", `the plan has no gradient of ${tensor.name}`);
  return { ...place, size: elementCount(tensor) * 4 };
}
