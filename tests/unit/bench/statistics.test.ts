import { describe, expect, test } from "@jest/globals";
import {
  compareOutcomes,
  fastest,
  median,
  spread,
  summarizeEntries,
  summarizeRuns,
} from "../../../bench/statistics.ts";
import type { EntryRun, RateRun, RowContext, StepSample } from "../../../bench/statistics.ts";

const step = (wallSeconds: number, cpuSeconds: number, createdBytes = 0): StepSample => ({
  wallSeconds,
  cpuSeconds,
  dispatches: 15,
  submits: 1,
  hostWaits: 0,
  createdBytes,
});

const run = (steps: readonly StepSample[], changes: Partial<EntryRun> = {}): EntryRun => ({
  loadSeconds: 0.1,
  cold: { wallSeconds: 4, cpuSeconds: 5 },
  steps,
  peakBytes: 1000,
  outcomes: [2.3, 2.2],
  adapter: "an adapter",
  ...changes,
});

const rates: readonly RateRun[] = [
  { variant: "4x4", wallRate: 3000, cpuRate: 1000 },
  { variant: "8x8", wallRate: 2000, cpuRate: 2000 },
];

const context: RowContext = { program: "training", batch: 10, multiplyAdds: 20, software: true, rates };
const reference = [2.3, 2.2];

describe("median and spread", () => {
  test("the middle of an odd number of values, whatever their order", () => {
    expect(median([10, 1, 9])).toBe(9);
  });
  test("the mean of the two middle ones of an even number", () => {
    expect(median([4, 1, 100, 2])).toBe(3);
  });
  test("nothing has no median and no minimum", () => {
    expect(spread([])).toEqual({ median: NaN, minimum: NaN });
  });
  test("values stay in their order", () => {
    const values = [3, 1, 2];
    expect(spread(values)).toEqual({ median: 2, minimum: 1 });
    expect(values).toEqual([3, 1, 2]);
  });
});

describe("compareOutcomes", () => {
  test("rounding is no disagreement", () => {
    expect(compareOutcomes([2.3001, 2.2], [2.3, 2.2001])).toBe("");
  });
  test("the first step that differs is told with both losses", () => {
    expect(compareOutcomes([2.3, 2.25, 9], [2.3, 2.2, 2.1])).toBe("step 1: 2.2500, not 2.2000");
  });
  test("NaN disagrees", () => {
    expect(compareOutcomes([NaN], [2.3])).toBe("step 0: NaN, not 2.3000");
  });
  test("steps that only one of them has are passed by", () => {
    expect(compareOutcomes([2.3], [2.3, 2.2])).toBe("");
  });
});

describe("summarizeRuns", () => {
  test("steps of all processes count alike", () => {
    const row = summarizeRuns("cnnc", [run([step(1, 2), step(3, 4)]), run([step(2, 6)])], reference, context);
    expect(row).toMatchObject({
      rounds: 2,
      samples: 3,
      wallSeconds: { median: 2, minimum: 1 },
      cpuSeconds: { median: 4, minimum: 2 },
      imagesPerSecond: 5,
      dispatches: 15,
      submits: 1,
      hostWaits: 0,
    });
  });
  test("a step counts as three times its forward multiply-adds, against the best rate by CPU time", () => {
    expect(summarizeRuns("cnnc", [run([step(1, 2)])], reference, context).rateShare).toBeCloseTo(
      (3 * 20 * 10) / 2 / 2000,
    );
  });
  test("on a GPU the share is one of wall-clock time", () => {
    const row = summarizeRuns("cnnc", [run([step(1, 2)])], reference, { ...context, software: false });
    expect(row.rateShare).toBeCloseTo((3 * 20 * 10) / 1 / 3000);
  });
  test("a prediction counts its multiply-adds once", () => {
    const row = summarizeRuns("cnnc", [run([step(1, 2)])], reference, { ...context, program: "inference" });
    expect(row.rateShare).toBeCloseTo((20 * 10) / 2 / 2000);
  });
  test("where CPU time is unknown, wall-clock time counts on a software adapter too", () => {
    const { cpuSeconds: _, ...browserStep } = step(2, 0);
    const browserRun = { ...run([browserStep]), cold: { wallSeconds: 4 } };
    const browserRates = rates.map(({ variant, wallRate }) => ({ variant, wallRate }));
    const row = summarizeRuns("cnnc", [browserRun], reference, { ...context, rates: browserRates });
    expect(row).not.toHaveProperty("cpuSeconds");
    expect(row).not.toHaveProperty("coldCpuSeconds");
    expect(row.rateShare).toBeCloseTo((3 * 20 * 10) / 2 / 3000);
  });
  test("without a matrix product there is no share", () => {
    expect(summarizeRuns("cnnc", [run([step(1, 2)])], reference, { ...context, rates: [] })).not.toHaveProperty(
      "rateShare",
    );
  });
  test("the highest peak counts, and the middle of the bytes created", () => {
    const runs = [run([step(1, 1, 4), step(1, 1, 400), step(1, 1, 8)]), run([], { peakBytes: 2000 })];
    expect(summarizeRuns("tfjs", runs, reference, context)).toMatchObject({ peakBytes: 2000, createdBytes: 8 });
  });
  test("an entry without WebGPU has no counts", () => {
    const plain = { loadSeconds: 0, cold: { wallSeconds: 1, cpuSeconds: 1 }, outcomes: [2.3], adapter: "a CPU" };
    const row = summarizeRuns("torch", [{ ...plain, steps: [{ wallSeconds: 1, cpuSeconds: 1 }] }], reference, context);
    for (const name of ["dispatches", "submits", "hostWaits", "createdBytes", "peakBytes"]) {
      expect(row).not.toHaveProperty(name);
    }
  });
  test("one process that disagrees is enough", () => {
    const runs = [run([step(1, 1)]), run([step(1, 1)], { outcomes: [2.3, 3] })];
    expect(summarizeRuns("tfjs", runs, reference, context).disagreement).toBe("step 1: 3.0000, not 2.2000");
  });
  test("an entry that measured nothing is an error that names it", () => {
    expect(() => summarizeRuns("tfjs", [run([])], reference, context)).toThrow("tfjs measured no step");
  });
});

test("entries are compared with the first one that measured something", () => {
  const runs = new Map([
    ["torch", []],
    ["cnnc", [run([step(1, 1)], { outcomes: [5, 4] })]],
    ["tfjs", [run([step(2, 2)], { outcomes: [5, 3] })]],
  ]);
  const rows = summarizeEntries(runs, context).map(({ entry, disagreement }) => [entry, disagreement]);
  expect(rows).toEqual([
    ["cnnc", ""],
    ["tfjs", "step 1: 3.0000, not 4.0000"],
  ]);
  expect(summarizeEntries(new Map(), context)).toEqual([]);
});

test("the fastest product depends on whose time counts", () => {
  expect(fastest(rates, true)?.variant).toBe("8x8");
  expect(fastest(rates, false)?.variant).toBe("4x4");
  expect(fastest([], true)).toBeUndefined();
});
