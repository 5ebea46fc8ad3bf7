/**
 * CIFAR's binary files: records of one label (CIFAR-100: a coarse and a fine one) and 3 x 32 x 32 bytes, red, green and blue
 * planes. Images are read from the files as they are needed.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readText } from "../files/readText.ts";
import { DatasetError, labelBeyond } from "./datasetError.ts";
import type { ImageSet } from "./imageSet.ts";
import { openRecordFile } from "./readRecords.ts";

export type CifarName = "cifar10" | "cifar100";

interface CifarFiles {
  /** The folder that the archive makes. */
  readonly folder: string;
  readonly train: readonly string[];
  readonly test: readonly string[];
  /** Labels before the image; the last of them counts. */
  readonly labelBytes: number;
  readonly classes: number;
  readonly names: string;
}

const files: Readonly<Record<CifarName, CifarFiles>> = {
  cifar10: {
    folder: "cifar-10-batches-bin",
    train: [1, 2, 3, 4, 5].map((number) => `data_batch_${number}.bin`),
    test: ["test_batch.bin"],
    labelBytes: 1,
    classes: 10,
    names: "batches.meta.txt",
  },
  cifar100: {
    folder: "cifar-100-binary",
    train: ["train.bin"],
    test: ["test.bin"],
    labelBytes: 2,
    classes: 100,
    names: "fine_label_names.txt",
  },
};

const imageBytes = 3 * 32 * 32;

/** The folder that holds the files: the given one, or the archive's own within it; undefined where there are none. */
export function findCifar(name: CifarName, directory: string): string | undefined {
  const { folder, train, test } = files[name];
  return [directory, join(directory, folder)].find((each) =>
    [...train, ...test].some((file) => existsSync(join(each, file))),
  );
}

/** One half of CIFAR; throws `DatasetError` naming file and offset. */
export function readCifar(name: CifarName, directory: string, split: "train" | "test"): ImageSet {
  const { labelBytes, classes, ...lists } = files[name];
  const recordBytes = labelBytes + imageBytes;
  const opened = lists[split].map((file) => {
    const path = join(directory, file);
    if (!existsSync(path)) throw new DatasetError(`${directory} holds no ${file}, which ${name} consists of`);
    const records = openRecordFile(path);
    if (records.size === 0 || records.size % recordBytes !== 0) {
      const whole = Math.floor(records.size / recordBytes);
      throw new DatasetError(
        `${path}: it is truncated: it ends at offset ${records.size}, inside image ${whole}, which begins at ${whole * recordBytes} (${recordBytes} bytes an image)`,
      );
    }
    return records;
  });
  const counts = opened.map(({ size }) => size / recordBytes);
  const labels = new Uint8Array(counts.reduce((sum, count) => sum + count, 0));
  let first = 0;
  for (const [index, records] of opened.entries()) {
    const content = new Uint8Array(records.size);
    records.read(content, 0);
    for (let image = 0; image < (counts[index] ?? 0); image++) {
      const offset = image * recordBytes + labelBytes - 1;
      const label = content[offset] as number;
      if (label >= classes) throw labelBeyond(records.path, { offset, image }, label, classes);
      labels[first++] = label;
    }
  }
  const firstOf = counts.map((_, index) => counts.slice(0, index).reduce((sum, count) => sum + count, 0));
  return {
    ...{ count: labels.length, channels: 3, height: 32, width: 32, labels, elements: "u8", mixed: false },
    read(indices, { raw, sizes }) {
      for (let at = 0; at < indices.length; at++) {
        const index = indices[at] as number;
        const file = firstOf.findLastIndex((start) => start <= index);
        const offset = (index - (firstOf[file] ?? 0)) * recordBytes + labelBytes;
        opened[file]?.read((raw as Uint8Array).subarray(at * imageBytes, (at + 1) * imageBytes), offset);
        sizes.set([32, 32], 2 * at);
      }
    },
  };
}

/** The classes' names, from the file that comes with the images; their numbers where it is missing. */
export function cifarClasses(name: CifarName, directory: string): readonly string[] {
  const { names, classes } = files[name];
  const path = join(directory, names);
  const lines = existsSync(path) ? readText(path).split("\n").map((line) => line.trim()).filter((line) => line !== "") : []; // prettier-ignore
  return Array.from({ length: classes }, (_, index) => lines[index] ?? String(index));
}
