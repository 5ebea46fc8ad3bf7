import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { createPictureReader, type ReaderOptions } from "../../../compiler/datasets/createPictureReader.ts";
import { DatasetError, type DamagedPicture } from "../../../compiler/datasets/datasetError.ts";
import { imageElements, rawBatch, readImages, readWhole } from "../../../compiler/datasets/imageSet.ts";
import { openDataset } from "../../../compiler/datasets/openDataset.ts";
import { splitByHash } from "../../../compiler/datasets/splitByHash.ts";
import { jpegFile, pngFile } from "../../support/imageFiles.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

const source = { kind: "images", directory: "." } as const;

const grey = (value: number) => (): readonly [number, number, number] => [value, value, value];
const small = pngFile(2, 2, grey(7));

describe("a folder of pictures", () => {
  test("has a class a folder; PNG and JPEG, in spaces and letters of any kind; each picture in its own size", async () => {
    const directory = temporaryFolder({
      "Ärger & Freude/eins zwei.png": pngFile(3, 2, (x, y) => [10 * x, 100 * y, 255]),
      "Ärger & Freude/drei.PNG": pngFile(2, 4, grey(40)),
      "写真/四.jpg": jpegFile(4, 4, grey(200)),
      "写真/五.jpeg": jpegFile(2, 2, grey(90)),
    });
    const { classNames, train, test: held, description } = openDataset(source, { directory, channels: 3 });
    expect(classNames).toEqual(["Ärger & Freude", "写真"]);
    expect(description).toContain(`${directory}: ${train.count} train and ${held.count} test images, 2 classes`);
    expect(train.count + held.count).toBe(4);
    expect(train).toMatchObject({ channels: 3, height: 4, width: 4, mixed: true });
    const found: string[] = [];
    for (const set of [train, held]) {
      const { raw, sizes } = await readImages(
        set,
        Uint32Array.from({ length: set.count }, (_, index) => index),
      );
      for (let image = 0; image < set.count; image++) {
        const [height, width] = sizes.subarray(2 * image);
        const planes = raw.subarray(image * 48, image * 48 + 48);
        found.push([set.labels[image], height, width, ...planes.subarray(0, 6), planes[36]].join(" "));
      }
    }
    expect(found.sort()).toEqual([
      // Class, height, width; red of the first row and a half, its room being four wide; blue of the second row's first pixel.
      "0 2 3 0 10 20 0 0 10 255",
      "0 4 2 40 40 0 0 40 40 40",
      "1 2 2 90 90 0 0 90 90 90",
      "1 4 4 200 200 200 200 200 200 200",
    ]);
  });

  test("becomes grey as PIL makes it, and smaller where it is too large", async () => {
    const directory = temporaryFolder({
      "a/1.png": pngFile(4, 2, () => [200, 100, 50]),
      "a/2.png": pngFile(4, 2, () => [1, 2, 3]),
    });
    const { train, description } = openDataset(source, { directory, channels: 1, roomPixels: 2 });
    expect(train).toMatchObject({ channels: 1, height: 1, width: 2, mixed: false });
    expect(description).toContain("2 images larger than 2 pixels are made smaller");
    // (200 * 299 + 100 * 587 + 50 * 114) / 1000 = 124.2; (1 * 299 + 2 * 587 + 3 * 114) / 1000 = 1.8.
    expect([[124, 124], [2, 2]]).toContainEqual([...(await readImages(train, [0])).raw]); // prettier-ignore
  });

  test("keeps its sizes where a batch has room for them as they are, not only where squares of that side would have", () => {
    const wide = pngFile(4, 2, grey(1));
    const directory = temporaryFolder({ "a/1.png": wide, "a/2.png": wide });
    const { train, description } = openDataset(source, { directory, roomPixels: 8 });
    expect(train).toMatchObject({ height: 2, width: 4, mixed: false });
    expect(description).not.toContain("smaller");
    writeFileSync(join(directory, "a/3.png"), pngFile(2, 4, grey(2)));
    const { train: both, description: told } = openDataset(source, { directory, roomPixels: 9 });
    expect(both).toMatchObject({ height: 3, width: 3, mixed: true });
    expect(told).toContain("3 images larger than 3 pixels are made smaller");
  });

  test("may be of links: they are followed, and one that leads nowhere or back is named", () => {
    const elsewhere = temporaryFolder({ "boots/1.png": small, "boots/deep/2.png": small, "3.png": small });
    const directory = temporaryFolder({ "a/1.png": small });
    const link = (target: string, path: string): void => symlinkSync(target, join(directory, path));
    link(join(elsewhere, "boots"), "b");
    link(join(elsewhere, "boots/deep"), "a/deep");
    link(join(elsewhere, "3.png"), "a/3.png");
    link(join(elsewhere, "gone"), "c");
    link("gone.png", "a/4.png");
    link("5.png", "a/5.png");
    // To the folder itself, and to it by way of another: both would go on for ever.
    link("..", "a/up");
    link(directory, "b/round");
    const { classNames, train, test: held, description } = openDataset(source, { directory });
    expect(classNames).toEqual(["a", "b"]);
    expect(train.count + held.count).toBe(5);
    expect([train, held].flatMap(({ labels }) => Array.from(labels)).sort()).toEqual([0, 0, 0, 1, 1]);
    const root = realpathSync(directory);
    expect(description.split("\n").slice(1)).toEqual([
      "5 files were skipped:",
      `  ${join(directory, "c")}: it is a link to ${join(elsewhere, "gone")}: there is no such file`,
      `  ${join(directory, "a/4.png")}: it is a link to gone.png: there is no such file`,
      `  ${join(directory, "a/5.png")}: it is a link to 5.png: its symbolic links go round in a circle`,
      `  ${join(directory, "a/up")}: it is a link to ${root}, a folder that it lies in itself`,
      `  ${join(directory, "b/round")}: it is a link to ${root}, a folder that it lies in itself`,
    ]);
  });

  test("is split by its files' names: what comes or goes moves no other", () => {
    const names = Array.from({ length: 1000 }, (_, index) => `cats/${index}.png`);
    const { train, test: held } = splitByHash(names);
    expect(train.length + held.length).toBe(1000);
    expect(held.length).toBeGreaterThan(150);
    expect(held.length).toBeLessThan(250);
    const more = splitByHash([...names, "cats/new.png"]);
    expect([...more.test].filter((index) => index < 1000)).toEqual([...held]);
    // The split of these names is the same on every machine and in every version.
    expect([...splitByHash(["a", "b", "c", "d", "e", "f", "g", "h"]).test]).toEqual([1, 4]);
    expect(splitByHash(["a", "b"])).toMatchObject({ train: { length: 1 }, test: { length: 1 } });
  });
});

describe("bad pictures", () => {
  test("what is no image is skipped, counted and shown", () => {
    const directory = temporaryFolder({
      ...{
        "a/1.png": small,
        "a/2.png": small,
        "a/text.png": Buffer.from("just text"),
        "a/empty.jpg": new Uint8Array(),
      },
      ...{
        "a/cut.png": small.subarray(0, 20),
        "a/cut.jpg": jpegFile(2, 2, grey(1)).subarray(0, 30),
        "a/half.png": small.subarray(0, small.length - 8),
        "a/half.jpg": jpegFile(2, 2, grey(1)).subarray(0, -2),
        // What stands behind its end harms nothing.
        "a/3.png": Buffer.concat([small, Buffer.alloc(100)]),
        "a/notes.txt": small,
      },
    });
    const { train, test: held, description } = openDataset(source, { directory });
    expect(train.count + held.count).toBe(3);
    const length = jpegFile(2, 2, grey(1)).length - 2;
    expect(description.split("\n").slice(1)).toEqual([
      "7 files were skipped:",
      `  ${join(directory, "a/cut.jpg")}: the JPEG ends at offset 30, before its first frame`,
      `  ${join(directory, "a/cut.png")}: the PNG ends at offset 20, inside its header`,
      `  ${join(directory, "a/empty.jpg")}: it has 0 bytes`,
      `  ${join(directory, "a/half.jpg")}: the JPEG is cut off: it ends at offset ${length}, before its end marker (ff d9)`,
      `  ${join(directory, "a/half.png")}: the PNG is cut off: it ends at offset ${small.length - 8}, before its last chunk (IEND)`,
      "  and 2 more",
    ]);
  });

  test("an empty class is refused by name, and so is one without a good file, and a folder without classes", () => {
    const directory = temporaryFolder({ "a/1.png": small, "a/2.png": small });
    mkdirSync(join(directory, "leer"));
    expect(() => openDataset(source, { directory })).toThrow(
      `${join(directory, "leer")}: this class has no images: it is empty`,
    );
    const bad = temporaryFolder({ "a/1.png": small, "b/x.png": new Uint8Array() });
    expect(() => openDataset(source, { directory: bad })).toThrow(
      /b: this class has no images: none of its 1 files can be read: .*x\.png: it has 0 bytes/,
    );
    expect(() => openDataset(source, { directory: temporaryFolder({ "1.png": small }) })).toThrow(
      "it holds no folders",
    );
    expect(() => openDataset(source, { directory: temporaryFolder({ "a/1.png": small }) })).toThrow(
      "it holds a single image",
    );
  });

  test("a wrong size is found before it is believed", () => {
    const damaged = pngFile(2, 2, grey(7));
    damaged[17]! ^= 255;
    const directory = temporaryFolder({ "a/1.png": small, "a/2.png": small, "a/3.png": damaged });
    const { train, description } = openDataset(source, { directory });
    expect(description).toContain(
      "a/3.png: the PNG's header at offset 8 is damaged (its checksum at offset 29 is of other bytes)",
    );
    expect(train).toMatchObject({ height: 2, width: 2 });
  });

  test("a file that is damaged inside ends the reading with its name, or is left out of its batch", async () => {
    const damaged = pngFile(40, 40, (x, y) => [x * 6, y * 6, (x * y) % 256]);
    damaged[100]! ^= 255;
    const stumbling = jpegFile(40, 40, grey(9));
    stumbling[stumbling.indexOf(0xc4) + 4] = 255; // a Huffman table's lengths
    const names = ["1.png", "2.png", "3.png", "4.png", "5.png", "6.png"];
    const bad = ["2.png", "4.png", "6.jpg"];
    const directory = temporaryFolder({
      ...Object.fromEntries(names.map((name, i) => [`a/${name}`, pngFile(2, 2, grey(i))])),
      ...{ "a/2.png": damaged, "a/4.png": damaged, "a/6.jpg": stumbling },
    });
    const { train, test: held } = openDataset(source, { directory });
    const seen: number[] = [];
    const reasons: string[] = [];
    for (const set of [train, held]) {
      const all = Array.from({ length: set.count }, (_, image) => image);
      const { images, indices, skipped } = await readWhole(set, all, rawBatch(set, set.count));
      expect(indices.length + skipped.length).toBe(set.count);
      const room = imageElements(set);
      for (let at = 0; at < indices.length; at++) {
        seen.push(images.raw[at * room] as number);
        expect([...images.sizes.subarray(2 * at, 2 * at + 2)]).toEqual([2, 2]);
      }
      reasons.push(...skipped.map(({ path, reason }) => `${path.slice(-5)}: ${reason}`));
      const [first] = all.filter((image) => !Array.from(indices).includes(image));
      await expect(readImages(set, [first ?? 0])).rejects.toThrow(
        /a\/.*do not decode: .*; mend the file or take it out/,
      );
    }
    expect(seen.sort()).toEqual([0, 2, 4, 5]);
    expect(reasons.sort()).toEqual(
      bad.map((name) =>
        name.endsWith("png")
          ? expect.stringMatching(
              new RegExp(`${name}: its \\d+ bytes do not decode: its chunk IDAT at offset 33 is damaged`),
            )
          : expect.stringMatching(/6\.jpg: its \d+ bytes do not decode: (?!Cannot)/),
      ),
    );
  });

  test("thousands of small files open at once, and are read a batch at a time", async () => {
    const files = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`c${i % 4}/${i}.png`, small]));
    const { train, test: held } = openDataset(source, { directory: temporaryFolder(files) });
    expect(train.count + held.count).toBe(2000);
    const { raw } = await readImages(
      train,
      Uint32Array.from({ length: 256 }, (_, index) => index * 5),
    );
    expect(raw.every((byte) => byte === 7)).toBe(true);
  });
});

describe("threads that decode", () => {
  const side = 192;
  const noise = (x: number, y: number): readonly [number, number, number] => [(x * x) % 256, (x * y) % 256, y];
  const [jpeg, png] = [jpegFile(side, side, noise), pngFile(side, side, noise)];
  const damaged = Uint8Array.from(png);
  damaged[100]! ^= 255;
  const directory = temporaryFolder({
    ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => (i % 2 === 0 ? [`${i}.jpg`, jpeg] : [`${i}.png`, png]))),
    ...Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`${i + 8}.png`, pngFile(2, 2, grey(i))])),
    ...{ "28.png": damaged, "29.png": small },
  });
  const [large, tiny] = [
    { height: side, width: side },
    { height: 2, width: 2 },
  ];
  const requests = Array.from({ length: 31 }, (_, i) => ({
    path: join(directory, i % 2 === 0 && i < 8 ? `${i}.jpg` : `${i}.png`),
    own: i < 8 || i === 28 ? large : i === 29 ? { height: 3, width: 5 } : tiny,
    size: i < 4 ? large : i < 8 ? { height: 50, width: 70 } : tiny,
    channels: i % 3 === 0 ? 1 : 3,
  }));
  /** What is read, and how often the event loop turned meanwhile. */
  const readAll = async (options: ReaderOptions): Promise<{ pictures: unknown[]; turns: number }> => {
    const reader = createPictureReader(options);
    const pictures: unknown[] = [];
    let turns = 0;
    let isReading = true;
    const turn = (): void => {
      turns++;
      if (isReading) setImmediate(turn);
    };
    setImmediate(turn);
    await reader.read(requests, (at, picture) => {
      pictures[at] =
        picture instanceof DatasetError
          ? [
              picture.name,
              picture.message,
              (picture as DamagedPicture).reason,
              (picture.cause as Error | undefined)?.message,
            ]
          : [Buffer.from(picture.planes).toString("base64"), picture.lostColours];
    });
    isReading = false;
    reader.close();
    return { pictures, turns };
  };
  // Jest runs the sources, which no thread can: its file is the one that is built.
  const file = new URL("../../../dist/cli/decodeWorker.js", import.meta.url);
  const here = readAll({ file: new URL("nothing.js", file) });

  test("give what this one gives, errors included, and leave it free meanwhile", async () => {
    const { pictures, turns } = await here;
    const reason = expect.stringMatching(/^its \d+ bytes do not decode: its chunk IDAT at offset 33 is damaged/);
    expect(pictures.slice(28)).toEqual([
      ["DamagedPicture", expect.stringMatching(/28\.png: its \d+ bytes do not decode/), reason, expect.any(String)],
      ["DatasetError", expect.stringMatching(/29\.png: it is 2x2 now; it was 5x3 when it was opened$/), undefined, undefined], // prettier-ignore
      ["DatasetError", expect.stringMatching(/^cannot read .*30\.png: there is no such file$/), undefined, expect.stringContaining("ENOENT")], // prettier-ignore
    ]);
    const there = await readAll({ file, threads: 2 });
    expect(there.pictures).toEqual(pictures);
    // Here the loop turns between pictures; while others decode, as often as it can.
    expect(there.turns).toBeGreaterThan(10 * turns);
  });

  test("that end with their work undone leave it to this one", async () => {
    const text = 'import { parentPort } from "node:worker_threads";\nparentPort.on("message", () => process.exit(3));';
    const folder = temporaryFolder({ "ends.mjs": text, "fails.mjs": "syntax error" });
    for (const name of ["ends.mjs", "fails.mjs"]) {
      const { pictures } = await readAll({ file: pathToFileURL(join(folder, name)), threads: 2 });
      expect(pictures).toEqual((await here).pictures);
    }
  });
});
