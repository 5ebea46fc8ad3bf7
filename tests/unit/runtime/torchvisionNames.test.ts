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
  return [...shapesOf(readFileSync(path, "utf8"), settings).keys()];
}

function shapesOf(text: string, settings: Readonly<Record<string, string>> = {}): ReadonlyMap<string, string> {
  const { checked } = checkSource({ path: "net.cnn", text }, { settings });
  const { parameters, states } = checked!.graph;
  return new Map([...parameters, ...states].map(({ name, type }) => [name, type.shape.join("x")]));
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
    [
      "densenet.cnn",
      { depth: "161", growth: "48" },
      densenet([6, 12, 36, 24]),
      [["features.denseblock3.denselayer36.conv2.weight", "dense_block3.conv72.weight"]],
    ],
  ] as const)("%s %j", (spec, settings, theirs, pairs) => {
    const own = ours(spec, settings);
    const names = torchvisionNames([...theirs].sort(), own);
    expect([...names.keys()].sort()).toEqual([...theirs].sort());
    expect([...names.values()].sort()).toEqual([...own].sort());
    for (const [name, end] of pairs) expect(names.get(name)).toMatch(new RegExp(`${end.replaceAll(".", "\\.")}$`));
  });
});

describe("GoogLeNet as torchvision has it, batch-normalised, a 3x3 where the paper has a 5x5", () => {
  const spec = `
block unit(channels, kernel, stride = 1) { conv_bn(channels, kernel: kernel, stride: stride, eps: 0.001) }
block inception_bn(c1, c2, c3, c4) {
  concat {
    branch { unit(c1, 1) }
    branch { unit(c2.0, 1) -> unit(c2.1, 3) }
    branch { unit(c3.0, 1) -> unit(c3.1, 3) }
    branch { max_pool(3, stride: 1, padding: 1) -> unit(c4, 1) }
  }
}
block auxiliary(classes) {
  adaptive_avg_pool(4) -> unit(128, 1) -> flatten -> linear(1024) -> relu -> dropout(0.7) -> linear(classes)
}
model GoogLeNet(classes = 1000) {
  input 3 x 224 x 224
  unit(64, 7, stride: 2) -> max_pool(3, stride: 2, ceil_mode: true)
  unit(64, 1) -> unit(192, 3) -> max_pool(3, stride: 2, ceil_mode: true)
  inception_bn(64, (96, 128), (16, 32), 32) -> inception_bn(128, (128, 192), (32, 96), 64)
  max_pool(3, stride: 2, ceil_mode: true)
  inception_bn(192, (96, 208), (16, 48), 64) as a
  head aux1 from a weight 0.3 { auxiliary(classes) }
  inception_bn(160, (112, 224), (24, 64), 64) -> inception_bn(128, (128, 256), (24, 64), 64)
  inception_bn(112, (144, 288), (32, 64), 64) as d
  head aux2 from d weight 0.3 { auxiliary(classes) }
  inception_bn(256, (160, 320), (32, 128), 128)
  max_pool(2, stride: 2, ceil_mode: true)
  inception_bn(256, (160, 320), (32, 128), 128) -> inception_bn(384, (192, 384), (48, 128), 128)
  global_avg_pool -> flatten -> dropout(0.2) -> linear(classes)
}
train GoogLeNet { data images("x")  optimizer sgd(lr: 0.1) }
`;
  type Tensors = readonly (readonly [name: string, shape: string])[];
  const unit = (name: string, input: number, output: number, kernel: number): Tensors => [
    [`${name}.conv.weight`, `${output}x${input}x${kernel}x${kernel}`],
    ...norm(`${name}.bn`).map((part) => [part, `${output}`] as const),
  ];
  const linear = (name: string, input: number, output: number): Tensors => [
    [`${name}.weight`, `${output}x${input}`],
    [`${name}.bias`, `${output}`],
  ];
  const inception = (name: string, input: number, [c1, c2, d2, c3, d3, c4]: readonly number[]): Tensors => [
    ...unit(`${name}.branch1`, input, c1!, 1),
    ...unit(`${name}.branch2.0`, input, c2!, 1),
    ...unit(`${name}.branch2.1`, c2!, d2!, 3),
    ...unit(`${name}.branch3.0`, input, c3!, 1),
    ...unit(`${name}.branch3.1`, c3!, d3!, 3),
    ...unit(`${name}.branch4.1`, input, c4!, 1),
  ];
  const auxiliary = (name: string, input: number): Tensors => [
    ...unit(`${name}.conv`, input, 128, 1),
    ...linear(`${name}.fc1`, 2048, 1024),
    ...linear(`${name}.fc2`, 1024, 1000),
  ];
  // In the order of its constructor: the auxiliary heads stand behind the last block.
  const theirs = new Map([
    ...unit("conv1", 3, 64, 7),
    ...unit("conv2", 64, 64, 1),
    ...unit("conv3", 64, 192, 3),
    ...inception("inception3a", 192, [64, 96, 128, 16, 32, 32]),
    ...inception("inception3b", 256, [128, 128, 192, 32, 96, 64]),
    ...inception("inception4a", 480, [192, 96, 208, 16, 48, 64]),
    ...inception("inception4b", 512, [160, 112, 224, 24, 64, 64]),
    ...inception("inception4c", 512, [128, 128, 256, 24, 64, 64]),
    ...inception("inception4d", 512, [112, 144, 288, 32, 64, 64]),
    ...inception("inception4e", 528, [256, 160, 320, 32, 128, 128]),
    ...inception("inception5a", 832, [256, 160, 320, 32, 128, 128]),
    ...inception("inception5b", 832, [384, 192, 384, 48, 128, 128]),
    ...auxiliary("aux1", 512),
    ...auxiliary("aux2", 528),
    ...linear("fc", 1024, 1000),
  ]);
  const own = shapesOf(spec);

  test("every tensor has its counterpart, of its shape", () => {
    const names = torchvisionNames([...theirs.keys()], [...own.keys()]);
    expect([...names.values()].sort()).toEqual([...own.keys()].sort());
    expect([...names].filter(([name, mine]) => theirs.get(name) !== own.get(mine))).toEqual([]);
    expect(names.get("aux2.conv.bn.running_var")).toMatch(/^aux2\..*batch_norm1\.running_var$/);
    expect(names.get("fc.weight")).toBe("linear1.weight");
  });

  test("its file without the auxiliary heads, or with heads that the network lacks, fits as well", () => {
    const isHead = (name: string): boolean => name.startsWith("aux");
    const [mine, without] = [[...own.keys()], [...theirs.keys()].filter((name) => !isHead(name))];
    const trunk = mine.filter((name) => !isHead(name));
    expect([...torchvisionNames(without, mine).values()].sort()).toEqual([...trunk].sort());
    expect([...torchvisionNames([...theirs.keys()], trunk).keys()].sort()).toEqual([...without].sort());
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
