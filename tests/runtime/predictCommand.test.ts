/** `cnnc eval` and `cnnc predict` on pictures, alone and as ensembles, against a linear layer and a softmax in plain loops. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { runCli } from "../../compiler/cli.ts";
import { readImages, type ImageSet } from "../../compiler/datasets/imageSet.ts";
import { openDataset } from "../../compiler/datasets/openDataset.ts";
import { uniform, randomStream, resizeBytes, writeSafetensors } from "../../runtime/index.ts";
import { jpegFile, pngFile } from "../support/imageFiles.ts";
import { colourlessTerminal } from "../support/terminal.ts";
import { temporaryFolder, writeInto } from "../support/temporaryFolder.ts";

const classes = 6;
const [size, pixels] = [4, 3 * 16];
const names = ["bicycle", "car", "cat, sleeping", "dog", "house", "tree"];
const spec = `model Small(classes = ${classes}) { input 3 x 4 x 4  flatten  linear(classes) }
train Small { data images("pictures") { normalize(mean: 0.5, std: 0.25) }  optimizer sgd(lr: 0.1)  batch 4 }
train Small as centred { data images("pictures") { subtract mean_channel }  optimizer sgd(lr: 0.1)  batch 4 }
model Grey { input 1 x 4 x 4  flatten  linear(${classes}) }
train Grey { data images("pictures")  optimizer sgd(lr: 0.1)  batch 4 }
model Two { input 2 x 4 x 4  flatten  linear(${classes}) }
train Two { data images("pictures")  optimizer sgd(lr: 0.1)  batch 4 }
`;

interface Layer {
  readonly weight: Float32Array<ArrayBuffer>;
  readonly bias: Float32Array<ArrayBuffer>;
}
function drawLayer(seed: number, inputs = pixels, outputs = classes): Layer {
  const [weight, bias] = [randomStream(seed, "weight"), randomStream(seed, "bias")];
  return {
    weight: Float32Array.from({ length: outputs * inputs }, (_, index) => uniform(weight, index) - 0.5),
    bias: Float32Array.from({ length: outputs }, (_, index) => uniform(bias, index) - 0.5),
  };
}
function weightsFile({ weight, bias }: Layer, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  const shape = [bias.length, weight.length / bias.length];
  return writeSafetensors(
    new Map([
      ["linear1.weight", { dtype: "F32", shape, values: weight }],
      ["linear1.bias", { dtype: "F32", shape: [bias.length], values: bias }],
    ]),
    { format: "pt", ...metadata },
  );
}
/** Softmax of the layer's answers to values that are ready for it, in float64. */
function probabilitiesOf({ weight, bias }: Layer, values: ArrayLike<number>): readonly number[] {
  const logits = Array.from(bias, (b, o) =>
    Array.from(values).reduce((sum, value, i) => sum + value * weight[o * values.length + i]!, b),
  );
  const exponents = logits.map(Math.exp);
  return exponents.map((value) => value / exponents.reduce((a, b) => a + b));
}
function average(all: readonly (readonly number[])[]): readonly number[] {
  return all[0]!.map((_, index) => all.reduce((sum, each) => sum + each[index]!, 0) / all.length);
}
const normalized = (bytes: ArrayLike<number>): readonly number[] =>
  Array.from(bytes, (byte) => (byte / 255 - 0.5) / 0.25);

/** A colour for each place of picture `index`. */
const colour = (index: number) => (x: number, y: number) =>
  [(index * 37 + x * 50) % 256, (index * 91 + y * 60) % 256, (index * 53 + x * y * 20) % 256] as const;
/** The planes of such a picture. */
function planesOf(index: number, width = size, height = size): Uint8Array<ArrayBuffer> {
  const place = (c: number) => (_: unknown, i: number) => colour(index)(i % width, Math.floor(i / width))[c]!;
  return Uint8Array.from([0, 1, 2].flatMap((c) => Array.from({ length: width * height }, place(c))));
}

const [a, b, grey] = [drawLayer(1), drawLayer(2), drawLayer(3, 16)];
const pictures = Object.fromEntries(
  Array.from({ length: 60 }, (_, i) => [`pictures/${names[i % classes]}/${i}.png`, pngFile(size, size, colour(i))]),
);
const mean = Float32Array.of(0.25, 0.5, 0.75);
const folder = temporaryFolder({
  "small.cnn": spec,
  ...pictures,
  "a/weights.safetensors": weightsFile(a),
  "b/weights.safetensors": weightsFile(b),
  "grey.safetensors": weightsFile(grey),
  "five.safetensors": weightsFile(drawLayer(4, pixels, 5)),
  "mean in it.safetensors": weightsFile(a, { image_mean: "[0.5,0.25,0.125]" }),
  "b/mean.safetensors": writeSafetensors(new Map([["mean", { dtype: "F32", shape: [3], values: mean }]]), {}),
  "new/7.png": pngFile(size, size, colour(7)),
  "new/wide.png": pngFile(9, 5, colour(8)),
  "new/zero.png": "",
  "new/text.png": "not a picture",
  "new/cut.png": pngFile(size, size, colour(9)).slice(0, 70),
  "new/cut.jpg": jpegFile(40, 40, colour(9)).slice(0, 700),
});
const at = (path: string): string => join(folder, path);
const [weightsA, weightsB] = [at("a/weights.safetensors"), at("b/weights.safetensors")];

async function cnnc(command: string, ...args: readonly string[]) {
  const { terminal, printed } = colourlessTerminal();
  const code = await runCli([command, at("small.cnn"), "--model", "Small", ...args], terminal);
  return { code, ...printed };
}
interface Predictions {
  readonly predictions: readonly {
    readonly file: string;
    readonly classes: readonly { readonly name: string; readonly class: number; readonly probability: number }[];
  }[];
  readonly failed: readonly { readonly file: string; readonly reason: string }[];
}
function expectProbabilities(
  { classes: found }: Predictions["predictions"][number],
  expected: readonly number[],
): void {
  expect(found.map(({ name }) => name)).toEqual(
    names.map((name, index) => [name, expected[index]!] as const).sort((x, y) => y[1] - x[1]).map(([name]) => name), // prettier-ignore
  );
  for (const { class: index, probability } of found)
    expect(Math.abs(probability - expected[index]!)).toBeLessThan(1e-6);
}

describe("cnnc eval", () => {
  const { test: set } = openDataset({ kind: "images", directory: at("pictures") });
  const rowsOf = async ({ count }: ImageSet): Promise<readonly Uint8Array[]> => {
    const { raw } = await readImages(
      set,
      Array.from({ length: count }, (_, index) => index),
    );
    return Array.from({ length: count }, (_, i) => raw.subarray(i * pixels, (i + 1) * pixels) as Uint8Array);
  };

  test.each([
    ["one network", [a], [weightsA]],
    ["an ensemble", [a, b], [weightsA, weightsB]],
  ])("%s: every figure is that of plain loops", async (_, layers, files) => {
    const weights = files.flatMap((file) => ["-w", file]);
    const { code, out } = await cnnc("eval", ...weights, "--json", "--csv", at("confusion.csv"));
    const answers = (await rowsOf(set)).map((bytes, i) => {
      const probabilities = average(layers.map((layer) => probabilitiesOf(layer, normalized(bytes))));
      const order = names.map((__, index) => index).sort((x, y) => probabilities[y]! - probabilities[x]!);
      return { label: set.labels[i]!, order, loss: -Math.log(probabilities[set.labels[i]!]!) };
    });
    const countOf = (check: (answer: (typeof answers)[number]) => boolean): number => answers.filter(check).length;
    const confusion = names.map((__, label) =>
      names.map((___, predicted) => countOf((answer) => answer.label === label && answer.order[0] === predicted)),
    );
    const figures = JSON.parse(out) as { loss: number; classes: { name: string }[] };
    expect([code, figures]).toEqual([
      0,
      expect.objectContaining({
        count: set.count,
        correct: countOf(({ order, label }) => order[0] === label),
        correctInTop5: countOf(({ order, label }) => order.indexOf(label) < 5),
        confusion,
        weights: files,
      }),
    ]);
    expect(figures.loss).toBeCloseTo(answers.reduce((sum, { loss }) => sum + loss, 0) / set.count, 5);
    expect(figures.classes.map(({ name }) => name)).toEqual(names);
    const [title, ...lines] = readFileSync(at("confusion.csv"), "utf8").trimEnd().split("\n");
    expect(title).toBe('class,bicycle,car,"cat, sleeping",dog,house,tree');
    expect(lines[1]).toBe(`car,${confusion[1]!.join(",")}`);

    const text = (await cnnc("eval", ...weights)).out;
    expect(text).toMatch(new RegExp(`^top-5 accuracy \\d+\\.\\d % \\(\\d+ of ${set.count}\\)$`, "m"));
    expect(text).toMatch(/^class +precision +recall +F1 +images$/m);
    expect(text).toMatch(/^5 tree( +(\d+|·)){6}$/m);
  });

  test("weights that are no network's of the spec, and ensembles of several specs, are refused by file and parameter", async () => {
    const { code, error } = await cnnc("eval", "-w", weightsA, "-w", at("five.safetensors"));
    expect([code, error]).toEqual([
      1,
      expect.stringMatching(/five\.safetensors: tensor linear1\.weight has shape 5 x 48; 6 x 48 is expected/),
    ]);
    const foreign = await cnnc("eval", "-w", weightsA, "-w", at("b/mean.safetensors"));
    expect([foreign.code, foreign.error]).toEqual([
      1,
      expect.stringMatching(/mean\.safetensors: .*missing linear1\.weight/),
    ]);
  });
});

describe("cnnc predict on picture files", () => {
  const top = ["--top", String(classes), "--json"];

  test("batches of pictures, those that cannot be read being named and passed over", async () => {
    const good = [0, 1, 2, 3, 4].map((i) => at(`pictures/${names[i]}/${i}.png`));
    const bad = [
      ["zero.png", /zero\.png: it has 0 bytes/],
      ["text.png", /text\.png: it is neither PNG nor JPEG: offset 0 holds 6e 6f 74 20, which is text/],
      ["cut.png", /cut\.png: the PNG is cut off: it ends at offset 70, before its last chunk/],
      ["cut.jpg", /cut\.jpg: the JPEG is cut off: it ends at offset 700, before its end marker/],
      ["nowhere.png", /nowhere\.png: there is no such file/],
    ] as const;
    const files = good.flatMap((file, i) => [file, at(`new/${bad[i]![0]}`)]);
    const { code, out, error } = await cnnc("predict", ...files, "-w", weightsA, ...top);
    const { predictions, failed } = JSON.parse(out) as Predictions;
    expect(code).toBe(1);
    expect(predictions.map(({ file }) => file)).toEqual(good);
    predictions.forEach((prediction, i) => {
      expectProbabilities(prediction, probabilitiesOf(a, normalized(planesOf(i))));
    });
    expect(failed).toHaveLength(bad.length);
    for (const [file, reason] of bad) {
      expect(failed.find((each) => each.file === at(`new/${file}`))?.reason).toMatch(reason);
      expect(error).toMatch(reason);
    }
  });

  test("nothing but bad files: nothing is predicted", async () => {
    const { code, out, error } = await cnnc("predict", at("new/zero.png"), "-w", weightsA);
    expect([code, out, error]).toEqual([1, "", expect.stringContaining("zero.png: it has 0 bytes")]);
  });

  test("an ensemble gives the plain average of the probabilities, each with the mean of its own images", async () => {
    const file = at("new/7.png");
    const both = await cnnc("predict", file, "-w", weightsA, "-w", weightsB, ...top);
    const each = [a, b].map((layer) => probabilitiesOf(layer, normalized(planesOf(7))));
    const [prediction] = (JSON.parse(both.out) as Predictions).predictions;
    expectProbabilities(prediction!, average(each));

    const centred = ["--recipe", "centred", "-w", at("mean in it.safetensors"), "-w", weightsB];
    const { out } = await cnnc("predict", file, ...centred, ...top);
    const subtracted = (own: readonly number[]): readonly number[] =>
      Array.from(planesOf(7), (byte, i) => byte / 255 - own[Math.floor(i / 16)]!);
    expectProbabilities(
      (JSON.parse(out) as Predictions).predictions[0]!,
      average([probabilitiesOf(a, subtracted([0.5, 0.25, 0.125])), probabilitiesOf(b, subtracted([...mean]))]),
    );
  });

  test("pictures of another size are resized, colours made grey, and both are said", async () => {
    const wide = await cnnc("predict", at("new/wide.png"), at("new/7.png"), "-w", weightsA, ...top);
    const { predictions } = JSON.parse(wide.out) as Predictions;
    const resized = resizeBytes(planesOf(8, 9, 5), [3, 5, 9], [size, size]);
    expectProbabilities(predictions[0]!, probabilitiesOf(a, normalized(resized)));
    expectProbabilities(predictions[1]!, probabilitiesOf(a, normalized(planesOf(7))));
    expect(wide.error).toContain("1 picture is of another size than the recipe's 4x4, and resized while read");

    const one = await cnnc("predict", at("new/7.png"), "--model", "Grey", "-w", at("grey.safetensors"), ...top);
    const [red, green, blue] = [0, 1, 2].map((c) => planesOf(7).subarray(c * 16, (c + 1) * 16));
    const luma = Array.from(red!, (r, i) => Math.round(0.299 * r + 0.587 * green![i]! + 0.114 * blue![i]!) / 255);
    expectProbabilities((JSON.parse(one.out) as Predictions).predictions[0]!, probabilitiesOf(grey, luma));
    expect(one.error).toContain("1 picture is in colour, and made grey: Grey reads one channel");
  });

  test.each([
    [["-i", "3"], 2, "--images chooses test images"],
    [["--value", "x", "-w", "b/weights.safetensors"], 2, "--value prints a value of one network, and 2 weights files"],
    [["--model", "Two"], 1, "Two reads 2 channels; a picture gives 1 (grey), 3 (red, green, blue) or 4"],
  ])("%j is refused", async (args, code, message) => {
    const result = await cnnc("predict", at("new/7.png"), "-w", weightsA, ...args);
    expect([result.code, result.error]).toEqual([code, expect.stringContaining(message)]);
  });

  test("as text, a line for each picture", async () => {
    const { code, out } = await cnnc("predict", at("new/7.png"), at("new/wide.png"), "-w", weightsA, "--top", "2");
    expect(code).toBe(0);
    const percentage = String.raw`\d+\.\d %`;
    expect(out).toMatch(new RegExp(`7\\.png +\\S.* ${percentage} +\\S.* ${percentage}\n.*wide\\.png`));
    expect(out.trimEnd().split("\n")).toHaveLength(2);
  });

  test("the classes of a checkpoint have the names of its run", async () => {
    const [model, named] = ["Small", names.map((name) => `my ${name}`)];
    writeInto(at("run"), { "run.json": JSON.stringify({ format: 1, model, dataset: { classNames: named } }) });
    writeInto(at("run/checkpoints"), { "step-00000001.safetensors": readFileSync(weightsA) });
    const weights = at("run/checkpoints/step-00000001.safetensors");
    const { out } = await cnnc("predict", at("new/7.png"), "-w", weights, ...top);
    const [prediction] = (JSON.parse(out) as Predictions).predictions;
    expect(prediction!.classes.map(({ name }) => name).sort()).toEqual([...named].sort());
  });
});
