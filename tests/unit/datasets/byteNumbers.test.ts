/** Bytes that were stored as numbers are noticed; numbers that a network is meant to see are not. */
import { describe, expect, test } from "@jest/globals";
import { warnOfByteNumbers } from "../../../compiler/datasets/byteNumbers.ts";

import type { ImageSet } from "../../../compiler/datasets/imageSet.ts";

/** Ten images of 2 x 3 x 3. */
function numbers(valueAt: (i: number) => number): ImageSet {
  return {
    ...{ count: 10, channels: 2, height: 3, width: 3, elements: "f32", mixed: false, labels: new Uint32Array(10) },
    read(indices, { raw }) {
      for (let i = 0; i < indices.length * 18; i++) raw[i] = valueAt(i);
    },
  };
}
const pixel = (i: number): number => (i * 37) % 256;
const warn = (set: ImageSet, mean?: readonly number[], std: readonly number[] = [1]): Promise<string | undefined> =>
  warnOfByteNumbers(set, mean === undefined ? {} : { normalize: { mean, std } });

describe("a warning", () => {
  test("tells the range found, and what to do", async () => {
    expect(await warn(numbers(pixel))).toBe(
      "warning: the training images look like bytes stored as float32: the first 10 hold numbers from 0 to 255, and a network learns badly " +
        "from such large ones. Divide them by 255, or save them as uint8, which is divided by 255 here; " +
        "or normalize them: `normalize(mean: 127.5, std: 127.5)` in the braces of `data`",
    );
    // Resized pictures.
    expect(await warn(numbers((i) => pixel(i) * 0.75))).toMatch(
      /from 0 to 191\.3, .* Divide them by 255; or normalize/,
    );
  });

  test("where the recipe's normalize is one for numbers from 0 to 1", async () => {
    expect(await warn(numbers(pixel), [0.485], [0.229])).toContain("`normalize` is one for numbers from 0 to 1");
    expect(await warn(numbers(pixel), [127.5, 0.5], [127.5, 0.5])).toContain("`normalize` is one for");
  });
});

test.each<[string, ImageSet, ([] | [number[], number[]])?]>([
  ["numbers from 0 to 1", numbers((i) => pixel(i) / 255)],
  ["standardised ones", numbers((i) => (pixel(i) - 127.5) / 74)],
  ["one below 0 among large ones", numbers((i) => (i === 100 ? -1 : pixel(i)))],
  ["counts from 0 to 16", numbers((i) => pixel(i) % 17)],
  ["sixteen bits", numbers((i) => pixel(i) * 257)],
  ["what the recipe normalizes", numbers(pixel), [[127.5], [127.5]]],
  [
    "what it normalizes by channels",
    numbers(pixel),
    [
      [120, 100],
      [60, 64],
    ],
  ],
  ["one that is NaN", numbers((i) => (i === 3 ? NaN : pixel(i)))],
  ["bytes", { ...numbers(pixel), elements: "u8" }],
])("none for %s", async (_, set, normalize = []) => {
  expect(await warn(set, ...normalize)).toBeUndefined();
});

test("none, and no failure, where the file cannot be read", async () => {
  const read = (): never => {
    throw new Error("x.npy: the number at offset 128 (image 0) is NaN");
  };
  expect(await warn({ ...numbers(pixel), read })).toBeUndefined();
});
