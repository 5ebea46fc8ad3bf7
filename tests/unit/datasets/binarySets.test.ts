import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "@jest/globals";
import { readImages } from "../../../compiler/datasets/imageSet.ts";
import { meanOf } from "../../../compiler/datasets/meanOf.ts";
import { openDataset } from "../../../compiler/datasets/openDataset.ts";
import { readAhead } from "../../../compiler/datasets/readAhead.ts";
import { smallDataset } from "../../support/idxFile.ts";
import { cifarFile, npyFile } from "../../support/imageFiles.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

const cifar10 = { kind: "named", name: "cifar10" } as const;
const cifarNames = [1, 2, 3, 4, 5].map((number) => `data_batch_${number}.bin`);

describe("CIFAR", () => {
  const files = Object.fromEntries([...cifarNames, "test_batch.bin"].map((name) => [name, cifarFile(3)]));

  test("is read from its binary files, from the folder that its archive makes too", async () => {
    const directory = temporaryFolder();
    mkdirSync(join(directory, "cifar-10-batches-bin"));
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(directory, "cifar-10-batches-bin", name), content);
    }
    writeFileSync(join(directory, "cifar-10-batches-bin", "batches.meta.txt"), "airplane\nautomobile\nbird\n");
    const { train, test: held, classNames } = openDataset(cifar10, { directory });
    expect(train).toMatchObject({ count: 15, channels: 3, height: 32, width: 32, mixed: false });
    expect([held.count, classNames.slice(0, 4)]).toEqual([3, ["airplane", "automobile", "bird", "3"]]);
    expect(Array.from(train.labels)).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
    const { raw, sizes } = await readImages(train, [4, 0]);
    expect([raw[0], raw[3071], raw[3072], sizes[3]]).toEqual([(31 + 1) % 256, (31 + 3072) % 256, 1, 32]);
  });

  test("CIFAR-100's fine label counts", () => {
    const record = new Uint8Array(3074);
    record.set([19, 97]);
    const directory = temporaryFolder({ "train.bin": record, "test.bin": record });
    const { train } = openDataset({ kind: "named", name: "cifar100" }, { directory });
    expect(Array.from(train.labels)).toEqual([97]);
  });

  test.each<readonly [string, Readonly<Record<string, Uint8Array>>, RegExp]>([
    ["nothing there", {}, /cifar10 was not found in .*: unpack its binary version \(cifar-10-binary\.tar\.gz\)/],
    ["a file is missing", { "test_batch.bin": cifarFile(1) }, /holds no data_batch_1\.bin, which cifar10 consists of/],
    [
      "truncated",
      { ...files, "data_batch_2.bin": cifarFile(3).subarray(0, 7000) },
      /data_batch_2\.bin: it is truncated: it ends at offset 7000, inside image 2, which begins at 6146 \(3073 bytes an image\)/,
    ],
    [
      "a label beyond the classes",
      { ...files, "data_batch_3.bin": cifarFile(3).map((byte, index) => (index === 3073 ? 200 : byte)) },
      /data_batch_3\.bin: the label at offset 3073 \(image 1\) is 200, beyond the 10 classes 0 to 9/,
    ],
  ])("%s", (_, content, message) => {
    expect(() => openDataset(cifar10, { directory: temporaryFolder(content) })).toThrow(message);
  });
});

describe("arrays", () => {
  const pixels = Uint8Array.from({ length: 10 * 2 * 3 * 4 }, (_, index) => index % 251);
  const labels = new Uint8Array(new BigInt64Array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0].map(BigInt)).buffer);
  const arrays = { kind: "arrays", images: "x y.npy", labels: "y.npy" } as const;
  const open = (x: Uint8Array, y: Uint8Array = npyFile("<i8", [10], labels)): ReturnType<typeof openDataset> =>
    openDataset(arrays, { base: temporaryFolder({ "x y.npy": x, "y.npy": y }), classes: 3 });

  test("of bytes and of numbers, n x c x h x w, n x h x w and n x features", async () => {
    const { train, test: held } = open(npyFile("|u1", [10, 2, 3, 4], pixels));
    expect(train).toMatchObject({ channels: 2, height: 3, width: 4, elements: "u8" });
    expect(train.count + held.count).toBe(10);
    const { raw } = await readImages(train, [train.count - 1]);
    const first = (raw[0] as number) / 24;
    expect([...raw]).toEqual([...pixels.subarray(first * 24, first * 24 + 24)]);
    const numbers = new Uint8Array(Float32Array.from({ length: 60 }, (_, index) => index / 7).buffer);
    expect(open(npyFile("<f4", [10, 2, 3], numbers)).train).toMatchObject({
      channels: 1,
      height: 2,
      width: 3,
      elements: "f32",
    });
    const rows = open(npyFile("<f4", [10, 6], numbers)).train;
    expect(rows).toMatchObject({ channels: 1, height: 1, width: 6 });
    const row = (await readImages(rows, [0])).raw;
    expect((row[1] as number) - (row[0] as number)).toBeCloseTo(1 / 7, 6);
  });

  test("a number that is not finite is named when it is read", async () => {
    const numbers = Float32Array.from({ length: 60 }, (_, index) => (index === 27 ? NaN : index));
    const { train, test: held } = open(npyFile("<f4", [10, 6], new Uint8Array(numbers.buffer)));
    const all = (set: typeof train) =>
      readImages(
        set,
        Array.from({ length: set.count }, (_, index) => index),
      );
    const outcomes = await Promise.allSettled([all(train), all(held)]);
    const failed = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [String(outcome.reason)] : []));
    expect(failed).toEqual([expect.stringMatching(/x y\.npy: the number at offset 236 \(image 4\) is NaN/)]);
  });

  const good = npyFile("|u1", [10, 2, 3, 4], pixels);
  test.each<readonly [string, Uint8Array, Uint8Array | undefined, RegExp]>([
    ["wrong element type", npyFile("<f8", [10, 3], new Uint8Array(240)), undefined, /x y\.npy: its elements are <f8; images are uint8 .* or float32/],
    ["wrong byte order", npyFile(">f4", [10, 6], new Uint8Array(240)), undefined, /x y\.npy: its header at offset 10 gives elements of >f4, highest byte first; save array\.astype\("<f4"\)/],
    ["column by column", npyFile("|u1", [10, 24], pixels, "True"), undefined, /stored column by column \(fortran_order\)/],
    ["truncated", good.subarray(0, 200), undefined, /it is truncated: its data ends at offset 200, but 10 x 2 x 3 x 4 elements of \|u1 end at 368/],
    ["too long", Buffer.concat([good, Uint8Array.of(1)]), undefined, /1 bytes too many after offset 368/],
    ["not an array at all", Buffer.from("x,y,z\n1,2,3\n"), undefined, /not an \.npy file: offset 0 holds 78 2c 79 2c 7a 0a/],
    ["an archive", Buffer.from("PK\x03\x04 …"), undefined, /x y\.npy: it is an archive \(\.npz\); save its array/],
    ["objects", npyFile("|O", [2], new Uint8Array(40)), undefined, /its header at offset 10 says that it holds Python objects/],
    ["empty", new Uint8Array(), undefined, /not an \.npy file: offset 0 holds nothing/],
    ["labels of numbers", good, npyFile("<f4", [10], new Uint8Array(40)), /y\.npy: it holds <f4 of shape \(10\); labels are whole numbers/],
    ["labels in a column", good, npyFile("|u1", [10, 1], new Uint8Array(10)), /shape \(10, 1\); labels are .* save labels\.reshape\(-1\)/],
    ["too few labels", good, npyFile("|u1", [3], Uint8Array.of(0, 1, 2)), /y\.npy holds 3 labels, but .*x y\.npy holds 10 images/],
    ["a label beyond the classes", good, npyFile("|u1", [10], Uint8Array.of(0, 1, 2, 3, 0, 0, 0, 0, 0, 0)), /y\.npy: the label at offset 131 \(image 3\) is 3, beyond the 3 classes 0 to 2/],
    ["a negative label", good, npyFile("|i1", [10], Uint8Array.of(0, 255, 0, 0, 0, 0, 0, 0, 0, 0)), /\(image 1\) is -1, beyond/],
  ])("%s", (_, x, y, message) => {
    expect(() => open(x, y)).toThrow(message);
  }); // prettier-ignore
});

describe("bad IDX files", () => {
  const fashion = { kind: "named", name: "fashion_mnist" } as const;
  const set = smallDataset(20, 10, 4);
  const name = "train-images-idx3-ubyte";
  const original = set[name] as Uint8Array;
  test.each<readonly [string, Readonly<Record<string, Uint8Array>>, RegExp]>([
    ["truncated gzip", { [`${name}.gz`]: gzipSync(original).subarray(0, 100) }, /\.gz: its gzip data is truncated: it stops at offset 100 of the file/],
    ["wrong magic", { [name]: Uint8Array.of(1, 2, 3, 4, ...original.subarray(4)) }, /not an IDX file: offset 0 holds 0x01020304, expected 0x00000803/],
    ["truncated", { [name]: original.subarray(0, 100) }, /it is truncated: its data ends at offset 100/],
  ])("%s", (_, files, message) => {
    const { [name]: _left, ...others } = set;
    const directory = temporaryFolder({ ...others, ...files });
    expect(() => openDataset(fashion, { directory })).toThrow(message);
  }); // prettier-ignore

  test("a path with spaces and letters of any kind", () => {
    const directory = join(temporaryFolder(), "Daten für 学習");
    mkdirSync(directory);
    for (const [file, content] of Object.entries(set)) writeFileSync(join(directory, file), content);
    expect(openDataset(fashion, { directory }).train.count).toBe(20);
  });
});

test("batches are read ahead, in order; the last is what remains; a bad one is heard when it comes", async () => {
  const { train } = openDataset(
    { kind: "named", name: "mnist" },
    { directory: temporaryFolder(smallDataset(11, 3, 2)) },
  );
  const asked: number[] = [];
  const slow: typeof train = {
    ...train,
    async read(indices, into) {
      asked.push(indices[0] as number);
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (indices[0] === 8) throw new Error("file 8 is bad");
      await train.read(indices, into);
    },
  };
  const order = Uint32Array.from({ length: 11 }, (_, index) => index);
  const seen: (readonly number[])[] = [];
  const reading = async (): Promise<void> => {
    for await (const { raw, labels, count } of readAhead(slow, order, 4)) {
      const { raw: expected } = await readImages(train, order.subarray(seen.length * 4, seen.length * 4 + count));
      expect(raw).toEqual(expected);
      seen.push([...labels]);
      expect(asked.length).toBeGreaterThan(seen.length - 1);
    }
  };
  await expect(reading()).rejects.toThrow("file 8 is bad");
  expect(seen).toEqual([
    [0, 1, 2, 3],
    [4, 5, 6, 7],
  ]);
});

test("the mean of a training set: of each element after resizing, and of each channel", async () => {
  const pixels = Uint8Array.from({ length: 3 * 2 * 2 * 2 }, (_, index) => index * 9);
  const y = npyFile("|u1", [3], new Uint8Array(3));
  const base = temporaryFolder({ "x.npy": npyFile("|u1", [3, 2, 2, 2], pixels), "y.npy": y });
  const { train } = openDataset({ kind: "arrays", images: "x.npy", labels: "y.npy" }, { base });
  const source = { kind: "images", directory: "" } as const;
  const numbers = (
    await readImages(
      train,
      Uint32Array.from({ length: train.count }, (_, index) => index),
    )
  ).raw;
  const meanAt = (at: number): number =>
    Array.from({ length: train.count }, (_, image) => numbers[image * 8 + at] as number).reduce((a, b) => a + b, 0) /
    train.count /
    255;
  const image = await meanOf(train, { source, subtract: "mean_image", augment: [] });
  image.forEach((value, at) => {
    expect(value).toBeCloseTo(meanAt(at), 6);
  });
  const channels = await meanOf(train, { source, subtract: "mean_channel", resize: [1, 1], augment: [] });
  expect(channels[1]).toBeCloseTo((meanAt(4) + meanAt(5) + meanAt(6) + meanAt(7)) / 4, 6);
});
