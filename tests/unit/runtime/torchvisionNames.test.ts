/** torchvision's names for the shipped networks, as its constructors give them, shuffled, beside ours. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { compile } from "../../../compiler/compile.ts";
import { checkSource } from "../../../compiler/check.ts";
import { torchvisionNames } from "../../../runtime/torchvisionNames.ts";

/** Our tensors in the plan's order. */
function ours(spec: string, settings: Readonly<Record<string, string>> = {}): readonly string[] {
  const path = join(import.meta.dirname, "../../../specs", spec);
  const { checked } = checkSource({ path, text: readFileSync(path, "utf8") }, { settings });
  const { parameters, states } = checked!.graph;
  return [...parameters, ...states].map(({ name }) => name);
}

const norm = (name: string): readonly string[] =>
  ["weight", "bias", "running_mean", "running_var"].map((part) => `${name}.${part}`);
const both = (name: string): readonly string[] => [`${name}.weight`, `${name}.bias`];

function resnet(layers: readonly number[], convs: number): readonly string[] {
  return [
    "conv1.weight",
    ...norm("bn1"),
    ...layers.flatMap((count, stage) =>
      Array.from({ length: count }, (_, unit) => `layer${stage + 1}.${unit}`).flatMap((block, unit) => [
        ...Array.from({ length: convs }, (_, i) => [
          `${block}.conv${i + 1}.weight`,
          ...norm(`${block}.bn${i + 1}`),
        ]).flat(),
        ...(unit === 0 && (stage > 0 || convs === 3)
          ? [`${block}.downsample.0.weight`, ...norm(`${block}.downsample.1`)]
          : []),
      ]),
    ),
    ...both("fc"),
  ];
}

const densenet = (layers: readonly number[]): readonly string[] => [
  "features.conv0.weight",
  ...norm("features.norm0"),
  ...layers.flatMap((count, stage) => [
    ...Array.from({ length: count }, (_, i) => `features.denseblock${stage + 1}.denselayer${i + 1}`).flatMap((layer) => [
      ...norm(`${layer}.norm1`), `${layer}.conv1.weight`, ...norm(`${layer}.norm2`), `${layer}.conv2.weight`,
    ]),
    ...(stage < 3 ? [...norm(`features.transition${stage + 1}.norm`), `features.transition${stage + 1}.conv.weight`] : []),
  ]),
  ...norm("features.norm5"),
  ...both("classifier"),
]; // prettier-ignore

const sequential = (features: readonly number[], classifier: readonly number[]): readonly string[] => [
  ...features.flatMap((at) => both(`features.${at}`)),
  ...classifier.flatMap((at) => both(`classifier.${at}`)),
];

describe("every tensor has its counterpart, whatever the order of the file", () => {
  test.each([
    [
      "resnet.cnn",
      { depth: "18" },
      resnet([2, 2, 2, 2], 2),
      [
        ["layer2.0.downsample.0.weight", ".conv3.weight"],
        ["fc.bias", "linear1.bias"],
      ],
    ],
    [
      "resnet.cnn",
      { depth: "50" },
      resnet([3, 4, 6, 3], 3),
      [
        ["layer1.0.downsample.1.running_var", "bottleneck1.batch_norm4.running_var"],
        ["layer3.5.conv2.weight", "bottleneck13.conv2.weight"],
      ],
    ],
    [
      "alexnet.cnn",
      {},
      sequential([0, 3, 6, 8, 10], [1, 4, 6]),
      [
        ["features.10.weight", "conv5.weight"],
        ["classifier.6.bias", "linear3.bias"],
      ],
    ],
    [
      "vgg.cnn",
      { depth: "16" },
      sequential([0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28], [0, 3, 6]),
      [
        ["features.10.weight", "vgg_block3.conv1.weight"],
        ["classifier.0.weight", "linear1.weight"],
      ],
    ],
    [
      "densenet.cnn",
      { depth: "121" },
      densenet([6, 12, 24, 16]),
      [
        ["features.denseblock1.denselayer2.conv1.weight", "dense_block1.conv3.weight"],
        ["features.transition1.conv.weight", "transition1.conv1.weight"],
        ["features.norm5.bias", "batch_norm2.bias"],
      ],
    ],
  ] as const)("%s %j", (spec, settings, theirs, pairs) => {
    const own = ours(spec, settings);
    const names = torchvisionNames([...theirs].sort(), own);
    expect([...names.keys()].sort()).toEqual([...theirs].sort());
    expect([...names.values()].sort()).toEqual([...own].sort());
    for (const [name, end] of pairs) expect(names.get(name)).toMatch(new RegExp(`${end.replaceAll(".", "\\.")}$`));
  });
});

test("another network is refused", () => {
  expect(() => torchvisionNames(["stem.weight"], ours("alexnet.cnn"))).toThrow("stem is no layer of torchvision's");
  expect(() => torchvisionNames(sequential([0], [1]), ours("alexnet.cnn"))).toThrow(
    "2 layers with weights and the network 8",
  );
});

test("a network that ends at a name predicts its value, with all its weights", () => {
  const text = "model Net {\n  input 1 x 4 x 4\n  conv(2, kernel: 3) as stem\n  flatten -> linear(3)\n}\n";
  const { network } = compile({ path: "net.cnn", text }, { value: "stem" });
  expect(network?.plan.outputShape).toEqual([2, 2, 2]);
  expect(network?.plan.parameters.map(({ name }) => name)).toContain("linear1.weight");
  expect(network?.plan.inference.dispatches).toHaveLength(1);
  expect(() => compile({ path: "net.cnn", text }, { value: "root" })).toThrow("Net names no value root; it names stem");
});
