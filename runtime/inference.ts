import { openDataset } from "./dataset.ts";
import { ascending } from "./random.ts";
import type { Dataset, OpenedDataset } from "./dataset.ts";
import type { StopSignal } from "./fit.ts";
import { partOf, toBatch } from "./images.ts";
import type { ImageBatch, Images } from "./images.ts";
import { checkLabels, outputSize, refuse } from "./input.ts";
import type { Metrics } from "./metrics.ts";
import type { FeaturePlan } from "./plan.ts";
import type { ImageFeed } from "./preparation.ts";
import { segmentsOf } from "./places.ts";
import { readbackOf } from "./programs.ts";
import { copyInto, joined } from "./readback.ts";
import type { Staging } from "./readback.ts";
import type { Session } from "./session.ts";
import type { Program } from "./step.ts";
import { elementCount } from "./shapes.ts";

export interface Predictor {
  /** The logits, or the value at an `as` name that the plan knows. */
  predict(images: Images, at?: string): Promise<Float32Array<ArrayBuffer>>;
  evaluate(dataset: Dataset): Promise<Metrics>;
  /** The same of a dataset that is open already; undefined where the signal stops it. */
  evaluateOpened(source: OpenedDataset, signal?: StopSignal): Promise<Metrics | undefined>;
}

/** A batch under way. */
interface Pending {
  readonly logits: Promise<Float32Array<ArrayBuffer>>;
}

export function createPredictor(session: Session, imageFeed: ImageFeed): Predictor {
  const { plan, watched, buffers, uniforms } = session;
  const outputs = outputSize(plan);
  const logitsPlan = { ...plan.inference.logits, shape: plan.outputShape };
  const batchesUnderWay = readbackOf(plan, "inference").count;

  /** Gives the GPU one batch, and asks for its logits at once: others may wait for the buffer that they come back in. */
  const submitBatch = (program: Program, images: ImageBatch, into: Staging, at: FeaturePlan): Pending => {
    watched.check();
    const { count } = images;
    const encoder = watched.device.createCommandEncoder({ label: "inference" });
    imageFeed.encode("inference", images, encoder);
    uniforms.setBuiltin("count", count);
    uniforms.write();
    const last = session.encode(encoder, program, count);
    const segments = segmentsOf(at, 0, count * elementCount(at));
    const readback = copyInto(into, watched, buffers, last, segments);
    session.submit(last);
    const logits = readback.take().then(joined);
    logits.catch(() => undefined);
    return { logits };
  };
  /** The same as soon as logits can be read back. */
  const submitNext = (program: Program, images: ImageBatch, at: FeaturePlan = logitsPlan): Promise<Pending> =>
    session.staging("logits").wait((into) => submitBatch(program, images, into, at));

  const evaluateOpened = async (source: OpenedDataset, signal?: StopSignal): Promise<Metrics | undefined> => {
    watched.check();
    const program = await session.prepare("inference");
    const order = ascending(source.size);
    let [loss, right] = [0, 0];
    const pending: (Pending & { labels: Uint32Array })[] = [];
    const finish = async (): Promise<void> => {
      const oldest = pending.shift();
      if (oldest === undefined) return;
      const logits = await oldest.logits;
      oldest.labels.forEach((label, index) => {
        const row = logits.subarray(index * outputs, (index + 1) * outputs);
        loss += crossEntropy(row, label);
        right += firstMaximum(row) === label ? 1 : 0;
      });
    };
    for await (const { images, labels } of source.batches(order, plan.batch, undefined)) {
      if (signal?.aborted) return undefined;
      await imageFeed.prepare("inference", images);
      const checked = checkLabels(plan, labels, labels.length);
      pending.push({ ...(await submitNext(program, images)), labels: checked });
      if (pending.length >= batchesUnderWay) await finish();
    }
    while (pending.length > 0) await finish();
    return { loss: loss / source.size, accuracy: right / source.size };
  };

  return {
    async predict(images, name) {
      watched.check();
      const { features = {} } = plan.inference;
      const at = name === undefined ? logitsPlan : features[name];
      if (!at)
        return refuse(`${plan.name} has no feature ${name}; it has ${Object.keys(features).join(", ") || "none"}`);
      const size = elementCount(at);
      const all = toBatch(plan, images);
      const { count } = all;
      const program = await session.prepare("inference");
      await imageFeed.prepare("inference", all);
      const values = new Float32Array(count * size);
      const pending: (Pending & { start: number })[] = [];
      const finish = async (): Promise<void> => {
        const oldest = pending.shift();
        if (oldest) values.set(await oldest.logits, oldest.start * size);
      };
      for (let start = 0; start < count; start += plan.batch) {
        const end = Math.min(start + plan.batch, count);
        pending.push({ ...(await submitNext(program, partOf(all, start, end), at)), start });
        if (pending.length >= batchesUnderWay) await finish();
      }
      while (pending.length > 0) await finish();
      return values;
    },

    async evaluate(dataset) {
      watched.check();
      return evaluateOpened(openDataset(plan, dataset)) as Promise<Metrics>;
    },
    evaluateOpened,
  };
}

/** -log softmax(logits)[label]; of log-probabilities, too, since softmax leaves them as they are. */
export function crossEntropy(logits: ArrayLike<number>, label: number): number {
  return logSum(logits) - (logits[label] as number);
}

/** The logarithm of the sum of exponentials, of which none overflows. */
export function logSum(values: ArrayLike<number>): number {
  const greatest = values[firstMaximum(values)] as number;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.exp((values[i] as number) - greatest);
  return Math.log(sum) + greatest;
}

/** The index of the first greatest value. */
export function firstMaximum(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}

/** The class of each row of logits. */
export function classesOf(logits: Float32Array | Float64Array, classes: number): Uint32Array<ArrayBuffer> {
  if (classes < 1) refuse("there are no classes");
  return Uint32Array.from({ length: logits.length / classes }, (_, row) =>
    firstMaximum(logits.subarray(row * classes, (row + 1) * classes)),
  );
}

/** The log-softmax of each row of logits. */
export function logProbabilitiesOf(logits: Float32Array | Float64Array, classes: number): Float64Array<ArrayBuffer> {
  const result = Float64Array.from(logits);
  for (let start = 0; start < logits.length; start += classes) {
    const row = result.subarray(start, start + classes);
    const sum = logSum(row);
    row.forEach((logit, index) => {
      row[index] = logit - sum;
    });
  }
  return result;
}

/** The softmax of each row of logits. */
export function probabilitiesOf(logits: Float32Array | Float64Array, classes: number): Float32Array<ArrayBuffer> {
  return Float32Array.from(logProbabilitiesOf(logits, classes), Math.exp);
}
