/** A module's recipe in an app: `startTraining` trains by its epochs, schedule, momentum and early stopping, as `cnnc train` does. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { trainCommand } from "../../compiler/commands/train.ts";
import { readLog } from "../../compiler/training/trainingLog.ts";
import { startTraining } from "../../runtime/app.ts";
import type { RateMoment, TrainingEvent, TrainingOptions } from "../../runtime/app.ts";
import { createNetwork } from "../../runtime/index.ts";
import type { ArrayDataset, CoursePlan, Network } from "../../runtime/index.ts";
import { compileText } from "../support/compileText.ts";
import { smallDataset } from "../support/idxFile.ts";
import { linearData, linearPlan } from "../support/linearPlan.ts";
import { networksOfTest, openForSuite } from "../support/openForSuite.ts";
import { temporaryFolder, writeInto } from "../support/temporaryFolder.ts";
import { colourlessTerminal } from "../support/terminal.ts";

const opened = openForSuite();
const networks = networksOfTest();

const recipe = (name: string, lines: string): string =>
  `train Tiny as ${name} { data fashion_mnist { augment { random_flip } }  batch 8  seed 3\n${lines} }\n`;
const spec = `model Tiny {
  input 1 x 10 x 10
  conv(2, kernel: 3, stride: 2) -> batch_norm -> relu
  flatten -> dropout(0.2) -> linear(10)
}
${recipe("cycle", "optimizer adam(lr: 0.01)  schedule one_cycle(0.02)  epochs 3  accumulate 2")}
${recipe("watched", "optimizer sgd(lr: 0.9, momentum: 0.9)  schedule reduce_on_plateau(factor: 0.5, patience: 0, warmup: 1.5)  early_stop(patience: 2)  epochs 12")}
`;
const folder = temporaryFolder({ "tiny.cnn": spec });
const files = smallDataset(60, 20, 10);
writeInto(join(folder, "images"), files);

const dataset = (images: string, labels: string): ArrayDataset => ({
  images: { bytes: files[images]!.subarray(16), shape: [files[labels]!.length - 8, 1, 10, 10] },
  labels: files[labels]!.subarray(8),
});
const [train, validation] = (["train", "t10k"] as const).map((part) =>
  dataset(`${part}-images-idx3-ubyte`, `${part}-labels-idx1-ubyte`),
) as [ArrayDataset, ArrayDataset];

async function open(name: string): Promise<Network> {
  const imageSource = { shape: [1, 10, 10], dtype: "u8", mixed: false } as const;
  const network = await createNetwork(compileText(spec, { recipe: name, imageSource }).plan, { device: opened.device });
  networks.push(network);
  return network;
}

describe("a recipe", () => {
  test.each(["cycle", "watched"])(
    "%s gives the steps and weights of cnnc train, to the bit",
    async (name) => {
      const out = join(folder, name);
      const options = { set: [], recipe: name, data: join(folder, "images"), out };
      expect(await trainCommand(join(folder, "tiny.cnn"), options, colourlessTerminal().terminal)).toBe(0);
      const log = readLog(join(out, "log.jsonl"));
      const weights = readFileSync(join(out, "weights.safetensors"));

      const network = await open(name);
      const training = startTraining(network, train, { validation });
      const files: Uint8Array[] = [];
      const events: TrainingEvent[] = [];
      for await (const event of training) {
        events.push(event);
        // In the midst of epochs, and while they are evaluated.
        if (event.kind === "step" && event.epoch === 2 && event.step % 3 > 0) files.push(await training.checkpoint());
      }
      const rates = (kind: "step"): number[] => events.flatMap((event) => (event.kind === kind ? [event.rate] : []));
      expect(rates("step")).toEqual(log.flatMap((entry) => (entry.kind === "step" ? [entry.rate] : [])));
      expect(new Set(rates("step")).size).toBeGreaterThan(1);
      const losses = events.flatMap((event) => (event.kind === "epoch" ? [event.validation?.loss] : []));
      expect(losses).toEqual(log.flatMap((entry) => (entry.kind === "epoch" ? [entry.testLoss] : [])));
      expect(Buffer.from(await network.save()).equals(weights)).toBe(true);
      const stoppedEarly = log.some((entry) => entry.kind === "end" && entry.outcome === "stoppedEarly");
      expect(stoppedEarly).toBe(name === "watched");
      expect(await training.finished).toMatchObject({ aborted: false, stoppedEarly });
      expect(training.state).toBe("finished");

      // From any checkpoint, the same.
      for (const from of [files[0]!, files.at(-1)!, await training.checkpoint()]) {
        network.init(99);
        expect(await startTraining(network, train, { validation, from }).finished).toMatchObject({ stoppedEarly });
        expect(Buffer.from(await network.save()).equals(weights)).toBe(true);
      }
    },
    120_000,
  );
});

/** A network of ten images and three steps an epoch, with a recipe. */
async function openLinear(course?: CoursePlan): Promise<Network> {
  const { training, ...plan } = linearPlan();
  const network = await createNetwork(
    { ...plan, training: { ...training!, ...(course && { course }) } },
    { device: opened.device },
  );
  networks.push(network);
  return network;
}
const data = linearData(10);

test("options come before the recipe", async () => {
  const watched = { name: "reduce_on_plateau" };
  const network = await openLinear({ epochs: 2, schedule: watched, earlyStop: 1 });
  const rates = async (options: TrainingOptions): Promise<number[]> => {
    const events: number[] = [];
    for await (const event of startTraining(network, data, options)) if (event.kind === "step") events.push(event.rate);
    return events;
  };
  const still = { schedule: { name: "constant" }, earlyStop: false } as const;
  expect(await rates({ ...still, rate: 0.25 })).toEqual(Array(6).fill(0.25));
  const halved = { ...still, rate: 0.4, schedule: { name: "step", step_size: 1, factor: 0.5 } } as const;
  expect(await rates({ ...halved, epochs: 3 })).toEqual([0.4, 0.4, 0.4, 0.2, 0.2, 0.2, 0.1, 0.1, 0.1]);
  const own = ({ epoch, step, losses }: RateMoment): number => 1 / (1 + epoch * 3 + step) + losses.length;
  const told = await rates({ rate: own, earlyStop: false, validation: data });
  expect(told).toEqual([1, 1 / 2, 1 / 3, 1 + 1 / 4, 1 + 1 / 5, 1 + 1 / 6]);
  // Where the recipe moves no rate, what the app sets stays.
  const plain = await openLinear({ epochs: 1 });
  plain.setRate(0.125);
  await startTraining(plain, data).finished;
  expect(plain.uniform("lr")).toBe(0.125);
});

test("what the recipe goes by must be given", async () => {
  const watched = await openLinear({ epochs: 2, schedule: { name: "reduce_on_plateau" }, earlyStop: 1 });
  await expect(startTraining(watched, data).finished).rejects.toThrow(
    /schedule reduce_on_plateau and early stopping of \w+ go by how validation images fare: give `validation`/,
  );
  await expect(startTraining(await openLinear(), data).finished).rejects.toThrow("say how many `epochs`");
  const unknown = await openLinear({ epochs: 1, schedule: { name: "cosinus" } });
  await expect(startTraining(unknown, data).finished).rejects.toThrow("no schedule is called cosinus");
});

test("a loss that is not finite stops it, and names the step", async () => {
  const training = startTraining(await openLinear(), data, { epochs: 3, rate: 1e38 });
  await expect(training.finished).rejects.toThrow(
    /^the loss became (NaN|infinite) in step \d of epoch \d \(learning rate 1e\+38\)/,
  );
  await expect(training.finished).rejects.toMatchObject({ kind: "loss" });
  expect(training.state).toBe("failed");
});
