/** `cnnc train` and `eval` on data of one's own: pictures in their own sizes, arrays of bytes and of numbers. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { parseSafetensors } from "../../runtime/index.ts";
import { jpegFile, npyFile, pngFile } from "../support/imageFiles.ts";
import { runCnnc } from "../support/runCnnc.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

const spec = `model Small(classes = 2) {
  input 3 x 6 x 6
  flatten
  linear(classes)
}
train Small as pictures {
  data images("Bilder, groß & klein") {
    resize 8
    subtract mean_image
    augment { random_crop(6)  random_flip  color_jitter(brightness: 0.1, contrast: 0.1) }
  }
  optimizer sgd(lr: 0.1)
  batch 8
  epochs 2
}
train Small as numbers {
  data arrays("x.npy", "y.npy") { resize 6  subtract mean_channel  augment { random_crop(padding: 1) } }
  optimizer sgd(lr: 0.1)
  batch 8
  epochs 2
}
`;
/** Red things and blue things, each of its own size. */
const pictures = Object.fromEntries(
  Array.from({ length: 40 }, (_, index): [string, Uint8Array] => {
    const isRed = index % 2 === 0;
    const write = index % 3 === 0 ? jpegFile : pngFile;
    const file = write(7 + (index % 5), 7 + (index % 4), (x) => (isRed ? [200, x, 20] : [20, x, 200]));
    return [`Bilder, groß & klein/${isRed ? "rot" : "blau"}/${index}.${index % 3 === 0 ? "jpg" : "png"}`, file];
  }),
);
const x = Float32Array.from({ length: 40 * 3 * 25 }, (_, i) =>
  Math.floor(i / 75) % 2 === Math.floor(i / 25) % 3 ? 0.9 : 0.1,
);
const damaged = pngFile(9, 9, (at) => [at * 20, 3, 4]);
damaged[50]! ^= 255;
const folder = temporaryFolder({
  ...pictures,
  "Bilder, groß & klein/rot/damaged.png": damaged,
  "Bilder, groß & klein/rot/notes.png": "not a picture",
  "small.cnn": spec,
  "x.npy": npyFile("<f4", [40, 3, 5, 5], new Uint8Array(x.buffer)),
  "y.npy": npyFile(
    "|u1",
    [40],
    Uint8Array.from({ length: 40 }, (_, index) => index % 2),
  ),
});

test("pictures and arrays train to the same losses each time, and evaluate with the mean of their training", async () => {
  const losses = (out: string): readonly string[] =>
    readFileSync(join(folder, out, "log.jsonl"), "utf8").match(/"(loss|testLoss)":[^,]*/g) ?? [];
  for (const recipe of ["pictures", "numbers"]) {
    const train = ["train", "small.cnn", "--recipe", recipe, "--out"];
    const [a, b] = [`${recipe} 1`, `${recipe} 2`];
    const first = await runCnnc([...train, a], { cwd: folder });
    expect(first).toMatchObject({ code: 0 });
    expect((await runCnnc([...train, b], { cwd: folder })).code).toBe(0);
    expect(losses(a).length).toBeGreaterThan(8);
    expect(losses(b)).toEqual(losses(a));
    expect(existsSync(join(folder, a, "mean.safetensors"))).toBe(true);
    // The weights hold it too: nothing else is needed to predict.
    const { metadata } = parseSafetensors(readFileSync(join(folder, a, "weights.safetensors")));
    expect(JSON.parse(metadata["image_mean"] ?? "null")).toHaveLength(recipe === "pictures" ? 3 * 64 : 3);
    rmSync(join(folder, a, "mean.safetensors"));
    if (recipe === "pictures") {
      expect(first.out).toMatch(/damaged\.png: its \d+ bytes do not decode: its chunk IDAT at offset 33 is damaged/);
      expect(first.out).toContain("1 damaged picture skipped: ");
      expect(first.out + first.error).toMatch(
        /1 file was skipped:\n.*notes\.png: it is neither PNG nor JPEG: offset 0 holds 6e 6f/,
      );
    }
    const evaluation = ["eval", "small.cnn", "--recipe", recipe, "--weights", join(a, "weights.safetensors"), "--json"];
    const { out } = await runCnnc(evaluation, { cwd: folder });
    const { loss } = JSON.parse(out) as { readonly loss: number };
    expect(
      losses(a)
        .filter((line) => line.startsWith('"testLoss"'))
        .at(-1),
    ).toBe(`"testLoss":${loss}`);
  }
});
