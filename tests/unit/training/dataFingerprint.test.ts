/** What tells one data set from another of as many images, and how much of it is read for that. */
import { expect, test } from "@jest/globals";
import { DamagedPicture } from "../../../compiler/datasets/datasetError.ts";
import { memorySet, type Dataset, type ImageSet } from "../../../compiler/datasets/imageSet.ts";
import { dataFingerprint } from "../../../compiler/training/dataFingerprint.ts";
import { identityDifferences, type RunIdentity } from "../../../compiler/training/runIdentity.ts";

const set = (
  count: number,
  more: { readonly pixel?: number; readonly label?: number; readonly width?: number } = {},
): ImageSet => {
  const { pixel = 0, label = 0, width = 2 } = more;
  const pixels = Uint8Array.from({ length: count * 2 * width }, (_, i) => (i + pixel) % 251);
  return memorySet({ count, channels: 1, height: 2, width, pixels, labels: Uint8Array.from({ length: count }, (_, i) => (i + label) % 3) }); // prettier-ignore
};
const files = [{ name: "a/1.png", bytes: 70 }];
const dataset = (more: Partial<Dataset> = {}): Dataset => ({
  ...{ description: "somewhere", classNames: ["a", "b", "c"], train: { ...set(40), files }, test: set(7) },
  ...more,
});
const identity = async (data: Dataset): Promise<RunIdentity> => ({
  ...{ model: "M", recipe: "", settings: {}, parameters: {}, seed: 1, batch: 8, images: 40, graph: "", training: {} },
  data: await dataFingerprint(data),
});

test.each<[string, Partial<Dataset>, RegExp]>([
  ["the same, elsewhere", { description: "elsewhere", train: { ...set(40), files } }, /^$/],
  [
    "other pixels",
    { train: { ...set(40, { pixel: 1 }), files } },
    /^sampled training images \(hash\): \w{12} in the checkpoint, \w{12} now$/,
  ],
  ["other test pixels", { test: set(7, { pixel: 1 }) }, /^sampled test images/],
  ["other labels", { train: { ...set(40, { label: 1 }), files } }, /^labels of the training images \(hash\)/],
  ["other classes", { classNames: ["a", "b", "d"] }, /^classes: a, b, c in the checkpoint, a, b, d now$/],
  ["many classes", { classNames: Array.from({ length: 100 }, (_, i) => `class ${i}`) }, /now$/],
  [
    "another size",
    { train: { ...set(40, { width: 3 }), files } },
    /^size of the images: 1x2x2 u8 in the checkpoint, 1x2x3 u8 now;sampled/,
  ],
  [
    "a picture in another class's folder",
    { train: { ...set(40), files: [{ name: "b/1.png", bytes: 70 }] } },
    /^names and sizes of the training files \(hash\): \w{12} in the checkpoint, \w{12} now$/,
  ],
  [
    "a picture of another size in bytes",
    { train: { ...set(40), files: [{ name: "a/1.png", bytes: 71 }] } },
    /^names and sizes of the training files/,
  ],
  ["fewer test images", { test: set(6) }, /^test images: 7 in the checkpoint, 6 now/],
])("%s", async (_, more, expected) => {
  const differences = identityDifferences(await identity(dataset()), await identity(dataset(more)));
  expect(differences.map(({ text }) => text).join(";")).toMatch(expected);
  expect(differences.every(({ isAcceptable }) => isAcceptable)).toBe(true);
});

test("a checkpoint of before data were looked at is taken", async () => {
  const now = await identity(dataset());
  const { data: _, ...before } = now;
  expect(identityDifferences(before, now)).toEqual([]);
});

test("a few images of a large set are read, one at a time, the damaged among them too", async () => {
  const read: number[][] = [];
  const large: ImageSet = {
    ...set(1),
    count: 100_000,
    labels: new Uint8Array(100_000),
    read(indices, _, skip) {
      read.push(Array.from(indices));
      if (read.length === 3) skip?.(0, new DamagedPicture("x.png", "it is cut off"));
    },
  };
  await dataFingerprint(dataset({ train: large, test: set(1) }));
  expect(read.every(({ length }) => length === 1)).toBe(true);
  expect([read.length, read[0], read.at(-1)]).toEqual([16, [0], [99_999]]);
});
