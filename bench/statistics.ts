/** From what the processes measured to one row per entry; pure. */

/** One warm training step. */
export interface StepSample {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  /** Counts are absent where an entry uses no WebGPU. */
  readonly dispatches?: number;
  readonly submits?: number;
  readonly hostWaits?: number;
  readonly createdBytes?: number;
}

/** What one process of an entry reports. */
export interface EntryRun {
  /** Seconds to import the library. */
  readonly loadSeconds: number;
  readonly cold: { readonly wallSeconds: number; readonly cpuSeconds: number };
  readonly steps: readonly StepSample[];
  readonly peakBytes?: number;
  /** Of the first steps, the cold one included. */
  readonly losses: readonly number[];
  /** The adapter, or what stands in its place. */
  readonly adapter: string;
}

/** The best matrix product that one process found. */
export interface RateRun {
  readonly variant: string;
  /** Multiply-adds a second of wall-clock time, and of process CPU time. */
  readonly wallRate: number;
  readonly cpuRate: number;
}

export interface Spread {
  readonly median: number;
  readonly minimum: number;
}

export interface EntryRow {
  readonly entry: string;
  readonly adapter: string;
  readonly rounds: number;
  readonly samples: number;
  readonly wallSeconds: Spread;
  readonly cpuSeconds: Spread;
  readonly coldSeconds: Spread;
  readonly coldCpuSeconds: Spread;
  readonly loadSeconds: Spread;
  readonly dispatches?: number;
  readonly submits?: number;
  readonly hostWaits?: number;
  readonly peakBytes?: number;
  readonly createdBytes?: number;
  /** By the median of wall-clock time. */
  readonly imagesPerSecond: number;
  /** Rate of the fastest step over the best rate of a matrix product; absent where none was measured. */
  readonly rateShare?: number;
  readonly losses: readonly number[];
  /** "" where they are the reference's; else the first difference in words. */
  readonly disagreement: string;
}

export interface RowContext {
  readonly batch: number;
  /** Forward, of one image. */
  readonly multiplyAdds: number;
  /** A software adapter computes in the process, so its time is CPU time; a GPU's is wall-clock time. */
  readonly software: boolean;
  readonly rates: readonly RateRun[];
  readonly referenceLosses: readonly number[];
}

/** The middle value, or the mean of the two middle ones; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

export function spread(values: readonly number[]): Spread {
  return { median: median(values), minimum: values.length === 0 ? NaN : Math.min(...values) };
}

/** Losses of the same step on the same data differ by rounding alone: by less than this share of the loss. */
export const lossTolerance = 2e-3;

/** "" when the losses of the steps that both have agree, else the first that does not. */
export function compareLosses(losses: readonly number[], reference: readonly number[]): string {
  for (let step = 0; step < Math.min(losses.length, reference.length); step++) {
    const [found, expected] = [losses[step] ?? NaN, reference[step] ?? NaN];
    // Written so that NaN disagrees.
    if (!(Math.abs(found - expected) <= lossTolerance * Math.max(Math.abs(expected), 1e-3))) {
      return `step ${step}: ${found.toPrecision(5)}, not ${expected.toPrecision(5)}`;
    }
  }
  return "";
}

/** Sums up an entry's processes; at least one of them must have measured a step. */
export function summarizeRuns(entry: string, runs: readonly EntryRun[], context: RowContext): EntryRow {
  const steps = runs.flatMap((run) => run.steps);
  const [first] = runs;
  if (first === undefined || steps.length === 0) throw new Error(`${entry} measured no step`);
  const wallSeconds = spread(steps.map((step) => step.wallSeconds));
  const cpuSeconds = spread(steps.map((step) => step.cpuSeconds));
  const stepWork = 3 * context.multiplyAdds * context.batch;
  const best = fastest(context.rates, context.software);
  const stepSeconds = context.software ? cpuSeconds.minimum : wallSeconds.minimum;
  const peaks = runs.flatMap((run) => run.peakBytes ?? []);
  const disagreements = runs.map((run) => compareLosses(run.losses, context.referenceLosses));
  return {
    entry,
    adapter: first.adapter,
    rounds: runs.length,
    samples: steps.length,
    wallSeconds,
    cpuSeconds,
    coldSeconds: spread(runs.map((run) => run.cold.wallSeconds)),
    coldCpuSeconds: spread(runs.map((run) => run.cold.cpuSeconds)),
    loadSeconds: spread(runs.map((run) => run.loadSeconds)),
    ...medianOf("dispatches", steps),
    ...medianOf("submits", steps),
    ...medianOf("hostWaits", steps),
    ...medianOf("createdBytes", steps),
    ...(peaks.length > 0 && { peakBytes: Math.max(...peaks) }),
    imagesPerSecond: context.batch / wallSeconds.median,
    ...(best !== undefined && { rateShare: stepWork / stepSeconds / rateOf(best, context.software) }),
    losses: first.losses,
    disagreement: disagreements.find((text) => text !== "") ?? "",
  };
}

/** The fastest of a run's matrix products, by CPU time on a software adapter and by wall-clock time on a GPU. */
export function fastest(rates: readonly RateRun[], software: boolean): RateRun | undefined {
  return rates.reduce<RateRun | undefined>(
    (best, run) => (best === undefined || rateOf(run, software) > rateOf(best, software) ? run : best),
    undefined,
  );
}

function rateOf(run: RateRun, software: boolean): number {
  return software ? run.cpuRate : run.wallRate;
}

type Count = "dispatches" | "submits" | "hostWaits" | "createdBytes";

function medianOf(name: Count, steps: readonly StepSample[]): Partial<Record<Count, number>> {
  const counts = steps.flatMap((step) => step[name] ?? []);
  return counts.length === 0 ? {} : { [name]: median(counts) };
}
