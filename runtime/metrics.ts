import type { Buffers } from "./buffers.ts";
import type { WatchedDevice } from "./device.ts";
import type { TrainingPlan } from "./plan.ts";
import { copyOut } from "./readback.ts";
import type { BufferRange } from "./readback.ts";

/** Means over the samples of a step, before its update. */
export interface Metrics {
  readonly loss: number;
  readonly accuracy: number;
}

/** A training step that the GPU was given. */
export interface TrainingStep {
  /** The step's number; the first after `init` is 0. */
  readonly index: number;
  /** Samples in the step. */
  readonly count: number;
  /** The step's loss and accuracy, once the GPU has got there. Rejects when it failed. */
  metrics(): Promise<Metrics>;
}

/**
 * Reads the ring of per-sample losses back. Each step writes one row; while few copies are under way its commands end with
 * a copy of the rows not copied yet, which is mapped without anyone waiting for it. So slow steps are seen one by one,
 * fast ones several at a time, and no row is written over before it was copied.
 */
export interface MetricsReader {
  /** The next step's row; its number goes into the uniform block. */
  reserve(count: number): MetricsRow;
  /** Adds a copy to the commands of the step just encoded, if it is time for one; call the result after the submit. */
  copy(encoder: GPUCommandEncoder): (() => void) | undefined;
}

export interface MetricsRow {
  readonly slot: number;
  result(): Promise<Metrics>;
}

interface PendingRow extends MetricsRow {
  readonly count: number;
  resolve(metrics: Metrics): void;
  reject(error: unknown): void;
}

const copiesUnderWay = 3;

export function createMetricsReader(
  training: TrainingPlan,
  batch: number,
  watched: WatchedDevice,
  buffers: Buffers,
  submit: (encoder: GPUCommandEncoder) => void,
): MetricsReader {
  const { buffer, slots } = training.metrics;
  const rowBytes = batch * 8;
  let [rows, underWay] = [0, 0];
  let uncopied: PendingRow[] = [];

  const copyNow = (encoder: GPUCommandEncoder): (() => void) => {
    const copied = uncopied;
    uncopied = [];
    const ranges = copied.map(({ slot, count }): BufferRange => ({ buffer, offset: slot * rowBytes, size: count * 8 }));
    const readback = copyOut(watched, buffers, encoder, ranges, slots * rowBytes);
    underWay++;
    return () => {
      readback.take().then(
        (values) => {
          underWay--;
          copied.forEach((row, index) => {
            row.resolve(meansOf(values[index] as Float32Array));
          });
        },
        (error: unknown) => {
          underWay--;
          for (const row of copied) row.reject(error);
        },
      );
    };
  };

  return {
    reserve(count) {
      const slot = rows++ % slots;
      let resolve: PendingRow["resolve"] = () => undefined;
      let reject: PendingRow["reject"] = () => undefined;
      const result = new Promise<Metrics>((onValue, onError) => {
        resolve = onValue;
        reject = onError;
      });
      // A step that nobody asks about must not end the program when it fails.
      result.catch(() => undefined);
      const row: PendingRow = {
        slot,
        count,
        resolve,
        reject,
        async result() {
          if (uncopied.includes(row)) {
            watched.check();
            const encoder = watched.device.createCommandEncoder({ label: "metrics" });
            const read = copyNow(encoder);
            submit(encoder);
            read();
          }
          return watched.wait(result);
        },
      };
      uncopied.push(row);
      return row;
    },
    copy: (encoder) => (underWay < copiesUnderWay || uncopied.length >= slots ? copyNow(encoder) : undefined),
  };
}

/** Means of pairs [loss, 1 if right else 0]. */
function meansOf(pairs: Float32Array): Metrics {
  let [loss, right] = [0, 0];
  for (let i = 0; i < pairs.length; i += 2) {
    loss += pairs[i] as number;
    right += pairs[i + 1] as number;
  }
  const count = pairs.length / 2;
  return { loss: loss / count, accuracy: right / count };
}
