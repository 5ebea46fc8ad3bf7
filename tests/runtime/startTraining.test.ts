/** A training in an app's hand: watched, paused, stopped, kept and taken up again. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import { startTraining } from "../../runtime/app.ts";
import type { TrainingEvent } from "../../runtime/app.ts";
import { openDevice } from "../../compiler/node/adapter.ts";
import { createNetwork, NetworkError } from "../../runtime/index.ts";
import type { Network, StreamDataset } from "../../runtime/index.ts";
import { linearData, linearPlan } from "../support/linearPlan.ts";
import { networksOfTest, openForSuite } from "../support/openForSuite.ts";

const opened = openForSuite();
const networks = networksOfTest();

async function open(seed = 3): Promise<Network> {
  const network = await createNetwork(linearPlan(), { device: opened.device, seed });
  networks.push(network);
  return network;
}

/** Ten images: three steps an epoch. */
const dataset = linearData(10);

/** What training without interruption comes to. */
async function whole(epochs: number): Promise<Uint8Array> {
  const network = await open();
  await network.fit(dataset, { epochs });
  return network.saveCheckpoint();
}

describe("watching", () => {
  test("gives every step and epoch in order, then ends; several may watch", async () => {
    const network = await open();
    const told: TrainingEvent[] = [];
    const training = startTraining(network, dataset, {
      epochs: 2,
      validation: dataset,
      onProgress: (progress) => told.push({ kind: "step", rate: network.uniform("lr"), ...progress }),
      onEpoch: (result) => void told.push({ kind: "epoch", ...result }),
    });
    const watch = async (): Promise<TrainingEvent[]> => {
      const events: TrainingEvent[] = [];
      for await (const event of training) events.push(event);
      return events;
    };
    const [events, others] = await Promise.all([watch(), watch()]);
    expect(events.map((event) => (event.kind === "step" ? event.step : "epoch"))).toEqual([1, 2, 3, "epoch", 1, 2, 3, "epoch"]); // prettier-ignore
    expect(events).toEqual(told);
    expect(others).toEqual(told);
    const history = await training.finished;
    expect(history).toMatchObject({ aborted: false, stoppedEarly: false });
    expect(history.epochs).toEqual(events.flatMap(({ kind, ...result }) => (kind === "epoch" ? [result] : [])));
    expect(history.epochs[1]?.validation).toEqual(await network.evaluate(dataset));
    expect(training.state).toBe("finished");
    // Nothing is left to see.
    expect(await watch()).toEqual([]);
  });

  test("a loop that is left changes nothing; one that lags behind is waited for", async () => {
    const network = await open();
    const training = startTraining(network, linearData(4), { epochs: 400 });
    for await (const { epoch } of training) if (epoch === 2) break;
    expect(training.state).toBe("running");
    let most = 0;
    for await (const { epoch, kind } of training) {
      if (kind === "step") most = Math.max(most, network.steps - epoch);
      if (epoch === 3) await sleep(100);
    }
    // Each epoch is one step and gives two events; up to 16 steps are under way.
    expect(most).toBeLessThanOrEqual(256 / 2 + 18);
    expect((await training.finished).epochs).toHaveLength(400);
  });

  test("stops where a weight is no number, though every loss is, as `fit` does, and keeps no checkpoint of it", async () => {
    const network = await open();
    // The loss does not depend on it, and it stays NaN.
    network.parameter("norm.running_mean").write(new Float32Array(4).fill(NaN));
    const told: unknown[] = [];
    const options = { epochs: 2, onEpoch: (result: unknown) => void told.push(result) };
    const message = "norm.running_mean is not finite after epoch 1";
    await expect(network.fit(dataset, options)).rejects.toMatchObject({ kind: "loss", message });
    const training = startTraining(network, dataset, options);
    await expect(training.finished).rejects.toMatchObject({
      kind: "loss",
      message: expect.stringMatching(
        /^norm.running_mean is not finite after epoch 1: look for such a value/,
      ) as unknown,
    });
    expect([told, training.state]).toEqual([[], "failed"]);
    await expect(training.checkpoint()).rejects.toThrow("norm.running_mean is not finite after step 6: look for");
  });

  test("throws what training fails with", async () => {
    const network = await open();
    const training = startTraining(
      network,
      { size: 4, read: () => Promise.reject(new Error("disk full")) },
      { epochs: 1 },
    );
    const watch = async (): Promise<void> => {
      for await (const event of training) expect(event).toBeUndefined();
    };
    await expect(watch()).rejects.toThrow("disk full");
    await expect(training.finished).rejects.toThrow("disk full");
    expect(training.state).toBe("failed");
    await training.pause();
  });
});

describe("pausing", () => {
  test("takes no step until resumed, and changes no number", async () => {
    const network = await open();
    const training = startTraining(network, dataset, { epochs: 3 });
    let reported = 0;
    for await (const { kind, epoch, ...event } of training) {
      if (kind === "step") reported++;
      if (kind !== "step" || epoch !== 2 || !("step" in event) || event.step !== 1) continue;
      const paused = training.pause();
      expect(training.state).toBe("paused");
      await paused;
      const { steps } = network;
      expect(steps).toBeLessThan(9);
      await sleep(30);
      expect(network.steps).toBe(steps);
      training.resume();
      expect(training.state).toBe("running");
    }
    expect(reported).toBe(9);
    expect(await network.saveCheckpoint()).toEqual(await whole(3));
  });

  test("a stop, or an abort, ends it all the same", async () => {
    for (const how of ["stop", "signal"] as const) {
      const controller = new AbortController();
      const training = startTraining(await open(), dataset, { epochs: 1000, signal: controller.signal });
      await training.pause();
      if (how === "stop") void training.stop();
      else controller.abort();
      expect(await training.finished).toMatchObject({ aborted: true });
      expect(training.state).toBe("stopped");
    }
  });

  test("an abort does not wait for data that never come", async () => {
    const controller = new AbortController();
    const network = await open();
    const fitting = network.fit(
      { size: 8, read: () => new Promise(() => undefined) },
      { epochs: 1, signal: controller.signal },
    );
    await sleep(10);
    controller.abort();
    expect(await fitting).toEqual({ epochs: [], aborted: true });
  });

  test("a stream is asked for no more than two batches ahead", async () => {
    let given = 0;
    const { images, labels } = linearData(40);
    const stream: StreamDataset = {
      size: 40,
      async *stream() {
        while (given < 40) {
          await Promise.resolve();
          const at = given++;
          yield { image: images.subarray(at * 4, at * 4 + 4), label: labels[at] as number };
        }
      },
    };
    const network = await open();
    const training = startTraining(network, stream, { epochs: 1 });
    await training.pause();
    await sleep(20);
    expect(given).toBeLessThanOrEqual((network.steps + 2) * 4);
    training.resume();
    await training.finished;
    expect(given).toBe(40);
    expect(network.steps).toBe(10);
  });
});

describe("checkpoints", () => {
  test("go on in the middle of an epoch to the weights of a training that was not interrupted", async () => {
    const first = await open();
    let held: Promise<void> | undefined;
    const training = startTraining(first, dataset, {
      epochs: 3,
      beforeStep: ({ epoch, step }) => {
        if (epoch === 1 && step === 0) held = training.pause();
      },
    });
    // Before the first step, between steps, held after the first step of the second epoch, and at the end.
    const files = [await training.checkpoint()];
    for await (const { kind } of training) {
      if (kind === "step") files.push(await training.checkpoint());
      if (held === undefined) continue;
      await held;
      held = undefined;
      expect(first.steps).toBe(4);
      files.push(await training.checkpoint());
      training.resume();
    }
    files.push(await training.checkpoint());
    expect(files.length).toBeGreaterThan(6);
    const expected = await whole(4);
    const second = await open(99);
    for (const from of files) {
      await startTraining(second, dataset, { epochs: 4, from }).finished;
      expect(second.steps).toBe(12);
      expect(await second.saveCheckpoint()).toEqual(expected);
    }
  });

  test("outlive a device: what docs/app.md shows goes on to the same losses and weights, and gives up where each is lost", async () => {
    const losses = new Map<string, number>();
    const devices: GPUDevice[] = [];
    /** The document's loop, on devices that are lost after so many steps each. */
    async function outlive(lostAfter: number[]): Promise<Network> {
      let from: Uint8Array | undefined;
      for (let lost = 0; ; lost++) {
        const { device } = await openDevice();
        devices.push(device);
        const network = await createNetwork(linearPlan(), { device, seed: 3 });
        networks.push(network);
        const [end = Infinity] = lostAfter.splice(0, 1);
        const training = startTraining(network, dataset, {
          epochs: 4,
          ...(from && { from }),
          onProgress({ epoch, step, loss }) {
            losses.set(`${epoch}.${step}`, loss);
            if (network.steps >= end) device.destroy();
          },
          onEpoch: async () => void (from = await training.checkpoint()),
        });
        try {
          await training.finished;
          return network;
        } catch (error) {
          if (!(error instanceof NetworkError && error.kind === "device") || lost === 3) throw error;
          network.destroy();
        }
      }
    }
    const expected = await (await outlive([])).saveCheckpoint();
    const told = new Map(losses);
    losses.clear();
    // In the first epoch, before there is a checkpoint, and in the third.
    expect(await (await outlive([2, 8])).saveCheckpoint()).toEqual(expected);
    expect([losses, losses.size]).toEqual([told, 12]);
    await expect(outlive([1, 1, 1, 1])).rejects.toThrow("the GPU device was lost");
    for (const device of devices) device.destroy();
  });

  test("of a stream skip what was seen", async () => {
    const labelled = Array.from(dataset.labels, (label, i) => ({
      image: dataset.images.subarray(i * 4, i * 4 + 4),
      label,
    }));
    const stream: StreamDataset = { size: 10, stream: () => labelled };
    const network = await open();
    await network.fit(stream, { epochs: 1 });
    const expected = await network.saveCheckpoint();
    network.init(3);
    const { images, labels } = dataset;
    network.trainStep(images.subarray(0, 16), labels.subarray(0, 4));
    const history = await network.fit(stream, { epochs: 1, firstStep: 1 });
    expect(history.epochs).toHaveLength(1);
    expect(await network.saveCheckpoint()).toEqual(expected);
  });

  test("that do not fit are refused", async () => {
    const network = await open();
    const plain = await network.saveCheckpoint();
    await expect(startTraining(network, dataset, { epochs: 1, from: plain }).finished).rejects.toThrow(
      "does not say where training stood",
    );
    let held: Promise<void> | undefined;
    const training = startTraining(network, dataset, { epochs: 1, beforeStep: () => void (held ??= training.pause()) });
    while (held === undefined) await sleep(1);
    await held;
    const from = await training.checkpoint();
    await training.stop();
    await expect(startTraining(network, dataset, { epochs: 2, batchSize: 3, from }).finished).rejects.toThrow(
      /of an epoch of 3 steps, and here an epoch has 4/,
    );
    await expect(network.fit(dataset, { epochs: 1, firstStep: 3 })).rejects.toThrow("an epoch has 3 steps");
  });
});
