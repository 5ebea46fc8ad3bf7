import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { openDataset, shippedFashionMnist } from "../../../compiler/datasets/openDataset.ts";
import { idxFile, smallDataset } from "../../support/idxFile.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

const fashion = { kind: "named", name: "fashion_mnist" } as const;
const whole = smallDataset(20, 10, 4);

test("the shipped images are the first of Fashion-MNIST", () => {
  const { train, test: held, description, classNames } = openDataset(fashion, { directory: shippedFashionMnist() });
  expect(train).toMatchObject({ count: 4000, channels: 1, height: 28, width: 28 });
  expect(held.count).toBe(2000);
  expect(Array.from(train.labels).slice(0, 6)).toEqual([9, 0, 0, 3, 0, 2]);
  expect(classNames[9]).toBe("Ankle boot");
  expect(description).toContain("4000 train and 2000 test images");
});

test("without a directory the installed set is taken, else the shipped one, and it is said", () => {
  const { description } = openDataset(fashion);
  const installed = "/usr/share/datasets/fashion-mnist";
  if (existsSync(installed))
    expect(description).toBe(`fashion_mnist from ${installed}: 60000 train and 10000 test images`);
  else expect(description).toContain("(the subset that ships with cnnc): 4000 train and 2000 test images");
});

test("a directory of one's own wins, without gzip too", () => {
  const { train } = openDataset(fashion, { directory: temporaryFolder(whole) });
  expect(train).toMatchObject({ count: 20, height: 4, width: 4 });
});

describe("what is not right is refused by name", () => {
  const { "t10k-labels-idx1-ubyte": _left, ...threeFiles } = whole;
  test.each<[string, Readonly<Record<string, Uint8Array>>, RegExp]>([
    [
      "a file is missing",
      threeFiles,
      /holds no t10k-labels-idx1-ubyte\.gz \(nor t10k-labels-idx1-ubyte without gzip\)/,
    ],
    [
      "counts differ",
      { ...whole, "train-labels-idx1-ubyte": idxFile([3], [1, 2, 3]) },
      /train-labels-idx1-ubyte holds 3 labels, but .*train-images-idx3-ubyte holds 20 images/,
    ],
    [
      "a label is beyond the classes",
      { ...whole, "t10k-labels-idx1-ubyte": idxFile([10], [0, 1, 2, 10, 4, 5, 6, 7, 8, 9]) },
      /t10k-labels-idx1-ubyte: the label at offset 11 \(image 3\) is 10, beyond the 10 classes 0 to 9/,
    ],
    ["no images", { ...whole, "train-images-idx3-ubyte": idxFile([0, 4, 4], []) }, /it holds no images/],
    [
      "sizes differ",
      { ...whole, "t10k-images-idx3-ubyte": smallDataset(1, 10, 5)["t10k-images-idx3-ubyte"] as Uint8Array },
      /the train images are 4x4, the test images 5x5/,
    ],
  ])("%s", (_, files, message) => {
    const directory = temporaryFolder(files);
    expect(() => openDataset(fashion, { directory })).toThrow(message);
  });

  test("no such directory", () => {
    const directory = join(temporaryFolder(), "nowhere");
    expect(() => openDataset(fashion, { directory })).toThrow(`--data ${directory}: there is no such directory`);
  });
});
