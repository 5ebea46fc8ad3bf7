import { describe, expect, test } from "@jest/globals";
import type { ImageSource } from "../../compiler/imageSource.ts";
import { createNetwork, parseSafetensors, writeSafetensors } from "../../runtime/index.ts";
import type { Network, RawDatasetSource, StoredTensor } from "../../runtime/index.ts";
import { compileText } from "../support/compileText.ts";
import { interpretPreparation, testBytes } from "../support/interpretPreparation.ts";
import { openForSuite } from "../support/openForSuite.ts";

const opened = openForSuite();

const batch = 5;

/** A small network that reads images of this shape, with data lines. */
async function open(input: string, data: string, imageSource: ImageSource, seed = 3): Promise<Network> {
  const text = `
    model Small { input ${input}  global_avg_pool -> flatten -> linear(3) }
    train Small { data images("x") { ${data} }  optimizer sgd(lr: 0.1)  batch ${batch}  seed ${seed} }`;
  return createNetwork(compileText(text, { imageSource }).plan, { device: opened.device });
}

function expectClose(actual: ArrayLike<number>, expected: readonly number[], tolerance = 1e-5): void {
  expect(actual.length).toBe(expected.length);
  const worst = expected.reduce((most, value, index) => Math.max(most, Math.abs(value - (actual[index] ?? NaN))), 0);
  expect(worst).toBeLessThan(tolerance);
}

const colour: ImageSource = { shape: [3, 7, 9], dtype: "u8" };

describe("images prepared on the adapter", () => {
  const crop = { name: "random_crop", args: { size: [8, 8], padding: 2 } };
  const flip = { name: "random_flip", args: { p: 0.5 } };
  const jitter = { name: "color_jitter", args: { brightness: 0.4, contrast: 0.3, saturation: 0.2 } };
  const scaling = { mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] };
  const scalingText = "normalize(mean: (0.4, 0.5, 0.6), std: (0.2, 0.25, 0.3))";

  test("as the ops say, with augmentation and without", async () => {
    const network = await open(
      "3 x 8 x 8",
      `resize (12, 10)  ${scalingText}
       augment { random_crop((8, 8), padding: 2)  random_flip  color_jitter(brightness: 0.4, contrast: 0.3, saturation: 0.2) }`,
      colour,
    );
    const lines = { resize: [12, 10], normalize: scaling, augment: [crop, flip, jitter] } as const;
    const pixels = testBytes(colour, batch);
    const run = { source: colour, lines, pixels, batch, uniforms: { seed: 3, step: 0 } };
    expectClose(await network.preparedImages(pixels, "training"), interpretPreparation(run));
    expectClose(await network.preparedImages(pixels), interpretPreparation({ ...run, training: false }));
    // The next step draws anew; the same seed and step draw the same.
    await network.trainStep(new Float32Array(192), [0]).metrics();
    const again = await network.preparedImages(pixels, "training");
    expectClose(again, interpretPreparation({ ...run, uniforms: { seed: 3, step: 1 } }));
    expect(await network.preparedImages(pixels, "training")).toEqual(again);
    network.destroy();
  });

  test("rotated, cropped and resized, and erased", async () => {
    const network = await open(
      "3 x 6 x 6",
      "augment { random_rotation(20)  random_resized_crop(6, scale: (0.3, 0.9))  random_erasing(p: 0.8) }",
      colour,
    );
    const lines = {
      augment: [
        { name: "random_rotation", args: { degrees: 20 } },
        { name: "random_resized_crop", args: { size: [6, 6], scale: [0.3, 0.9], ratio: [0.75, 4 / 3] } },
        { name: "random_erasing", args: { p: 0.8, scale: [0.02, 0.33], ratio: [0.3, 3.3] } },
      ],
    };
    const pixels = testBytes(colour, batch);
    const run = { source: colour, lines, pixels, batch, uniforms: { seed: 3, step: 0 } };
    expectClose(await network.preparedImages(pixels, "training"), interpretPreparation(run), 1e-4);
    network.destroy();
  });

  test("less their mean, each in its own size", async () => {
    const source: ImageSource = { shape: [3, 9, 9], dtype: "u8", mixed: true };
    const network = await open("3 x 6 x 6", "resize 6  subtract mean_image  augment { random_flip }", source);
    const sizes = Uint32Array.of(9, 9, 5, 8, 1, 9, 9, 2, 7, 7);
    const mean = Float32Array.from({ length: 108 }, (_, index) => (index % 13) / 26);
    network.setImageMean(mean);
    const pixels = testBytes(source, batch);
    const lines = { resize: [6, 6], subtract: "mean_image", augment: [flip] } as const;
    const run = { source, lines, pixels, batch, sizes, mean, uniforms: { seed: 3, step: 0 } };
    expectClose(await network.preparedImages({ raw: pixels, sizes }, "training"), interpretPreparation(run));
    expect(() => network.setImageMean(new Float32Array(3))).toThrow("3 x 6 x 6 = 108 values, found 3");
    network.destroy();
  });
});

describe("training on bytes", () => {
  const data = "normalize(mean: 0.5, std: 0.25)";
  const source: ImageSource = { shape: [1, 5, 5], dtype: "u8" };
  const pixels = testBytes(source, 23);
  const labels = Uint8Array.from({ length: 23 }, (_, index) => index % 3);
  const ready = Float32Array.from(pixels, (byte) => (byte / 255 - 0.5) / 0.25);

  test("is training on what they stand for; the last batch is exact; no buffers are made when warm", async () => {
    const [bytes, numbers] = [await open("1 x 5 x 5", data, source), await open("1 x 5 x 5", data, source)];
    const losses = async (network: Network, images: Uint8Array | Float32Array): Promise<readonly number[]> => {
      const history = await network.fit({ images, labels }, { epochs: 2, validation: { images, labels } });
      return history.epochs.flatMap(({ loss, validation }) => [loss, validation?.loss ?? NaN]);
    };
    const first = await losses(bytes, pixels);
    expectClose(first, await losses(numbers, ready));
    expect(bytes.stats().dispatches - numbers.stats().dispatches).toBe(2 * 2 * Math.ceil(23 / batch));

    const { buffersCreated, bytes: held } = bytes.stats();
    await losses(bytes, pixels);
    // Each of the two epochs ends with one look at the weights, through a buffer that is gone afterwards; steps make none.
    expect(bytes.stats()).toMatchObject({ buffersCreated: buffersCreated + 2, bytes: held });
    // Numbers need neither the program nor its buffers.
    const preparation = numbers.plan.buffers.filter(({ role }) => role === "preparation");
    expect(held - numbers.stats().bytes).toBe(preparation.reduce((sum, { size }) => sum + size, 0));
    bytes.destroy();
    numbers.destroy();
  });

  test("gives the same bits from any kind of dataset, whenever it is read", async () => {
    const augmented = `${data}  augment { random_crop(padding: 1) random_flip }`;
    const plane = (image: number, step: number): number[][] =>
      Array.from({ length: 5 }, (_, y) =>
        [...pixels.subarray(image * 25 + y * 5, image * 25 + y * 5 + 5)].map((b) => b * step),
      );
    const slow: RawDatasetSource = {
      size: 23,
      async readRaw(indices, into) {
        for (const [at, index] of indices.entries()) {
          if (index % 4 === 0) await new Promise((resolve) => setTimeout(resolve, index % 7));
          into.raw.set(pixels.subarray(index * 25, index * 25 + 25), at * 25);
          into.labels[at] = labels[index] ?? 0;
        }
      },
    };
    const rgba = (image: number): { width: number; height: number; data: Uint8ClampedArray } => ({
      width: 5,
      height: 5,
      data: Uint8ClampedArray.from({ length: 100 }, (_, i) =>
        i % 4 === 3 ? 255 : (pixels[image * 25 + (i >> 2)] ?? 0),
      ),
    });
    async function* stream(): AsyncGenerator<{ image: ReturnType<typeof rgba>; label: number }> {
      for (let image = 0; image < 23; image++) {
        await Promise.resolve();
        yield { image: rgba(image), label: image % 3 };
      }
    }
    const trained = async (dataset: Parameters<Network["fit"]>[0], shuffle = true): Promise<Float32Array> => {
      const network = await open("1 x 5 x 5", augmented, source);
      await network.fit(dataset, { epochs: 2, shuffle });
      const weight = await network.parameter("linear1.weight").read();
      network.destroy();
      return weight;
    };
    const expected = await trained({ images: pixels, labels });
    expect(await trained(slow)).toEqual(expected);
    expect(await trained({ images: { bytes: pixels, shape: [23, 1, 5, 5] }, labels })).toEqual(expected);
    const unshuffled = await trained({ images: pixels, labels }, false);
    expect(await trained({ size: 23, stream })).toEqual(unshuffled);
    expect(unshuffled).not.toEqual(expected);

    const network = await open("1 x 5 x 5", data, source);
    const nested = [0, 1].map((image) => plane(image, 1 / 255).map((row) => row.map((value) => (value - 0.5) / 0.25)));
    expectClose(await network.predict(nested), [...(await network.predict(pixels.subarray(0, 50)))]);
    expect(await network.predict([rgba(0), rgba(1)])).toEqual(await network.predict(pixels.subarray(0, 50)));
    network.destroy();
  });

  test("says what does not fit", async () => {
    const network = await open("1 x 5 x 5", data, source);
    await expect(network.predict(new Uint8Array(26))).rejects.toThrow("1 x 5 x 5 = 25 bytes an image");
    await expect(network.predict([[[1, 2]]])).rejects.toThrow("needs 5 members, found an array of 1");
    await expect(network.predict({ bytes: new Uint8Array(75), shape: [1, 3, 5, 5] })).rejects.toThrow("n x 1 x 5 x 5");
    expect(() => network.trainStep(pixels.subarray(0, 25), [0])).toThrow('prepare("trainingBytes")');
    const short = { size: 4, stream: () => [{ image: pixels.subarray(0, 25), label: 0 }] };
    await expect(network.fit(short, { epochs: 1 })).rejects.toThrow("ended after 1 of its 4 images");
    network.destroy();
  });
});

test("the mean travels with the weights and with checkpoints; without it no image is prepared", async () => {
  const data = "subtract mean_channel";
  const source: ImageSource = { shape: [3, 4, 4], dtype: "u8" };
  const [first, second] = [await open("3 x 4 x 4", data, source), await open("3 x 4 x 4", data, source, 9)];
  const pixels = testBytes(source, batch);
  await expect(first.predict(pixels)).rejects.toThrow("subtracts the mean of its training images: load weights");
  const mean = Float32Array.of(0.1, 1 / 3, 0.7);
  first.setImageMean(mean);
  const expected = await first.predict(pixels);
  for (const bring of [
    async () => second.load(await first.save()),
    async () => void (await second.loadCheckpoint(await first.saveCheckpoint())),
  ]) {
    second.setImageMean(new Float32Array(3));
    await bring();
    expect(second.imageMean).toEqual(mean);
    expect(await second.predict(pixels)).toEqual(expected);
  }
  const { tensors, metadata } = parseSafetensors(await first.save());
  expect(JSON.parse(metadata["image_mean"] ?? "")).toEqual([...mean]);
  const stored = new Map([...tensors].map(([name, { shape, bytes }]): [string, StoredTensor] => [name, { dtype: "F32", shape, values: new Float32Array(bytes.slice().buffer) }])); // prettier-ignore
  for (const bad of ["[1, 2]", "{}", "[1, 2"]) {
    const file = writeSafetensors(stored, { ...metadata, image_mean: bad });
    await expect(second.load(file)).rejects.toThrow("mean of the training images is no list of 3 values");
  }
  expect(second.imageMean).toEqual(mean);
  for (const network of [first, second]) network.destroy();
});
