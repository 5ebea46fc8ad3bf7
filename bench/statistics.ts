/** From what the processes measured to one row per entry; pure. */

/** What a step does: trains on a batch, or predicts one. */
export type BenchProgram = "training" | "inference";

/** One warm step. */
export interface StepSample {
  readonly wallSeconds: number;
  /** Of the process; absent in browsers. */
  readonly cpuSeconds?: number;
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
  readonly cold: { readonly wallSeconds: number; readonly cpuSeconds?: number };
  readonly steps: readonly StepSample[];
  readonly peakBytes?: number;
  /** Of the first steps, the cold one included: their losses, or the mean squares of their outputs. */
  readonly outcomes: readonly number[];
  /** The adapter, or what stands in its place. */
  readonly adapter: string;
}

/** One matrix product that was timed. */
export interface RateRun {
  readonly variant: string;
  /** Multiply-adds a second of wall-clock time, and of process CPU time where it can be asked for. */
  readonly wallRate: number;
  readonly cpuRate?: number;
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
  readonly cpuSeconds?: Spread;
  readonly coldSeconds: Spread;
  readonly coldCpuSeconds?: Spread;
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
  readonly outcomes: readonly number[];
  /** "" where they are the reference's; else the first difference in words. */
  readonly disagreement: string;
}

export interface RowContext {
  readonly program: BenchProgram;
  readonly batch: number;
  /** Forward, of one image. */
  readonly multiplyAdds: number;
  /** A software adapter computes in the process, so its time is CPU time where that is known; a GPU's is wall-clock time. */
  readonly software: boolean;
  readonly rates: readonly RateRun[];
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

/** Outcomes of the same step on the same data differ by rounding alone: by less than this share. */
export const outcomeTolerance = 2e-3;

/** "" when the outcomes of the steps that both have agree, else the first that does not. */
export function compareOutcomes(outcomes: readonly number[], reference: readonly number[]): string {
  for (let step = 0; step < Math.min(outcomes.length, reference.length); step++) {
    const [found, expected] = [outcomes[step] ?? NaN, reference[step] ?? NaN];
    // Written so that NaN disagrees.
    if (!(Math.abs(found - expected) <= outcomeTolerance * Math.max(Math.abs(expected), 1e-3))) {
      return `step ${step}: ${found.toPrecision(5)}, not ${expected.toPrecision(5)}`;
    }
  }
  return "";
}

/** One row for each entry that measured something, in their order; the first one's outcomes are what the others are compared with. */
export function summarizeEntries(
  runs: ReadonlyMap<string, readonly EntryRun[]>,
  context: RowContext,
): readonly EntryRow[] {
  const measured = [...runs].filter(([, entryRuns]) => entryRuns.length > 0);
  const reference = measured[0]?.[1][0]?.outcomes ?? [];
  return measured.map(([entry, entryRuns]) => summarizeRuns(entry, entryRuns, reference, context));
}

/** Sums up an entry's processes; at least one of them must have measured a step. */
export function summarizeRuns(
  entry: string,
  runs: readonly EntryRun[],
  reference: readonly number[],
  context: RowContext,
): EntryRow {
  const steps = runs.flatMap((run) => run.steps);
  const [first] = runs;
  if (first === undefined || steps.length === 0) throw new Error(`${entry} measured no step`);
  const wallSeconds = spread(steps.map((step) => step.wallSeconds));
  const cpuSeconds = spreadOf(steps.map((step) => step.cpuSeconds));
  const coldCpuSeconds = spreadOf(runs.map((run) => run.cold.cpuSeconds));
  // The gradients with respect to weights and to inputs take the forward pass's multiply-adds once more each.
  const stepWork = (context.program === "training" ? 3 : 1) * context.multiplyAdds * context.batch;
  const best = fastest(context.rates, context.software);
  const stepSeconds = context.software ? (cpuSeconds ?? wallSeconds).minimum : wallSeconds.minimum;
  const peaks = runs.flatMap((run) => run.peakBytes ?? []);
  const disagreements = runs.map((run) => compareOutcomes(run.outcomes, reference));
  return {
    entry,
    adapter: first.adapter,
    rounds: runs.length,
    samples: steps.length,
    wallSeconds,
    ...(cpuSeconds && { cpuSeconds }),
    coldSeconds: spread(runs.map((run) => run.cold.wallSeconds)),
    ...(coldCpuSeconds && { coldCpuSeconds }),
    loadSeconds: spread(runs.map((run) => run.loadSeconds)),
    ...medianOf("dispatches", steps),
    ...medianOf("submits", steps),
    ...medianOf("hostWaits", steps),
    ...medianOf("createdBytes", steps),
    ...(peaks.length > 0 && { peakBytes: Math.max(...peaks) }),
    imagesPerSecond: context.batch / wallSeconds.median,
    ...(best !== undefined && { rateShare: stepWork / stepSeconds / rateOf(best, context.software) }),
    outcomes: first.outcomes,
    disagreement: disagreements.find((text) => text !== "") ?? "",
  };
}

/** The fastest matrix product, by CPU time on a software adapter where that is known, else by wall-clock time. */
export function fastest(rates: readonly RateRun[], software: boolean): RateRun | undefined {
  return rates.reduce<RateRun | undefined>(
    (best, run) => (best === undefined || rateOf(run, software) > rateOf(best, software) ? run : best),
    undefined,
  );
}

/** Multiply-adds a second, of CPU time or of wall-clock time as `fastest` chooses. */
export function rateOf(run: RateRun, software: boolean): number {
  return software ? (run.cpuRate ?? run.wallRate) : run.wallRate;
}

function spreadOf(values: readonly (number | undefined)[]): Spread | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : spread(known);
}

type Count = "dispatches" | "submits" | "hostWaits" | "createdBytes";

function medianOf(name: Count, steps: readonly StepSample[]): Partial<Record<Count, number>> {
  const counts = steps.flatMap((step) => step[name] ?? []);
  return counts.length === 0 ? {} : { [name]: median(counts) };
}
