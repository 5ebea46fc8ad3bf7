import { describe, expect, test } from "@jest/globals";
import { join } from "node:path";
import type { EntryRun } from "../../../bench/statistics.ts";
import * as runtime from "../../../runtime/index.ts";

// The bench's scripts run as they are, without types: what they take and give is said here.
type Load = (name: string) => Promise<unknown>;
const load: Load = (name) => import(join(import.meta.dirname, "../../../bench", name));
interface Data {
  readonly weights: Float32Array;
  readonly images: Float32Array;
  readonly labels: Uint32Array;
}
interface Batch {
  readonly images: Float32Array;
  readonly labels: Uint32Array;
}
const { takeSteps, batchesOf, meanSquare } = (await load("takeSteps.mjs")) as {
  takeSteps(options: Readonly<Record<string, unknown>>): Promise<EntryRun>;
  batchesOf(network: object, data: object): readonly Batch[];
  meanSquare(outputs: Float32Array): number;
};
const { drawData } = (await load("drawData.mjs")) as { drawData(network: object, from: typeof runtime): Data };
const { describeAdapter } = (await load("openGpu.mjs")) as {
  describeAdapter(info: object): { readonly description: string; readonly software: boolean };
};

const network = {
  seed: 3,
  batch: 2,
  inputShape: [1, 2, 1],
  classes: 4,
  parameters: [{ name: "weight", shape: [2, 3], offset: 0, initial: { kind: "uniform", low: -1, high: 1 } }],
  states: [{ name: "running_var", shape: [3], offset: 6, initial: { kind: "constant", value: 1 } }],
};
const data = drawData(network, runtime);

/** A library whose steps say which images they saw, and a GPU that counts a dispatch a step and 100 for a wait that nobody times. */
function fakes(): { readonly seen: number[]; readonly options: Readonly<Record<string, unknown>> } {
  const totals = { dispatches: 0, submits: 0, hostWaits: 0, createdBytes: 0, peakBytes: 7 };
  const seen: number[] = [];
  const take = ({ images }: Batch): void => {
    totals.dispatches++;
    seen.push(images[0] ?? NaN);
  };
  const opened = {
    step: (batch: Batch) => (take(batch), { loss: Promise.resolve(seen.length) }),
    infer: (batch: Batch) => (take(batch), Promise.resolve(Float32Array.of(3, seen.length))),
  };
  const drain = (): Promise<void> => {
    totals.dispatches += 100;
    return Promise.resolve();
  };
  const watch = { snapshot: () => ({ ...totals }), drain };
  const library = { create: () => Promise.resolve(opened) };
  return { seen, options: { load: () => Promise.resolve(library), network, data, watch, steps: 3, seconds: 60 } };
}

describe("takeSteps", () => {
  test("a cold step, one that is not counted, and the timed ones, over the batches in turn", async () => {
    const { seen, options } = fakes();
    let cpu = 0;
    const run = await takeSteps({ ...options, program: "training", cpuSeconds: () => (cpu += 2) });
    expect(run.steps).toHaveLength(3);
    for (const step of run.steps) expect(step).toMatchObject({ cpuSeconds: 2, dispatches: 1, createdBytes: 0 });
    expect(run).toMatchObject({ cold: { cpuSeconds: 2 }, peakBytes: 7, outcomes: [1, 2, 3, 4] });
    expect(seen).toEqual([0, 1, 2, 3, 0].map((batch) => data.images[batch * 4]));
  });

  test("predictions are told apart by the mean square of their outputs, without CPU time where there is none", async () => {
    const run = await takeSteps({ ...fakes().options, program: "inference", steps: 1 });
    expect(run.outcomes).toEqual([(9 + 1) / 2, (9 + 4) / 2, (9 + 9) / 2]);
    expect(run.cold).not.toHaveProperty("cpuSeconds");
    expect(run.steps[0]).not.toHaveProperty("cpuSeconds");
  });

  test("two steps are timed however long they take", async () => {
    const run = await takeSteps({ ...fakes().options, program: "training", seconds: 0 });
    expect(run.steps).toHaveLength(2);
  });
});

test("batches are cut from the images and labels one after another", () => {
  const [first, second, ...others] = batchesOf(network, data);
  expect(first?.images).toEqual(data.images.slice(0, 4));
  expect(second?.labels).toEqual(data.labels.slice(2, 4));
  expect(others).toHaveLength(2);
});

test("meanSquare", () => expect(meanSquare(Float32Array.of(1, -3, 2, 0))).toBe(3.5));

test("weights are what the module draws from its seed, each tensor at its offset", () => {
  const weight = new Float32Array(6);
  runtime.drawInitial({ kind: "uniform", low: -1, high: 1 }, runtime.randomStream(3, "weight"), weight, 0);
  expect(data.weights).toEqual(Float32Array.of(...weight, 1, 1, 1));
  expect(data.images).toHaveLength(4 * 2 * 2);
  expect([...data.labels].every((label) => label < 4)).toBe(true);
});

describe("describeAdapter", () => {
  test("names that are numbers or empty are left out", () => {
    const info = { vendor: "65541", architecture: "", device: "0", description: "llvmpipe (LLVM 15)" };
    expect(describeAdapter(info)).toEqual({ description: "llvmpipe (LLVM 15) (software)", software: true });
  });
  test("a GPU by vendor and architecture", () => {
    const info = { vendor: "nvidia", architecture: "ampere", device: "", description: "" };
    expect(describeAdapter(info)).toEqual({ description: "nvidia ampere (hardware)", software: false });
  });
  test("a fallback adapter is software, whatever it is called", () => {
    expect(describeAdapter({ isFallbackAdapter: true })).toEqual({
      description: "unnamed adapter (software)",
      software: true,
    });
  });
});
