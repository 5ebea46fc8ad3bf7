import { describe, expect, test } from "@jest/globals";
import { DamagedPicture } from "../../../compiler/datasets/datasetError.ts";
import { shuffledOrder } from "../../../runtime/index.ts";
import { memorySet, type Dataset } from "../../../compiler/datasets/imageSet.ts";
import { evaluateNetwork, type ClassifyingNetwork } from "../../../compiler/training/evaluateNetwork.ts";
import type { EpochEntry, StepEntry } from "../../../compiler/training/trainingLog.ts";
import {
  startPosition,
  trainNetwork,
  type TrainedNetwork,
  type TrainingOptions,
  type TrainingPosition,
} from "../../../compiler/training/trainNetwork.ts";

const imageCount = 23;
const pixels = {
  count: imageCount,
  channels: 1,
  height: 1,
  width: 1,
  pixels: Uint8Array.from({ length: imageCount }, (_, i) => i * 11),
  labels: Uint8Array.from({ length: imageCount }, (_, i) => i % 3),
};
const set = memorySet(pixels);
const dataset: Dataset = { description: "small", classNames: ["a", "b", "c"], train: set, test: { ...set, count: 5 } };

/** Its state and losses depend on every image of every step, in order. */
function fakeNetwork(initial = 0): TrainedNetwork & { state: number } {
  return {
    state: initial,
    batch: 4,
    classes: 3,
    trainStep(images, labels, rate) {
      for (const [i, image] of images.raw.entries())
        this.state = (this.state * 0.9 + image * rate + (labels[i] ?? 0)) % 1;
      return Promise.resolve({ loss: this.state + 0.1, correct: 1 });
    },
    logits(images) {
      return Promise.resolve(Float32Array.from({ length: images.raw.length * 3 }, (_, i) => Math.sin(i) * this.state));
    },
  };
}

interface Trace {
  readonly steps: StepEntry[];
  readonly epochs: EpochEntry[];
  readonly positions: TrainingPosition[];
}

function run(network: TrainedNetwork, more: Partial<TrainingOptions>, trace: Trace): ReturnType<typeof trainNetwork> {
  return trainNetwork({
    network,
    dataset,
    batch: 4,
    epochs: 3,
    seed: 5,
    start: startPosition,
    rateAt: ({ step }) => 0.5 / (step + 1),
    signal: new AbortController().signal,
    now: () => 0,
    onStep: (entry) => trace.steps.push(entry),
    onEpoch: (entry) => trace.epochs.push(entry),
    onEvaluation: () => undefined,
    onCheckpoint: (position) => {
      trace.positions.push(position);
      return Promise.resolve();
    },
    ...more,
  });
}

const newTrace = (): Trace => ({ steps: [], epochs: [], positions: [] });

test("every image is seen once an epoch, the last batch is what remains", async () => {
  const trace = newTrace();
  expect(await run(fakeNetwork(), {}, trace)).toBe("finished");
  expect(trace.steps.map(({ step }) => step)).toEqual(Array.from({ length: 18 }, (_, i) => i + 1));
  expect(trace.positions.map(({ epoch, stepInEpoch }) => [epoch, stepInEpoch])).toEqual([[1, 0], [2, 0], [3, 0]]); // prettier-ignore
  expect(trace.epochs.at(-1)?.trainAccuracy).toBeCloseTo(6 / imageCount, 12);
});

test("an evaluation asks for a second batch's logits before the first have come, and overwrites no pictures that wait", async () => {
  const read = async (batchesAtOnce: 1 | 2): Promise<{ underWay: number; images: number[]; correct: number }> => {
    let [now, underWay] = [0, 0];
    const images: number[] = [];
    const network: ClassifyingNetwork = {
      ...{ batch: 4, classes: 3, batchesAtOnce },
      async logits({ raw }) {
        underWay = Math.max(underWay, ++now);
        for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
        images.push(...raw);
        now--;
        return Float32Array.from({ length: raw.length * 3 }, (_, i) => Math.sin(i + (raw[0] as number)));
      },
    };
    const { correct } = await evaluateNetwork(network, { ...set, readsAtOnce: true });
    return { underWay, images, correct };
  };
  const [one, two] = [await read(1), await read(2)];
  expect([one.underWay, two.underWay]).toEqual([1, 2]);
  expect(one.images).toEqual([...pixels.pixels]);
  expect(two).toEqual({ ...one, underWay: 2 });
});

test("a step or a batch that fails while pictures are waited for is heard when its turn comes", async () => {
  const slow: typeof set = {
    ...set,
    async read(indices, into) {
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
      await set.read(indices, into);
    },
  };
  const fails = (): Promise<never> => Promise.reject(new Error("the device is lost"));
  const training = run({ ...fakeNetwork(), trainStep: fails }, { dataset: { ...dataset, train: slow } }, newTrace());
  await expect(training).rejects.toThrow("the device is lost");
  const evaluation = evaluateNetwork({ batch: 4, classes: 3, batchesAtOnce: 2, logits: fails }, slow);
  await expect(evaluation).rejects.toThrow("the device is lost");
});

test("reading overlaps computing: steps are queued before the next pictures are there, and reading does not wait for steps", async () => {
  const events: string[] = [];
  /** Time for whatever is to happen first; what depends on the event happens all the same, and shows the wrong order. */
  const waitFor = async (event: string): Promise<void> => {
    for (let turn = 0; turn < 100 && !events.includes(event); turn++) await new Promise(setImmediate);
  };
  let [reads, steps] = [0, 0];
  const network = { ...fakeNetwork() };
  const slowNetwork: TrainedNetwork = {
    ...network,
    async trainStep() {
      const step = steps++;
      events.push(`queued ${step}`);
      await waitFor(step < 5 ? `queued ${step + 1}` : "");
      events.push(`computed ${step}`);
      return { loss: 1, correct: 1 };
    },
  };
  const train: typeof set = {
    ...set,
    async read(indices, into) {
      const batch = reads++;
      events.push(`begun ${batch}`);
      if (batch > 0) await waitFor(`queued ${batch - 1}`);
      await set.read(indices, into);
      events.push(`read ${batch}`);
    },
  };
  const before = (first: string, second: string): void => {
    expect([first, second, events.indexOf(first) < events.indexOf(second)]).toEqual([first, second, true]);
  };
  for (const readsAtOnce of [false, true]) {
    [reads, steps] = [0, 0];
    events.length = 0;
    await run(slowNetwork, { epochs: 1, dataset: { ...dataset, train: { ...train, readsAtOnce } } }, newTrace());
    expect(events.filter((event) => event.startsWith("computed"))).toHaveLength(6);
    for (let step = 0; step < 5; step++) {
      before(`queued ${step}`, `read ${step + 1}`);
      before(`begun ${step + 1}`, `computed ${step}`);
      before(`queued ${step + 1}`, `computed ${step}`);
      // Threads that decode have the next batch to go on with.
      if (readsAtOnce && step < 4) before(`begun ${step + 2}`, `read ${step + 1}`);
    }
  }
});

test.each([1, 6, 7, 11])("interrupted after step %i and resumed, it gives the same losses", async (stopAfter) => {
  const uninterrupted = newTrace();
  await run(fakeNetwork(), {}, uninterrupted);

  const controller = new AbortController();
  const network = fakeNetwork();
  const first = newTrace();
  const outcome = await run(network, {
    signal: controller.signal,
    onStep: (entry) => {
      first.steps.push(entry);
      if (entry.step === stopAfter) controller.abort();
    },
  }, first); // prettier-ignore
  expect(outcome).toBe("interrupted");
  const start = first.positions.at(-1) ?? startPosition;
  expect(start.step).toBe(first.steps.length);
  expect(first.steps.length).toBeLessThan(uninterrupted.steps.length);

  const second = newTrace();
  const stored = JSON.parse(JSON.stringify(start)) as TrainingPosition;
  await run(fakeNetwork(network.state), { start: stored }, second);
  expect([...first.steps, ...second.steps]).toEqual(uninterrupted.steps);
  const withoutSpeed = ({ imagesPerSecond: _, ...entry }: EpochEntry): object => entry;
  expect([...first.epochs, ...second.epochs].map(withoutSpeed)).toEqual(uninterrupted.epochs.map(withoutSpeed));
});

describe("pictures that are damaged", () => {
  const withDamaged = (bad: (image: number) => boolean): Dataset["train"] => ({
    ...set,
    read(indices, into, skip) {
      void set.read(indices, into);
      for (let at = 0; at < indices.length; at++) {
        const image = indices[at] as number;
        if (bad(image)) skip?.(at, new DamagedPicture(`${image}.png`, "its bytes do not decode"));
      }
    },
  });

  test("are left out of steps, figures and evaluation; a step of nothing else is counted, and taken by no network", async () => {
    const trace = newTrace();
    const skipped: string[] = [];
    const batches: number[] = [];
    const network: TrainedNetwork = {
      ...fakeNetwork(),
      trainStep: (images, labels) => {
        batches.push(images.raw.length);
        expect([...images.raw].map((byte) => (byte / 11) % 3)).toEqual([...labels]);
        return Promise.resolve({ loss: 1, correct: images.raw.length });
      },
    };
    const order = shuffledOrder(imageCount, 5, 0);
    const bad = new Set([...order.subarray(4, 8), order[0], 2]);
    const damaged = withDamaged((image) => bad.has(image));
    const own: Dataset = { ...dataset, train: damaged, test: { ...damaged, count: 5 } };
    const onSkip = ({ path }: DamagedPicture): unknown => skipped.push(path);
    await run(network, { dataset: own, epochs: 1, onSkip }, trace);
    expect(batches.reduce((sum, count) => sum + count, 0)).toBe(imageCount - bad.size);
    expect(trace.steps.map(({ step }) => step)).toEqual([1, 3, 4, 5, 6]);
    expect(trace.epochs[0]).toMatchObject({ trainLoss: 1, trainAccuracy: 1 });
    expect(trace.positions.at(-1)).toMatchObject({ epoch: 1, step: 6 });
    const inTest = [...bad].filter((image) => (image ?? 0) < 5).length;
    expect(skipped).toHaveLength(bad.size + inTest);
  });

  test("are all that there is: training says so", async () => {
    const none = { ...dataset, train: withDamaged(() => true) };
    await expect(run(fakeNetwork(), { dataset: none }, newTrace())).rejects.toThrow(
      /none of the 23 training images can be read: \d+\.png: its bytes do not decode/,
    );
    const noTest = { ...dataset, test: withDamaged(() => true) };
    await expect(run(fakeNetwork(), { dataset: noTest }, newTrace())).rejects.toThrow("none of the 23 test images");
  });
});

test.each([
  [NaN, "the loss became NaN in step 2"],
  [Infinity, "the loss became infinite in step 2"],
])("a loss of %p stops the run", async (bad, message) => {
  let steps = 0;
  const network: TrainedNetwork = {
    ...fakeNetwork(),
    trainStep: () => Promise.resolve({ loss: ++steps === 2 ? bad : 1, correct: 0 }),
  };
  await expect(run(network, {}, newTrace())).rejects.toThrow(message);
});

test("an early stop counts the epochs without a better test loss", async () => {
  const testLosses = [1, 0.5, 0.6, 0.7];
  const start = { ...startPosition, epoch: 4, testLosses };
  expect(await run(fakeNetwork(), { epochs: 9, earlyStopPatience: 2, start }, newTrace())).toBe("stoppedEarly");
  const trace = newTrace();
  expect(await run(fakeNetwork(), { epochs: 5, earlyStopPatience: 3, start }, trace)).toBe("finished");
  expect(trace.epochs).toHaveLength(1);
});
