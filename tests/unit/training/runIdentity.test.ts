/** What keeps a run from being resumed, what may be accepted, and how each is said; what a checkpoint becomes for a changed recipe. */
import { parseSafetensors, writeSafetensors } from "cnnc/runtime";
import { expect, test } from "@jest/globals";
import { memorySet } from "../../../compiler/datasets/imageSet.ts";
import { adaptCheckpoint } from "../../../compiler/training/adaptCheckpoint.ts";
import { identityDifferences, identityOf, type RunIdentity } from "../../../compiler/training/runIdentity.ts";
import { compileText } from "../../support/compileText.ts";

const spec = (recipe: string, body = "relu"): string => `model M(p = 0.5) {
  input 1 x 4 x 4
  conv(2, kernel: 3) -> ${body} -> flatten -> linear(3)
}
train M { data fashion_mnist  ${recipe}  batch 8 }`;
const half = memorySet({
  count: 3,
  channels: 1,
  height: 4,
  width: 4,
  pixels: new Uint8Array(48),
  labels: Uint8Array.of(0, 1, 2),
});
const dataset = { description: "", classNames: ["a", "b", "c"], train: half, test: half };
const identity = (text: string, epochs = 3): Promise<RunIdentity> => {
  const network = compileText(text);
  return identityOf(network, network.recipe!, dataset, { seed: 0, epochs });
};

const before = spec("optimizer sgd(lr: 0.1)");
test.each<[string, string, readonly string[]]>([
  ["yes", spec("optimizer sgd(lr: 0.1)  epochs 7"), []],
  [
    "yes",
    spec("optimizer sgd(lr: 0.05, nesterov: true, momentum: 0.9)"),
    [
      "optimizer lr: 0.1 in the checkpoint, 0.05 now",
      "optimizer momentum: 0 in the checkpoint, 0.9 now",
      "optimizer nesterov: false in the checkpoint, true now",
    ],
  ],
  [
    "yes",
    spec("optimizer sgd(lr: 0.1)  schedule step(step_size: 2)"),
    ["schedule: constant(warmup: 0) in the checkpoint, step(step_size: 2, factor: 0.1, warmup: 0) now"],
  ],
  ["yes", spec("optimizer sgd(lr: 0.1)  clip_norm 1.5"), ["clip_norm: absent in the checkpoint, 1.5 now"]],
  [
    "yes",
    spec("optimizer sgd(lr: 0.1)  loss cross_entropy(label_smoothing: 0.1)"),
    ["loss label_smoothing: 0 in the checkpoint, 0.1 now"],
  ],
  [
    "yes",
    spec("optimizer sgd(lr: 0.1)").replace("fashion_mnist", "fashion_mnist { augment { random_flip } }"),
    ["data augment: () in the checkpoint, (random_flip(p: 0.5)) now"],
  ],
  [
    "no",
    spec("optimizer adam"),
    [expect.stringMatching(/^optimizer: sgd\(lr: 0\.1.* in the checkpoint, adam\(.* now$/) as unknown as string],
  ],
  [
    "no",
    spec("optimizer sgd(lr: 0.1)  freeze conv1"),
    ["freeze: absent in the checkpoint, conv1.weight conv1.bias now"],
  ],
  [
    "no",
    spec("optimizer sgd(lr: 0.1)", "tanh"),
    ["the layers between the tensors (activations, pooling or their arguments) have changed"],
  ],
  [
    "yes",
    spec("optimizer sgd(lr: 0.1)").replace("p = 0.5", "p = 0.4"),
    ["model parameter p: 0.5 in the checkpoint, 0.4 now"],
  ],
])("whether a change may be accepted, %#: %s", async (accepted, after, expected) => {
  const differences = identityDifferences(await identity(before), await identity(after));
  expect(differences.map(({ text }) => text)).toEqual(expected);
  expect(differences.every(({ isAcceptable }) => isAcceptable)).toBe(accepted === "yes");
});

test.each([
  [undefined, "optimizer sgd(lr: 0.2)", "fashion_mnist"],
  [undefined, "optimizer sgd(lr: 0.1)", "fashion_mnist { augment { random_flip } }"],
  ["loss", "optimizer sgd(lr: 0.1)  loss cross_entropy(class_weights: (1, 2, 1))", "fashion_mnist"],
  ["data", "optimizer sgd(lr: 0.1)", "fashion_mnist { subtract mean_channel }"],
])("losses are no longer of the same: %s, by %s and %s", async (expected, recipe, data) => {
  const after = spec(recipe).replace("fashion_mnist", data);
  const differences = identityDifferences(await identity(before), await identity(after));
  expect(differences.map(({ lossesOf }) => lossesOf)).toEqual([expected]);
});

test("a name that is new keeps no run from going on, and another activation does", async () => {
  const named = await identity(before.replace("-> relu", "-> relu as features"));
  const plain = await identity(before);
  expect(identityDifferences(plain, named)).toEqual([]);
  expect(named.graph).not.toBe(plain.graph);
  // A checkpoint of before the layers were hashed without names.
  const { layers: _, ...old } = plain;
  expect(identityDifferences(old, plain)).toEqual([]);
  expect(identityDifferences(old, named)).toHaveLength(1);
});

test("a schedule of the run's length differs where the run is longer", async () => {
  const cosine = spec("optimizer sgd(lr: 0.1)  schedule cosine");
  const differences = identityDifferences(await identity(cosine), await identity(cosine, 9));
  expect(differences).toEqual([{ text: "epochs: 3 in the checkpoint, 9 now", isAcceptable: true }]);
});

test("a momentum that is new starts at 0, one that is gone is left out, and the rest stays", () => {
  const f32 = (shape: readonly number[], values: readonly number[]) => ({ dtype: "F32", shape, values: Float32Array.from(values) }) as const; // prettier-ignore
  const weight = Array.from({ length: 18 }, (_, i) => i);
  const file = writeSafetensors(
    new Map([
      ["model.conv1.weight", f32([2, 1, 3, 3], weight)],
      ["optimizer.conv1.weight/old", f32([1], [7])],
    ]),
    { kind: "cnnc checkpoint", settings: "{}", seed: "5", image_mean: "[1]" },
  );
  const { plan } = compileText(spec("optimizer sgd(lr: 0.2, momentum: 0.5)"));
  const { tensors, metadata } = parseSafetensors(adaptCheckpoint(file, plan, { hasOtherData: true }));
  expect([...tensors.keys()].sort()).toEqual(["model.conv1.weight", ...plan.optimizer.map(({ name }) => `optimizer.${name}`)].sort()); // prettier-ignore
  expect(new Float32Array(tensors.get("model.conv1.weight")!.bytes.slice().buffer)).toEqual(Float32Array.from(weight));
  const { shape, bytes } = tensors.get("optimizer.conv1.weight/momentum")!;
  expect([shape, bytes.every((byte) => byte === 0)]).toEqual([[2, 1, 3, 3], true]);
  expect(metadata).toEqual({
    kind: "cnnc checkpoint",
    seed: "5",
    settings: JSON.stringify({ lr: 0.2, momentum: 0.5 }),
  });
  const sameData = parseSafetensors(adaptCheckpoint(file, plan, { hasOtherData: false }));
  expect(sameData.metadata["image_mean"]).toBe("[1]");
});
