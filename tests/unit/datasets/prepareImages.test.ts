import { expect, test } from "@jest/globals";
import { memorySet } from "../../../compiler/datasets/imageSet.ts";
import { prepareImages } from "../../../compiler/datasets/prepareImages.ts";

const set = memorySet({
  count: 2,
  channels: 1,
  height: 2,
  width: 2,
  pixels: Uint8Array.of(0, 255, 51, 102, 255, 255, 255, 255),
  labels: Uint8Array.of(0, 1),
});

test("bytes become shares of 255, in the order asked for", async () => {
  expect([...(await prepareImages(set, [1, 0], {}))]).toEqual([1, 1, 1, 1, 0, 1, Math.fround(0.2), Math.fround(0.4)]);
});

test("normalize subtracts the mean, then divides", async () => {
  const prepared = await prepareImages(set, [0], { normalize: { mean: [0.2], std: [0.5] } });
  expect([...prepared].map((value) => value.toFixed(4))).toEqual(["-0.4000", "1.6000", "0.0000", "0.4000"]);
});

test("resize interpolates between half-pixel centres and clamps at the border", async () => {
  const [first = NaN, second = NaN, , last = NaN] = await prepareImages(set, [0], { resize: [1, 4] });
  // One row: the mean of both; columns at -0.25 (clamped to 0), 0.25, 0.75 and 1.25 (clamped to 1).
  expect(first).toBeCloseTo((0 + 0.2) / 2, 6);
  expect(second).toBeCloseTo((0.75 * (0 + 0.2) + 0.25 * (1 + 0.4)) / 2, 6);
  expect(last).toBeCloseTo((1 + 0.4) / 2, 6);
});

test("normalize with a wrong number of channels is refused", async () => {
  const normalize = { mean: [0.1, 0.2, 0.3], std: [1] };
  await expect(prepareImages(set, [0], { normalize })).rejects.toThrow(
    "normalize gives 3 values for mean, but the images have 1 channels",
  );
});
