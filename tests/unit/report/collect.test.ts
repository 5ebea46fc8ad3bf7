/** What a report is made of: which values, filters, weights and mistakes are taken, and what is refused. */
import { join } from "node:path";
import { writeSafetensors } from "cnnc/runtime";
import { expect, test } from "@jest/globals";
import { memorySet, type Dataset } from "../../../compiler/datasets/imageSet.ts";
import { chosenImage } from "../../../compiler/report/chosenImage.ts";
import { evaluateRun, pictureOf } from "../../../compiler/report/evaluateRun.ts";
import { firstFilters } from "../../../compiler/report/firstFilters.ts";
import { isAbsent } from "../../../compiler/report/reportData.ts";
import { compileRun } from "../../../compiler/report/runNetwork.ts";
import { readRunWeights } from "../../../compiler/report/runWeights.ts";
import { shownValues } from "../../../compiler/report/shownValues.ts";
import { runFiles, type RunDescription } from "../../../compiler/training/runFiles.ts";
import { bodyGraph } from "../../support/checkText.ts";
import { temporaryFolder, writeInto } from "../../support/temporaryFolder.ts";

const names = (body: string, asked: readonly string[] = []): readonly string[] =>
  shownValues(bodyGraph(body), asked).map(({ name, shape }) => `${name} ${shape.join("x")}`);

test("feature maps are those of `as` names, else of the first convolution as later layers see it, and of the last image", () => {
  const body = "conv(3, kernel: 3) -> batch_norm -> relu\nmax_pool(2)\nconv(5, kernel: 2)\nflatten\nlinear(4)";
  expect(names(body)).toEqual(["relu1 3x6x6", "conv2 5x2x2"]);
  expect(names(body.replace("relu", "relu as mine"))).toEqual(["mine 3x6x6"]);
  expect(names(body, ["conv1", "max_pool1"])).toEqual(["conv1 3x6x6", "max_pool1 3x3x3"]);
  expect(names("conv(3, kernel: 8)\nflatten")).toEqual(["conv1 3x1x1"]);
  expect(names("flatten\nlinear(4)")).toEqual([]);
  // The convolution's own output is read twice, so nothing alone follows it.
  expect(names("conv(2, kernel: 3, padding: 1)\nadd { branch { relu } branch { } }")[0]).toBe("conv1 2x8x8");
  expect(() => names(body, ["conv9"])).toThrow(
    "--value conv9: Test has no such value or layer; did you mean `conv1` or `conv2`?",
  );
  expect(() => names(body, ["linear1"])).toThrow("--value linear1: it is no image of channels, height and width");
});

test("first filters are a convolution's kernels or a linear layer's rows over the image", () => {
  const values = Float32Array.from({ length: 4 * 128 }, (_, i) => i);
  const conv = firstFilters(bodyGraph("conv(4, kernel: 2) -> relu\nflatten\nlinear(3)"), "w", () => values);
  expect(conv).toMatchObject({ layer: "conv1", op: "conv", count: 4, channels: 2, height: 2, width: 2 });
  expect(isAbsent(conv) ? [] : conv.filters[1]).toEqual(values.slice(8, 16));
  const linear = firstFilters(bodyGraph("flatten\nlinear(4)"), "w", () => values);
  expect(linear).toMatchObject({ layer: "linear1", count: 4, channels: 2, height: 8, width: 8 });
  expect(firstFilters(bodyGraph("max_pool(2)\nflatten\nlinear(4)"), "w", () => values)).toHaveProperty("absent");
  expect(firstFilters(bodyGraph("flatten"), "w", () => values)).toHaveProperty("absent");
  expect(firstFilters(bodyGraph("conv(4, kernel: 2)"), "w", () => undefined)).toEqual({ absent: "The weights hold no tensor conv1.weight." }); // prettier-ignore
});

const set = memorySet({
  count: 3,
  channels: 1,
  height: 1,
  width: 2,
  pixels: Uint8Array.of(1, 2, 3, 4, 5, 6),
  labels: Uint8Array.of(0, 1, 1),
});

test("mistakes are the wrong answers of the greatest loss, with their pictures", async () => {
  const answers = [0, 3, 2, 0, 5, 0];
  const network = { batch: 2, classes: 2, logits: ({ raw }: { readonly raw: ArrayLike<number> }) => Promise.resolve(Float32Array.from(raw, (value) => answers[value - 1] as number)) }; // prettier-ignore
  const { evaluation, mistakes } = await evaluateRun(network, set, ["none"], 2);
  expect([evaluation.correct, evaluation.count]).toEqual([0, 3]);
  expect(mistakes.map(({ image }) => image)).toEqual([2, 0]);
  expect(mistakes[0]).toMatchObject({ label: { name: "class 1" }, predicted: { name: "none" }, loss: expect.closeTo(Math.log(1 + Math.exp(5)), 5) }); // prettier-ignore
  expect(mistakes[0]?.picture).toEqual({ width: 2, height: 1, channels: 1, pixels: Uint8Array.of(5, 6) });
});

test("a picture is cut out of its room, and numbers are stretched to grey", () => {
  const raw = Float32Array.of(-1, 0, 9, 1, 3, 9);
  expect(pictureOf({ channels: 1, height: 2, width: 3 }, { raw, sizes: Uint32Array.of(2, 2) })).toEqual({
    ...{ width: 2, height: 2, channels: 1 },
    pixels: Uint8Array.of(0, 64, 128, 255),
  });
  const colours = Uint8Array.of(1, 2, 3, 4, 5, 6);
  expect(pictureOf({ channels: 3, height: 1, width: 2 }, { raw: colours, sizes: Uint32Array.of(1, 2) }).pixels).toEqual(Uint8Array.of(1, 3, 5, 2, 4, 6)); // prettier-ignore
});

const spec = "model Net { input 1 x 4 x 4\n flatten\n linear(2) }\ntrain Net { data mnist  optimizer sgd(lr: 0.1)  batch 4 }"; // prettier-ignore
const run = { model: "Net", recipe: "", settings: {}, sources: [{ path: "net.cnn", text: spec }], batch: 4, dataDirectory: null } as unknown as RunDescription; // prettier-ignore

test("the network is compiled from the run's own text, and a text that no longer compiles is a clear error", () => {
  const { graph, network, giving } = compileRun(run);
  expect([graph.name, network.plan.batch, network.training === undefined]).toEqual(["Net", 4, false]);
  const [flat] = graph.nodes;
  if (flat === undefined) throw new Error("there is no node");
  const source = { shape: [1, 4, 4], dtype: "u8", mixed: false } as const;
  const shown = giving(flat.output, source, 1);
  expect([shown.plan.outputShape, shown.plan.batch, shown.training]).toEqual([[16], 1, undefined]);
  const broken = { ...run, sources: [{ path: "net.cnn", text: spec.replace("linear", "liner") }] };
  expect(() => compileRun(broken)).toThrow(/does not compile any more:[^]*liner/);
});

test("an image is one of the test set or a file; what is neither is an error", async () => {
  const compiled = compileRun(run);
  const dataset: Dataset = { description: "", classNames: ["zero", "one"], train: set, test: set };
  const choose = (asked: string): ReturnType<typeof chosenImage> => chosenImage(asked, compiled, () => dataset, () => undefined); // prettier-ignore
  expect(await choose("2")).toMatchObject({ name: "test image 2, of class one", picture: { pixels: Uint8Array.of(5, 6) } }); // prettier-ignore
  await expect(choose("3")).rejects.toThrow("--image 3: the test images are 0 to 2");
  await expect(choose("none.png")).rejects.toThrow("--image: none.png: there is no such file");
});

test("weights are the best ones, else the last ones, else none; a file that is asked for must be there and whole", () => {
  const folder = temporaryFolder();
  const files = runFiles(folder);
  expect(readRunWeights(files, [], undefined)).toBeUndefined();
  const stateDict = (value: number): Uint8Array =>
    writeSafetensors(new Map([["linear1.bias", { dtype: "F32", shape: [1], values: Float32Array.of(value) }]]), {});
  writeInto(folder, { "weights.safetensors": stateDict(1) });
  expect(readRunWeights(files, [], undefined)?.description).toBe("weights.safetensors");
  writeInto(folder, { "best.safetensors": stateDict(2), "cut.safetensors": stateDict(3).slice(0, 20) });
  const epochs = [3, 1, 2].map(
    (testLoss, index) => ({ kind: "epoch", step: index, epoch: index + 1, testLoss }) as never,
  );
  const best = readRunWeights(files, epochs, undefined);
  expect(best?.description).toBe("best.safetensors, of the lowest test loss, after epoch 2");
  expect([best?.tensor("linear1.bias"), best?.tensor("none")]).toEqual([Float32Array.of(2), undefined]);
  expect(readRunWeights(files, epochs, files.weights)?.tensor("linear1.bias")).toEqual(Float32Array.of(1));
  expect(() => readRunWeights(files, [], join(folder, "cut.safetensors"))).toThrow(/cut\.safetensors is damaged/);
  expect(() => readRunWeights(files, [], join(folder, "none"))).toThrow(/cannot read .*none: there is no such file/);
});
