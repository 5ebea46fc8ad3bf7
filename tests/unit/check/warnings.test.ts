/** Warnings: that the shipped specs give none, that near misses give none, and which comments silence them. */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { checkSource, type CheckSourceOptions } from "../../../compiler/check.ts";
import { renderDiagnostics } from "../../../compiler/diagnostics/render.ts";
import { codesOf } from "../../support/checkText.ts";

const root = resolve(import.meta.dirname, "../../..");

/** Every file of specs/ that holds a model. */
const specs = readdirSync(join(root, "specs"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".cnn") && !file.startsWith("std"))
  .map((file) => `specs/${file.replaceAll("\\", "/")}`)
  .sort();

/** The variants that the specs' comments, README.md and the conformance cases speak of. */
const variants: Readonly<Record<string, readonly Readonly<Record<string, string>>[]>> = {
  "specs/lenet.cnn": [{ activation: "relu", pool: "max_pool" }, { activation: "tanh" }],
  "specs/alexnet.cnn": [{ lrn: "true" }],
  "specs/zfnet.cnn": [{ wide: "true" }],
  "specs/vgg.cnn": [{ depth: "11" }, { depth: "13" }, { depth: "19" }],
  "specs/vgg11_d2l.cnn": [{ ratio: "8", size: "96" }],
  "specs/netresdeep.cnn": [{ dropout: "0.3" }],
  "specs/resnet.cnn": ["18", "34", "101", "152"].map((depth) => ({ depth, size: "64" })),
  "specs/densenet.cnn": [
    { depth: "169", size: "64" },
    { depth: "201", growth: "12" },
  ],
};

function warningsOfSpec(path: string, options: CheckSourceOptions): string {
  const text = readFileSync(join(root, path), "utf8");
  const { checked, diagnostics } = checkSource({ path, text }, options);
  if (checked === undefined) throw new Error(renderDiagnostics(diagnostics));
  return renderDiagnostics(diagnostics);
}

describe("no shipped spec gives a warning", () => {
  test.each(specs)("%s, with every recipe", (path) => {
    expect(warningsOfSpec(path, {})).toBe("");
    const recipes = [...readFileSync(join(root, path), "utf8").matchAll(/^train [^{]* as (\w+)/gm)];
    for (const [, recipe = ""] of recipes) expect(warningsOfSpec(path, { recipe })).toBe("");
  });

  const cases = Object.entries(variants).flatMap(([path, all]) => all.map((settings) => [path, settings] as const));
  test.each(cases)("%s %j", (path, settings) => expect(warningsOfSpec(path, { settings })).toBe(""));

  test("the standard library, whichever block is called", () => {
    const calls = [
      "vgg_block(2, 8)", "nin_block(8, kernel: 3)", "inception(8, (8, 8), (8, 8), 8)", "inception_a", "resblock(8)",
      "basic_block(8)", "bottleneck(8)", "dense_block(2, 8)", "transition(8)",
    ]; // prettier-ignore
    const text = `model Net { input 1 x 28 x 28 ${calls.join(" ")} global_avg_pool flatten linear(10) }\n${recipe()}`;
    expect(codesOf(text)).toEqual([]);
  });
});

/** A recipe for mnist with more lines. */
function recipe(lines = "", data = "mnist"): string {
  return `train Net { data ${data} optimizer sgd(lr: 0.1) ${lines} }\n`;
}

/** The codes of a model of MNIST's images with a recipe. */
function codes(body: string, lines = "", options: CheckSourceOptions = {}): readonly string[] {
  return codesOf(`model Net { input 1 x 28 x 28 ${body} }\n${recipe(lines)}`, options);
}

describe("what comes near a mistake and is none", () => {
  test.each([
    ["a head of little weight", "flatten as x head aux weight 1e-3 { linear(10) } linear(10)"],
    ["a value without parameters, left behind", "flatten as x -> relu as features from x -> linear(10)"],
    [
      "a value that a head takes up",
      "flatten -> linear(8) as x relu -> linear(10) as y head aux from x { linear(10) } from y",
    ],
    ["softmax inside the network", "flatten -> linear(8) -> softmax -> linear(10)"],
    ["nll after log_softmax", "flatten -> linear(10) -> log_softmax", "loss nll"],
    ["nll after log_softmax over 1x1 channels", "conv(10, kernel: 28) -> log_softmax -> flatten", "loss nll"],
    ["dropout before the last layer", "flatten -> linear(8) -> dropout -> relu -> linear(10)"],
    ["dropout of probability 0 behind it", "flatten -> linear(10) -> dropout(0)"],
    ["dropout of the input alone", "dropout -> flatten -> linear(10)"],
    [
      "a shortcut that may be dropped before the pool",
      "conv(10, kernel: 1) -> add { branch { conv(10, kernel: 1) -> drop_path(0.1) } branch { } } -> global_avg_pool -> flatten",
    ],
    ["batch norm at batch 2", "batch_norm -> flatten -> linear(10)", "batch 2"],
    ["group norm at batch 1", "conv(4, kernel: 3) -> group_norm(2) -> flatten -> linear(10)", "batch 1"],
    ["one image left over where it has many values", "batch_norm -> flatten -> linear(10)", "batch 59999"],
    ["no image left over", "flatten -> batch_norm -> linear(10)", "batch 64"],
    ["four sigmoids", "flatten -> repeat 4 { linear(8) -> sigmoid } -> linear(10)"],
    ["thirteen tanh", "flatten -> repeat 13 { linear(8) -> tanh } -> linear(10)"],
    [
      "ten sigmoids, each behind a batch norm",
      "flatten -> repeat 10 { linear(8) -> batch_norm -> sigmoid } -> linear(10)",
    ],
    [
      "ten sigmoids among layer norms",
      "flatten -> repeat 5 { linear(8) -> layer_norm -> sigmoid -> linear(8) -> sigmoid } -> linear(10)",
    ],
    [
      "ten sigmoids beside shortcuts",
      "flatten -> linear(8) -> repeat 10 { add { branch { linear(8) -> sigmoid } branch { } } } -> linear(10)",
    ],
    [
      "gates: every channel times a sigmoid",
      "conv(4, kernel: 3) -> repeat 12 { multiply { branch { } branch { global_avg_pool -> conv(4, kernel: 1) -> sigmoid } } } -> flatten -> linear(10)",
    ],
    [
      "eight sigmoids with a head in the middle",
      "flatten -> repeat 4 { linear(8) -> sigmoid } as x head aux from x { linear(10) } repeat 4 { linear(8) -> sigmoid } linear(10)",
    ],
    [
      "a long chain whose first layers are frozen",
      "flatten -> linear(8) as first -> sigmoid -> repeat 4 { linear(8) -> sigmoid } -> linear(10)",
      "freeze first",
    ],
  ])("%s", (_, body, lines = "") => {
    expect(codes(body, lines)).toEqual([]);
  });

  test.each([
    ["softmax without a recipe", "model Net { input 784 linear(10) -> softmax }"],
    ["batch norm without a recipe", "model Net { input 784 batch_norm linear(10) }", { batch: 1 }],
    [
      "classes of images that are not known",
      `model Net { input 3 x 8 x 8 flatten linear(7) }\n${recipe("", 'images("x")')}`,
    ],
    ["a hundred classes of cifar100", `model Net { input 3 x 32 x 32 flatten linear(100) }\n${recipe("", "cifar100")}`],
    ["a vector of as many values", `model Net { input 3072 linear(10) }\n${recipe("", "cifar10")}`],
    [
      "images resized",
      `model Net { input 1 x 32 x 48 flatten linear(10) }\n${recipe("", "mnist { resize (32, 48) }")}`,
    ],
    [
      "images resized and cropped",
      `model Net { input 1 x 24 x 24 flatten linear(10) }\n${recipe("", "mnist { resize 32 augment { random_crop(padding: 4) center_crop(24) } }")}`,
    ],
    ["images from elsewhere", `model Net { input 1 x 4 x 4 flatten linear(3) }\n${recipe()}`, { ownImages: true }],
  ])("%s", (_, text, options: CheckSourceOptions = {}) => {
    expect(codesOf(text, options)).toEqual([]);
  });
});

describe("what is one", () => {
  test.each([
    [["CNN6007"], "flatten -> repeat 14 { linear(8) -> tanh } -> linear(10)", ""],
    [["CNN6007"], "flatten -> repeat 4 { linear(8) -> hard_sigmoid } -> linear(10)", ""],
    // A first layer's own shortcut helps nobody behind the chain.
    [
      ["CNN6007"],
      "flatten -> add { branch { } branch { linear(784) } } -> repeat 5 { linear(8) -> sigmoid } -> linear(10)",
      "",
    ],
    [["CNN6004"], "flatten -> linear(10)", "loss nll"],
    [["CNN6004", "CNN6004"], "flatten as x head aux { linear(10) } linear(10)", "loss nll"],
    [["CNN6005"], "flatten -> linear(10) -> dropout -> log_softmax", "loss nll"],
    [["CNN6005"], "conv(10, kernel: 3) -> drop_path(0.1) -> global_avg_pool -> flatten", ""],
    [["CNN6006"], "flatten -> batch_norm -> linear(10)", "batch 1 accumulate 32"],
  ])("%j: %s", (wanted, body, lines) => {
    const found = codes(body, lines);
    expect(new Set(found)).toEqual(new Set(wanted));
  });

  test("the batch from outside counts, not the recipe's", () => {
    expect(codes("batch_norm -> flatten -> linear(10)", "batch 1", { batch: 8 })).toEqual([]);
    expect(codes("batch_norm -> flatten -> linear(10)", "batch 8", { batch: 1 })).toEqual(["CNN6006"]);
  });

  test("a loop gives one warning, however many rounds it has", () => {
    expect(codes("flatten as x repeat 150 { from x -> linear(10) } from x -> linear(10)")).toEqual(["CNN6002"]);
  });

  test("a file with an error gives no warnings", () => {
    expect(codes("flatten -> linear(10) -> dropout -> lineer(10)")).toEqual(["CNN2001"]);
    expect(codesOf("model Net { input 784 linear(10) -> dropout } }")).toEqual(["CNN1010"]);
  });
});

describe("comments that allow a warning", () => {
  const start = "model Net {\n  input 784\n";
  test.each([
    ["behind it", `${start}  linear(10) -> dropout // cnnc-allow CNN6005\n}`],
    ["above it", `${start}  // cnnc-allow CNN6005\n  linear(10) -> dropout\n}`],
    [
      "above it, with a blank line and a comment between",
      `${start}  // cnnc-allow CNN6005\n\n  // why\n  dropout(0) -> linear(10) -> dropout\n}`,
    ],
    ["between /* and */", `${start}  /* cnnc-allow CNN6005 */ linear(10) -> dropout\n}`],
    ["with a reason", `${start}  linear(10) -> dropout // cnnc-allow CNN6005: a CNN6099 of a study\n}`],
    [
      "behind the end of a step of several lines",
      `${start}  linear(10) -> dropout(\n    0.5\n  ) // cnnc-allow CNN6005\n}`,
    ],
    ["several codes", `${start}  linear(10) -> softmax -> dropout // cnnc-allow CNN6005, CNN6003\n}\n${recipe()}`],
    ["at the call of a block", `block end() {\n  linear(10) -> dropout\n}\n${start}  end // cnnc-allow CNN6005\n}`],
    ["inside the block", `block end() {\n  linear(10) -> dropout // cnnc-allow CNN6005\n}\n${start}  end\n}`],
    ["in a recipe", `${start}  linear(10) -> batch_norm\n}\n${recipe("\n  // cnnc-allow CNN6006\n  batch 1\n")}`],
    ["on the first line of a file", `// cnnc-allow CNN6005\nmodel Net { input 784 linear(10) -> dropout }`],
    ["at the end of a file without a line end", `model Net { input 784 linear(10) -> dropout } // cnnc-allow CNN6005`],
    ["with Windows' line ends", `${start}  linear(10) -> dropout // cnnc-allow CNN6005\n}`.replaceAll("\n", "\r\n")],
  ])("%s", (_, text) => {
    expect(codesOf(text)).toEqual([]);
    expect(codesOf(text.replaceAll("cnnc-allow", "")).length).toBeGreaterThan(0);
  });

  test("one of two warnings on a line, and not on the lines around it", () => {
    const ends = "  linear(10) -> dropout\n";
    expect(codesOf(`${start}  linear(10) -> softmax -> dropout // cnnc-allow CNN6005\n}\n${recipe()}`)).toEqual([
      "CNN6003",
    ]);
    expect(codesOf(`${start}${ends}  // cnnc-allow CNN6005\n}`)).toEqual(["CNN6005", "CNN6011"]);
    expect(codesOf(`${start}  // cnnc-allow CNN6005\n  relu\n${ends}}`)).toEqual(["CNN6011", "CNN6005"]);
  });

  test("in an imported file", () => {
    const files = { "end.cnn": "block end() {\n  linear(10) -> dropout // cnnc-allow CNN6005, CNN6003\n}\n" };
    expect(codesOf(`import "./end.cnn"\n${start}  end\n}`, { files })).toEqual([]);
  });

  test("they are no description of the model below", () => {
    const text = `// A net.\n// cnnc-allow CNN6005\nmodel Net { input 784 linear(10) -> dropout }`;
    expect(checkSource({ path: "net.cnn", text }, {}).checked?.doc).toBe("A net.");
  });

  test("words that only look like one", () => {
    expect(codesOf(`${start}  linear(10) // see cnnc-allow CNN6099\n}`)).toEqual([]);
    expect(codesOf(`${start}  linear(10) // cnnc-allowed CNN6099\n}`)).toEqual([]);
  });

  test("one that silences nothing is reported of the file as it stands, not of a variant of it", () => {
    const text = `model Net(act = sigmoid) {\n  input 784\n  repeat 6 { linear(8) -> act } // cnnc-allow CNN6007\n  linear(10)\n}`;
    expect(codesOf(text)).toEqual([]);
    expect(codesOf(text, { settings: { act: "relu" } })).toEqual([]);
    expect(codesOf(text.replace("= sigmoid", "= relu"))).toEqual(["CNN6011"]);
    // Where another recipe needs it, it silences something.
    expect(
      codesOf(
        `${text.replace("= sigmoid", "= relu")}\n${recipe().replace("Net", "Net(act: sigmoid) as old")}${recipe()}`,
      ),
    ).toEqual([]);
  });
});
