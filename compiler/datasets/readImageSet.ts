import { existsSync } from "node:fs";
import { join } from "node:path";
import { readBytes } from "../files/readText.ts";
import { checkCounts, DatasetError, labelBeyond } from "./datasetError.ts";
import { memorySet, type ImageSet } from "./imageSet.ts";
import { readIdx } from "./readIdx.ts";

export type Split = "train" | "test";

/** The names that MNIST's and Fashion-MNIST's files have. */
const prefixOf: Readonly<Record<Split, string>> = { train: "train", test: "t10k" };

/** Whether a folder holds the four files of an MNIST-like data set. */
export function holdsImageSets(directory: string): boolean {
  return (["train", "test"] as const).every((split) =>
    ["images-idx3-ubyte", "labels-idx1-ubyte"].every((part) => fileOf(directory, split, part) !== undefined),
  );
}

/** One half of an MNIST-like data set: grey images with labels below `classes`; throws `DatasetError`. */
export function readImageSet(directory: string, split: Split, classes: number): ImageSet {
  const imagePath = requireFile(directory, split, "images-idx3-ubyte");
  const labelPath = requireFile(directory, split, "labels-idx1-ubyte");
  const images = readIdx(readBytes(imagePath), imagePath, 3);
  const labels = readIdx(readBytes(labelPath), labelPath, 1);
  const [count = 0, height = 0, width = 0] = images.dimensions;
  checkCounts({ path: imagePath, count }, { path: labelPath, count: labels.elements.length });
  const beyond = labels.elements.findIndex((label) => label >= classes);
  if (beyond >= 0) {
    throw labelBeyond(labelPath, { offset: 8 + beyond, image: beyond }, labels.elements[beyond] ?? NaN, classes);
  }
  return memorySet({ count, channels: 1, height, width, pixels: images.elements, labels: labels.elements });
}

function requireFile(directory: string, split: Split, part: string): string {
  const path = fileOf(directory, split, part);
  if (path === undefined) {
    const name = `${prefixOf[split]}-${part}`;
    throw new DatasetError(`${directory} holds no ${name}.gz (nor ${name} without gzip)`);
  }
  return path;
}

function fileOf(directory: string, split: Split, part: string): string | undefined {
  const path = join(directory, `${prefixOf[split]}-${part}`);
  return [`${path}.gz`, path].find((candidate) => existsSync(candidate));
}
