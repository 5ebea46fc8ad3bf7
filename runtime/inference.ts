import { openDataset, readBatches } from "./dataset.ts";
import type { Dataset } from "./dataset.ts";
import { checkLabels, countImages, imageSize, outputSize, refuse } from "./input.ts";
import type { Metrics } from "./metrics.ts";
import { copyOut } from "./readback.ts";
import type { Readback } from "./readback.ts";
import type { Session } from "./session.ts";
import type { Program } from "./step.ts";

export interface Predictor {
  predict(images: Float32Array): Promise<Float32Array<ArrayBuffer>>;
  evaluate(dataset: Dataset): Promise<Metrics>;
}

/** Batches that the GPU is given before the first one's logits are waited for. */
const batchesInFlight = 3;

export function createPredictor(session: Session): Predictor {
  const { plan, watched, buffers, uniforms } = session;
  const outputs = outputSize(plan);

  const submitBatch = (program: Program, images: Float32Array, count: number): Readback => {
    watched.check();
    const { inference } = plan;
    buffers.write(inference.images.buffer, inference.images.offset, images as Float32Array<ArrayBuffer>);
    uniforms.setBuiltin("count", count);
    uniforms.write();
    const encoder = watched.device.createCommandEncoder({ label: "inference" });
    session.encode(encoder, program, count);
    const ranges = [{ ...inference.logits, size: count * outputs * 4 }];
    const readback = copyOut(watched, buffers, encoder, ranges, plan.batch * outputs * 4);
    session.submit(encoder);
    return readback;
  };

  return {
    async predict(images) {
      watched.check();
      const count = countImages(plan, images);
      const program = await session.prepare("inference");
      const logits = new Float32Array(count * outputs);
      const pending: { readback: Readback; start: number }[] = [];
      const finish = async (): Promise<void> => {
        const oldest = pending.shift();
        if (oldest) logits.set((await oldest.readback.take())[0] as Float32Array, oldest.start * outputs);
      };
      for (let start = 0; start < count; start += plan.batch) {
        const end = Math.min(start + plan.batch, count);
        const batch = images.subarray(start * imageSize(plan), end * imageSize(plan));
        pending.push({ readback: submitBatch(program, batch, end - start), start });
        if (pending.length >= batchesInFlight) await finish();
      }
      while (pending.length > 0) await finish();
      return logits;
    },

    async evaluate(dataset) {
      watched.check();
      const source = openDataset(plan, dataset);
      const program = await session.prepare("inference");
      const order = Uint32Array.from({ length: source.size }, (_, index) => index);
      let [loss, right] = [0, 0];
      const pending: { readback: Readback; labels: Uint32Array }[] = [];
      const finish = async (): Promise<void> => {
        const oldest = pending.shift();
        if (oldest === undefined) return;
        const [logits] = await oldest.readback.take();
        oldest.labels.forEach((label, index) => {
          const row = (logits as Float32Array).subarray(index * outputs, (index + 1) * outputs);
          loss += crossEntropy(row, label);
          right += argmax(row) === label ? 1 : 0;
        });
      };
      for await (const { images, labels } of readBatches(plan, source, order, plan.batch, undefined)) {
        const checked = checkLabels(plan, labels, labels.length);
        pending.push({ readback: submitBatch(program, images, labels.length), labels: checked });
        if (pending.length >= batchesInFlight) await finish();
      }
      while (pending.length > 0) await finish();
      return { loss: loss / source.size, accuracy: right / source.size };
    },
  };
}

/** -log softmax(logits)[label]; of log-probabilities, too, since softmax leaves them as they are. */
function crossEntropy(logits: Float32Array, label: number): number {
  const greatest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - greatest);
  return Math.log(sum) + greatest - (logits[label] as number);
}

/** The first greatest. */
function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}

/** The class of each row of logits. */
export function classesOf(logits: Float32Array, classes: number): Uint32Array<ArrayBuffer> {
  if (classes < 1) refuse("there are no classes");
  return Uint32Array.from({ length: logits.length / classes }, (_, row) =>
    argmax(logits.subarray(row * classes, (row + 1) * classes)),
  );
}

/** The softmax of each row of logits. */
export function probabilitiesOf(logits: Float32Array, classes: number): Float32Array<ArrayBuffer> {
  const result = new Float32Array(logits.length);
  for (let start = 0; start < logits.length; start += classes) {
    const row = logits.subarray(start, start + classes);
    row.forEach((_, index) => {
      result[start + index] = Math.exp(-crossEntropy(row, index));
    });
  }
  return result;
}
