import { trainingOf } from "./programs.ts";
import { copyInto, oneStaging } from "./readback.ts";
import type { BufferRange, Staging } from "./readback.ts";
import type { Session } from "./session.ts";

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
 * Reads the ring of per-sample losses back. Each step writes one row; while a staging buffer is free its commands end with a
 * copy of the rows not copied yet, which is mapped without anyone waiting for it. So slow steps are seen one by one, fast ones
 * several at a time. No row is written over before it was copied: where a whole ring of steps waits and no staging buffer is
 * free, the copy gets one of its own, which is freed afterwards.
 */
export interface MetricsReader {
  /** The next step's row; its number goes into the uniform block. */
  reserve(count: number): MetricsRow;
  /**
   * Adds a copy to the commands of the step just encoded, if it is time for one or `always`; call the result after the
   * submit.
   */
  copy(encoder: GPUCommandEncoder, always: boolean): (() => void) | undefined;
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

export function createMetricsReader({ plan, watched, buffers, submit, staging }: Session): MetricsReader {
  const { buffer, slots } = trainingOf(plan).metrics;
  const rowBytes = plan.batch * 8;
  const pool = staging("metrics");
  let rows = 0;
  let uncopied: PendingRow[] = [];

  const copyNow = (encoder: GPUCommandEncoder, into: Staging): (() => void) => {
    const copied = uncopied;
    uncopied = [];
    const ranges = copied.map(({ slot, count }): BufferRange => ({ buffer, offset: slot * rowBytes, size: count * 8 }));
    const readback = copyInto(into, watched, buffers, encoder, ranges);
    return () => {
      readback.take().then(
        (values) => {
          copied.forEach((row, index) => {
            row.resolve(meansOf(values[index] as Float32Array));
          });
        },
        (error: unknown) => {
          for (const row of copied) row.reject(error);
        },
      );
    };
  };
  /** Copies a row that no step's commands have copied. */
  const copyAlone = (row: PendingRow): Promise<void> =>
    pool.wait((into) => {
      // Meanwhile another copy may have taken it along.
      if (!uncopied.includes(row)) return into.release();
      watched.check();
      const encoder = watched.device.createCommandEncoder({ label: "metrics" });
      const read = copyNow(encoder, into);
      submit(encoder);
      read();
    });

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
          if (uncopied.includes(row)) await copyAlone(row);
          return watched.wait(result);
        },
      };
      uncopied.push(row);
      return row;
    },
    copy(encoder, always) {
      const mustCopy = always || uncopied.length >= slots;
      const into = pool.take() ?? (mustCopy ? oneStaging(buffers, slots * rowBytes) : undefined);
      return into && copyNow(encoder, into);
    },
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
