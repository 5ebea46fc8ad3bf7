/** What apps are told of a classifier: the figures of `cnnc eval`, of data sets of every form. */
import { expect, test } from "@jest/globals";
import { memorySet } from "../../compiler/datasets/imageSet.ts";
import { evaluateNetwork } from "../../compiler/training/evaluateNetwork.ts";
import { classFigures, createTally, evaluateClasses } from "../../runtime/app.ts";
import { createNetwork, type Dataset, type Network } from "../../runtime/index.ts";
import { compileText } from "../support/compileText.ts";
import { networksOfTest, openForSuite } from "../support/openForSuite.ts";

const opened = openForSuite();
const networks = networksOfTest();
const { plan } = compileText(
  `model M { input 1 x 3 x 3  flatten  linear(7) }
train M { data fashion_mnist { normalize(mean: 0.4, std: 0.5) }  optimizer sgd(lr: 0.1)  batch 4 }`,
  { imageSource: { shape: [1, 3, 3], dtype: "u8", mixed: false } },
);

async function open(): Promise<Network> {
  const network = await createNetwork(plan, { device: opened.device, seed: 5 });
  networks.push(network);
  return network;
}

const count = 38;
const bytes = Uint8Array.from({ length: count * 9 }, (_, i) => (i * 2654435761) >>> 24);
const values = Float32Array.from(bytes, (byte) => (byte / 255 - 0.4) / 0.5);
const labels = Uint8Array.from({ length: count }, (_, i) => i % 6);

test("are those of `cnnc eval`, whatever the form of the data", async () => {
  const network = await open();
  const set = memorySet({ count, channels: 1, height: 3, width: 3, pixels: bytes, labels });
  const logits = (images: Parameters<typeof network.predict>[0]) => network.predict(images);
  const expected = await evaluateNetwork({ batch: 4, classes: 7, logits }, set);
  const image = (index: number): Uint8Array => bytes.subarray(index * 9, (index + 1) * 9);
  const datasets: readonly Dataset[] = [
    { images: bytes, labels },
    {
      size: count,
      readRaw(indices, into) {
        indices.forEach((index, at) => into.raw.set(image(index), at * 9));
        into.labels.set(Array.from(indices, (index) => labels[index]!));
      },
    },
    { size: count, stream: () => Array.from(labels, (label, index) => ({ image: image(index), label })) },
  ];
  const progress: number[] = [];
  for (const dataset of datasets) {
    const found = await evaluateClasses(network, dataset, { onProgress: (done) => progress.push(done) });
    expect(found).toEqual({
      ...expected,
      accuracy: expected.correct / count,
      top5Accuracy: expected.correctInTop5! / count,
      classes: classFigures(expected.confusion),
    });
    expect(await network.evaluate(dataset)).toEqual({ loss: found.loss, accuracy: found.accuracy });
  }
  expect(progress).toEqual([16, 32, 38, 16, 32, 38, 16, 32, 38]);
  const floats = await evaluateClasses(network, { images: values, labels });
  expect(floats.loss).toBeCloseTo(expected.loss, 4);
  // A class that never occurs has no recall.
  expect([expected.count, floats.classes[6]!.recall]).toEqual([count, undefined]);
});

test("end where the signal says so, and refuse what is no class", async () => {
  const network = await open();
  const stop = new AbortController();
  const stopped = evaluateClasses(network, { images: bytes, labels }, { signal: stop.signal, onProgress: () => stop.abort() }); // prettier-ignore
  await expect(stopped).rejects.toThrow("the evaluation was stopped after 16 of 38 images");
  const wrong: Dataset = {
    size: 2,
    read(_, into) {
      into.labels.fill(7);
    },
  };
  await expect(evaluateClasses(network, wrong)).rejects.toThrow("label 0 is 7; a class of M is a whole number from 0 to 6"); // prettier-ignore
});

test("a tally counts logits that come from elsewhere", () => {
  const tally = createTally(2);
  tally.add([1, 3], 1);
  tally.add([5, 5], 1);
  const { correct, confusion, correctInTop5 } = tally.evaluation();
  expect([correct, confusion.map((row) => [...row]), correctInTop5]).toEqual([1, [[0, 0], [1, 1]], undefined]); // prettier-ignore
});
