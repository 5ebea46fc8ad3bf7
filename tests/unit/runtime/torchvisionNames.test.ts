/** torchvision's names for the shipped networks, as its constructors give them, shuffled, beside ours. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { compile } from "../../../compiler/compile.ts";
import { checkSource } from "../../../compiler/check.ts";
import { torchvisionNames } from "../../../runtime/torchvisionNames.ts";

/** Our tensors in the plan's order. */
function ours(spec: string, settings: Readonly<Record<string, string>> = {}): readonly string[] {
  return [...shapesOf(specText(spec), settings).keys()];
}

function specText(spec: string): string {
  return readFileSync(join(import.meta.dirname, "../../../specs", spec), "utf8");
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

describe("by name and shape", () => {
  type Tensors = readonly (readonly [name: string, shape: string])[];
  const convNorm = (conv: string, bn: string, input: number, output: number, kernel: number | string): Tensors => [
    [`${conv}.weight`, `${output}x${input}x${typeof kernel === "string" ? kernel : `${kernel}x${kernel}`}`],
    ...norm(bn).map((part) => [part, `${output}`] as const),
  ];
  const unit = (name: string, input: number, output: number, kernel: number | string): Tensors =>
    convNorm(`${name}.conv`, `${name}.bn`, input, output, kernel);
  const conv = (name: string, input: number, output: number, kernel: number): Tensors => [
    [`${name}.weight`, `${output}x${input}x${kernel}x${kernel}`],
    [`${name}.bias`, `${output}`],
  ];
  /** "7x7_2 128 1x7" is branch7x7_2: 128 channels by a 1x7. A branch's first convolution reads `input`, another what the one before gave. */
  const mixed = (name: string, input: number, branches: readonly string[]): Tensors => {
    let before = input;
    return branches.flatMap((text) => {
      const [branch = "", channels = "", kernel = ""] = text.split(" ");
      const begins = !branch.includes("_") || /_1$|_pool$/.test(branch);
      const from = begins ? input : before;
      // 2b and 3b stand beside 2a and 3a.
      if (!branch.endsWith("a")) before = Number(channels);
      return unit(`${name}.branch${branch}`, from, Number(channels), kernel.includes("x") ? kernel : Number(kernel));
    });
  };
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
  const googlenet = [
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
  ];

  const inceptionV3 = [
    ...unit("Conv2d_1a_3x3", 3, 32, 3),
    ...unit("Conv2d_2a_3x3", 32, 32, 3),
    ...unit("Conv2d_2b_3x3", 32, 64, 3),
    ...unit("Conv2d_3b_1x1", 64, 80, 1),
    ...unit("Conv2d_4a_3x3", 80, 192, 3),
    ...[192, 256, 288].flatMap(
      (input, i) =>
      mixed(`Mixed_5${"bcd"[i]}`, input, [
        "1x1 64 1", "5x5_1 48 1", "5x5_2 64 5", "3x3dbl_1 64 1", "3x3dbl_2 96 3", "3x3dbl_3 96 3", `_pool ${i === 0 ? 32 : 64} 1`,
      ]), // prettier-ignore
    ),
    ...mixed("Mixed_6a", 288, ["3x3 384 3", "3x3dbl_1 64 1", "3x3dbl_2 96 3", "3x3dbl_3 96 3"]),
    ...[128, 160, 160, 192].flatMap(
      (c, i) =>
      mixed(`Mixed_6${"bcde"[i]}`, 768, [
        "1x1 192 1", `7x7_1 ${c} 1`, `7x7_2 ${c} 1x7`, "7x7_3 192 7x1", `7x7dbl_1 ${c} 1`, `7x7dbl_2 ${c} 7x1`, `7x7dbl_3 ${c} 1x7`,
        `7x7dbl_4 ${c} 7x1`, "7x7dbl_5 192 1x7", "_pool 192 1",
      ]), // prettier-ignore
    ),
    ...unit("AuxLogits.conv0", 768, 128, 1),
    ...unit("AuxLogits.conv1", 128, 768, 5),
    ...linear("AuxLogits.fc", 768, 1000),
    ...mixed("Mixed_7a", 768, [
      ...["3x3_1 192 1", "3x3_2 320 3", "7x7x3_1 192 1", "7x7x3_2 192 1x7", "7x7x3_3 192 7x1", "7x7x3_4 192 3"],
    ]),
    ...[1280, 2048].flatMap(
      (input, i) =>
      mixed(`Mixed_7${"bc"[i]}`, input, [
        "1x1 320 1", "3x3_1 384 1", "3x3_2a 384 1x3", "3x3_2b 384 3x1", "3x3dbl_1 448 1", "3x3dbl_2 384 3", "3x3dbl_3a 384 1x3",
        "3x3dbl_3b 384 3x1", "_pool 192 1",
      ]), // prettier-ignore
    ),
    ...linear("fc", 2048, 1000),
  ];

  const squeezenet = (fires: readonly number[], first: number, kernel: number): Tensors => [
    ...conv("features.0", 3, first, kernel),
    ...fires.flatMap((at, i) => {
      const [squeeze, before] = [16 * (1 + (i >> 1)), i === 0 ? first : 128 * (1 + ((i - 1) >> 1))];
      return [
        ...conv(`features.${at}.squeeze`, before, squeeze, 1),
        ...conv(`features.${at}.expand1x1`, squeeze, 4 * squeeze, 1),
        ...conv(`features.${at}.expand3x3`, squeeze, 4 * squeeze, 3),
      ];
    }),
    ...conv("classifier.1", 512, 1000, 1),
  ];

  const rows = [[1, 16, 1], [6, 24, 2], [6, 32, 3], [6, 64, 4], [6, 96, 3], [6, 160, 3], [6, 320, 1]] as const; // prettier-ignore
  const blocks = rows.flatMap(([t, c, n]) => Array.from({ length: n }, () => [t, c] as const));
  const mobilenetV2 = [
    ...convNorm("features.0.0", "features.0.1", 3, 32, 3),
    ...blocks.flatMap(([t, c], i) => {
      const [name, input] = [`features.${i + 1}.conv`, blocks[i - 1]?.[1] ?? 32];
      const wide = t === 1 ? 0 : 1;
      return [
        ...(wide === 1 ? convNorm(`${name}.0.0`, `${name}.0.1`, input, t * input, 1) : []),
        ...convNorm(`${name}.${wide}.0`, `${name}.${wide}.1`, 1, t * input, 3),
        ...convNorm(`${name}.${wide + 1}`, `${name}.${wide + 2}`, t * input, c, 1),
      ];
    }),
    ...convNorm("features.18.0", "features.18.1", 320, 1280, 1),
    ...linear("classifier.1", 1280, 1000),
  ];

  /** Channels of the convolutions; 0 is a pool. */
  const vggBn = (layers: readonly number[]): Tensors => {
    let [at, input] = [0, 3];
    const features: (readonly [string, string])[] = [];
    for (const channels of layers) {
      if (channels > 0) {
        features.push(...conv(`features.${at}`, input, channels, 3));
        features.push(...norm(`features.${at + 1}`).map((name) => [name, `${channels}`] as const));
        input = channels;
      }
      at += channels > 0 ? 3 : 1;
    }
    const sizes = [[0, 25088, 4096], [3, 4096, 4096], [6, 4096, 1000]] as const; // prettier-ignore
    return [...features, ...sizes.flatMap(([i, from, to]) => linear(`classifier.${i}`, from, to))];
  };

  test.each<[string, Readonly<Record<string, string>>, Tensors]>([
    ["zoo/googlenet_bn.cnn", {}, googlenet],
    ["zoo/googlenet_bn.cnn", { auxiliary: "false" }, googlenet.filter(([name]) => !name.startsWith("aux"))],
    ["zoo/inception_v3.cnn", {}, inceptionV3],
    ["zoo/inception_v3.cnn", { auxiliary: "false" }, inceptionV3.filter(([name]) => !name.startsWith("Aux"))],
    ["zoo/mobilenet_v2.cnn", {}, mobilenetV2],
    ["zoo/squeezenet.cnn", {}, squeezenet([3, 4, 5, 7, 8, 9, 10, 12], 96, 7)],
    ["zoo/squeezenet.cnn", { version: "1.1" }, squeezenet([3, 4, 6, 7, 9, 10, 11, 12], 64, 3)],
    ["zoo/vgg_bn.cnn", { depth: "11" }, vggBn([64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0])],
  ])("%s %j: every tensor has its counterpart, of its shape", (spec, settings, tensors) => {
    const own = shapesOf(specText(spec), settings);
    const theirs = new Map(tensors);
    const names = torchvisionNames([...theirs.keys()].sort(), [...own.keys()]);
    expect([...names.values()].sort()).toEqual([...own.keys()].sort());
    expect([...names].filter(([name, mine]) => theirs.get(name) !== own.get(mine))).toEqual([]);
  });

  test.each<[string, Tensors, readonly (readonly [string, string])[]]>([
    ["zoo/googlenet_bn.cnn", googlenet, [["aux2.conv.bn.running_var", "aux2.auxiliary_bn1.unit1.conv_bn1.batch_norm1.running_var"], ["fc.weight", "linear1.weight"]]],
    ["zoo/inception_v3.cnn", inceptionV3, [["Mixed_7b.branch3x3_2b.conv.weight", "inception_81.spread1.unit2.conv_bn1.conv1.weight"]]],
  ])("%s: a file without the auxiliary heads, or with heads that the network lacks, fits as well", (spec, tensors, pairs) => {
    const isHead = (name: string): boolean => /^aux/i.test(name);
    const [mine, theirs] = [[...shapesOf(specText(spec)).keys()], tensors.map(([name]) => name)];
    const [without, trunk] = [theirs, mine].map((names) => names.filter((name) => !isHead(name)));
    expect([...torchvisionNames(without!, mine).values()].sort()).toEqual([...trunk!].sort());
    expect([...torchvisionNames(theirs, trunk!).keys()].sort()).toEqual([...without!].sort());
    for (const [name, own] of pairs) expect(torchvisionNames(theirs, mine).get(name)).toBe(own);
  }); // prettier-ignore
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
  expect(() => compile({ path: "net.cnn", text }, { value: "root" })).toThrow(
    "root: Net has no such value or layer; it has stem",
  );
});
