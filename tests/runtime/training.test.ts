import { describe, expect, test } from "@jest/globals";
import { createNetwork } from "../../runtime/index.ts";
import type { Network, NetworkOptions } from "../../runtime/index.ts";
import { linearData, linearPlan, LinearReference } from "../support/linearPlan.ts";
import type { LinearPlanOptions } from "../support/linearPlan.ts";
import { networksOfTest, openForSuite } from "../support/openForSuite.ts";

const opened = openForSuite();
const networks = networksOfTest();

async function open(plan: LinearPlanOptions = {}, options: NetworkOptions = {}): Promise<Network> {
  const network = await createNetwork(linearPlan(plan), { device: opened.device, ...options });
  networks.push(network);
  return network;
}

async function referenceOf(network: Network, features = 4, classes = 3): Promise<LinearReference> {
  const state = await network.stateDict();
  return new LinearReference(features, classes, state["fc.weight"] ?? [], state["fc.bias"] ?? []);
}

function expectClose(actual: ArrayLike<number> | undefined, expected: readonly number[], digits = 5): void {
  expect(actual?.length).toBe(expected.length);
  expected.forEach((value, index) => {
    expect(actual?.[index]).toBeCloseTo(value, digits);
  });
}

describe("a training step", () => {
  test("gives the loss, the update and the running statistics of plain loops, partial batches included", async () => {
    const network = await open();
    const reference = await referenceOf(network);
    const { images, labels } = linearData(11);
    let start = 0;
    for (const count of [4, 3, 1, 2, 1]) {
      const batch = images.slice(start * 4, (start + count) * 4);
      const batchLabels = labels.slice(start, start + count);
      const step = network.trainStep(batch, batchLabels);
      const expected = reference.step(batch, batchLabels);
      const { loss, accuracy } = await step.metrics();
      expect(loss).toBeCloseTo(expected.loss, 5);
      expect(accuracy).toBeCloseTo(expected.accuracy, 6);
      start += count;
    }
    const state = await network.stateDict();
    expectClose(state["fc.weight"], reference.weight);
    expectClose(state["fc.bias"], reference.bias);
    expectClose(state["norm.running_mean"], reference.mean);
    expect(network.steps).toBe(5);
  });

  test("takes labels in every whole-number type", async () => {
    const network = await open();
    const { images } = linearData(3);
    const labels = [2, 0, 1];
    const losses: number[] = [];
    for (const typed of [labels, Uint8Array.from(labels), Uint32Array.from(labels), Int32Array.from(labels)]) {
      network.init(7);
      losses.push((await network.trainStep(images, typed).metrics()).loss);
    }
    expect(new Set(losses).size).toBe(1);
  });

  test("is one submit, makes no buffer once warm, and loses no metrics however many wait", async () => {
    const network = await open({ slots: 4 });
    const { images, labels } = linearData(4);
    const reference = await referenceOf(network);
    const before = network.stats().submits;
    const steps = Array.from({ length: 30 }, () => network.trainStep(images, labels));
    expect(network.stats().submits - before).toBe(30);
    expect(network.stats().dispatchesPerStep).toBe(3);
    for (const step of steps) {
      const { loss } = await step.metrics();
      expect(loss).toBeCloseTo(reference.step(images, labels).loss, 4);
    }
    const warm = network.stats().buffersCreated;
    for (let i = 0; i < 10; i++) await network.trainStep(images, labels).metrics();
    expect(network.stats().buffersCreated).toBe(warm);
  });

  test("is several submits where its dispatches say so, with the same numbers", async () => {
    const { training, ...plan } = linearPlan();
    if (training === undefined) throw new Error("the plan trains");
    const dispatches = training.dispatches.map((each) => ({ ...each, beginsSubmit: true as const }));
    const update = training.update.map((each) => ({ ...each, beginsSubmit: true as const }));
    const network = await createNetwork({ ...plan, training: { ...training, dispatches, update } }, opened);
    networks.push(network);
    const reference = await referenceOf(network);
    const { images, labels } = linearData(4);
    for (let i = 0; i < 3; i++) {
      const before = network.stats().submits;
      const step = network.trainStep(images, labels);
      expect(network.stats().submits - before).toBe(dispatches.length + update.length);
      expect((await step.metrics()).loss).toBeCloseTo(reference.step(images, labels).loss, 5);
    }
    const { gradients } = await network.gradients(images, labels);
    expect(Object.keys(gradients)).toEqual(["fc.weight", "fc.bias"]);
  });

  test("uses a rate that was set, without compiling again", async () => {
    const network = await open();
    const reference = await referenceOf(network);
    const { images, labels } = linearData(4);
    network.setRate(0.125);
    network.setUniform("momentum", 0.5);
    for (let i = 0; i < 3; i++) {
      network.trainStep(images, labels);
      reference.step(images, labels, 0.125, 0.5);
    }
    expectClose(await network.parameter("fc.weight").read(), reference.weight);
    expect(network.uniform("lr")).toBe(0.125);
  });

  test("covers more samples than a workgroup has invocations", async () => {
    const sizes = { features: 20, classes: 7, batch: 150 };
    const network = await open(sizes);
    const reference = await referenceOf(network, 20, 7);
    const { images, labels } = linearData(150, 20, 7);
    const { loss } = await network.trainStep(images, labels).metrics();
    expect(loss).toBeCloseTo(reference.step(images, labels).loss, 5);
    expectClose(await network.parameter("fc.weight").read(), reference.weight);
  });
});

describe("gradients", () => {
  test("are those of plain loops, and nothing changes", async () => {
    const network = await open();
    const reference = await referenceOf(network);
    const { images, labels } = linearData(3);
    const before = await network.save();
    const result = await network.gradients(images, labels);
    const expected = reference.gradients(images, labels);
    expect(result.loss).toBeCloseTo(expected.loss, 5);
    expectClose(result.gradients["fc.weight"], expected.weight);
    expectClose(result.gradients["fc.bias"], expected.bias);
    expectClose(result.states["norm.running_mean"], reference.meanAfter(images));
    expectClose(result.logits?.subarray(0, 3), reference.logits(images.subarray(0, 4)));
    expect(await network.save()).toEqual(before);
    expect(network.steps).toBe(0);
  });
});

describe("prediction", () => {
  test("takes any number of images and does the last, partial batch exactly", async () => {
    const network = await open();
    const reference = await referenceOf(network);
    const { images } = linearData(18);
    for (const count of [0, 1, 4, 9, 18]) {
      const logits = await network.predict(images.subarray(0, count * 4));
      const expected = Array.from({ length: count }, (_, n) => reference.logits(images.subarray(n * 4, n * 4 + 4)));
      expectClose(logits, expected.flat());
    }
    const warm = network.stats().buffersCreated;
    await network.predict(images);
    expect(network.stats().buffersCreated).toBe(warm);
  });

  test("gives classes and probabilities", async () => {
    const network = await open();
    const reference = await referenceOf(network);
    const { images } = linearData(5);
    const rows = Array.from({ length: 5 }, (_, n) => reference.logits(images.subarray(n * 4, n * 4 + 4)));
    const classes = rows.map((row) => row.indexOf(Math.max(...row)));
    expect([...(await network.predictClasses(images))]).toEqual(classes);
    const expected = rows.flatMap((row) => {
      const sum = row.reduce((total, logit) => total + Math.exp(logit), 0);
      return row.map((logit) => Math.exp(logit) / sum);
    });
    expectClose(await network.predictProbabilities(images), expected);
  });

  test("evaluates a dataset", async () => {
    const network = await open();
    const reference = await referenceOf(network);
    const { images, labels } = linearData(14);
    const expected = reference.gradients(images, labels);
    const { loss, accuracy } = await network.evaluate({ images, labels });
    expect(loss).toBeCloseTo(expected.loss, 6);
    expect(accuracy).toBeCloseTo(expected.accuracy, 10);
  });
});

describe("fit", () => {
  test("learns, reports each epoch and each step, and gives the same weights again", async () => {
    const { images, labels } = linearData(30);
    // Labels that a linear layer can learn.
    images.forEach((_, i) => {
      if (i % 4 === 0) images[i] = labels[i / 4] ?? 0;
    });
    const results: Uint8Array[] = [];
    for (let run = 0; run < 2; run++) {
      const network = await open({}, { seed: 3 });
      const steps: number[] = [];
      const epochs: number[] = [];
      const history = await network.fit(
        { images, labels },
        {
          epochs: 12,
          validation: { images, labels },
          onProgress: ({ step, steps: total }) => {
            expect(total).toBe(8);
            steps.push(step);
          },
          onEpoch: ({ epoch }) => {
            epochs.push(epoch);
          },
        },
      );
      expect(history.aborted).toBe(false);
      expect(steps).toEqual(Array.from({ length: 96 }, (_, i) => (i % 8) + 1));
      expect(epochs).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
      const [first, last] = [history.epochs[0], history.epochs.at(-1)];
      expect(last?.loss).toBeLessThan((first?.loss ?? 0) * 0.7);
      expect(last?.validation).toEqual(await network.evaluate({ images, labels }));
      results.push(await network.save());
    }
    expect(results[0]).toEqual(results[1]);
  });

  test("goes on from a checkpoint exactly as it would have", async () => {
    const dataset = linearData(10);
    const whole = await open({}, { seed: 5 });
    await whole.fit(dataset, { epochs: 4 });
    const first = await open({}, { seed: 5 });
    first.setRate(0.5);
    await first.fit(dataset, { epochs: 2 });
    const file = await first.saveCheckpoint({ epoch: "2" });
    const second = await open({}, { seed: 99 });
    expect(await second.loadCheckpoint(file)).toEqual({ epoch: "2" });
    expect(second.steps).toBe(first.steps);
    await second.fit(dataset, { epochs: 4, firstEpoch: 2 });
    expect(await second.saveCheckpoint()).toEqual(await whole.saveCheckpoint());
  });

  test("stops at an abort with what was done", async () => {
    const network = await open();
    const controller = new AbortController();
    let seen = 0;
    const history = await network.fit(linearData(400), {
      epochs: 50,
      signal: controller.signal,
      onProgress: ({ epoch, step }) => {
        seen++;
        if (epoch === 2 && step === 3) controller.abort();
      },
    });
    expect(history.aborted).toBe(true);
    expect(history.epochs).toHaveLength(1);
    expect(network.steps).toBe(seen);
    expect(network.steps).toBeLessThan(200);
  });

  test("reads batches from a source, with their epoch, and sets the rate of each step", async () => {
    const network = await open();
    const { images, labels } = linearData(6);
    const reads: [number[], number | undefined][] = [];
    const rates: number[] = [];
    await network.fit(
      {
        size: 6,
        read: async (indices, into, epoch) => {
          await Promise.resolve();
          reads.push([[...indices], epoch]);
          indices.forEach((index, at) => {
            into.images.set(images.subarray(index * 4, index * 4 + 4), at * 4);
            into.labels[at] = labels[index] ?? 0;
          });
        },
      },
      {
        epochs: 2,
        shuffle: false,
        rate: ({ epoch, step, steps }) => {
          rates.push(epoch * steps + step);
          return 0.1;
        },
      },
    );
    expect(reads).toEqual([
      [[0, 1, 2, 3], 0],
      [[4, 5], 0],
      [[0, 1, 2, 3], 1],
      [[4, 5], 1],
    ]);
    expect(rates).toEqual([0, 1, 2, 3]);
  });

  test("shuffles by seed and epoch", async () => {
    const network = await open();
    const { images, labels } = linearData(16);
    const orders: number[][] = [];
    const source = {
      size: 16,
      read: (indices: Uint32Array, into: { images: Float32Array; labels: Uint32Array }) => {
        orders.push([...indices]);
        indices.forEach((index, at) => {
          into.images.set(images.subarray(index * 4, index * 4 + 4), at * 4);
          into.labels[at] = labels[index] ?? 0;
        });
      },
    };
    await network.fit(source, { epochs: 2, shuffle: 1 });
    await network.fit(source, { epochs: 1, shuffle: 1 });
    const epochs = [0, 1, 2].map((epoch) => orders.slice(epoch * 4, epoch * 4 + 4).flat());
    expect(epochs[0]).toEqual(epochs[2]);
    expect(epochs[0]).not.toEqual(epochs[1]);
    for (const order of epochs) expect([...order].sort((a, b) => a - b)).toEqual([...Array(16).keys()]);
  });
});
