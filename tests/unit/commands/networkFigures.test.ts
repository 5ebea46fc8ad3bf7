/**
 * The shipped networks in `cnnc summary` against published figures: parameters as PyTorch counts them, shapes as the papers and
 * their common implementations give them, multiply-adds as torchvision's model tables do (in thousands of millions, three digits).
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { checkSource } from "../../../compiler/check.ts";
import { summarizeGraph, type NetworkSummary } from "../../../compiler/commands/summarize.ts";
import type { CheckedProgram } from "../../../compiler/ir/checked.ts";
import { renderDiagnostics } from "../../../compiler/diagnostics/render.ts";

const known = new Map<string, CheckedProgram>();

function summaryOf(spec: string, settings: Readonly<Record<string, string>> = {}, depth?: number): NetworkSummary {
  const key = `${spec} ${JSON.stringify(settings)}`;
  const checked = known.get(key) ?? checkSpec(spec, settings);
  known.set(key, checked);
  return summarizeGraph(checked.graph, checked.settings, depth);
}

function checkSpec(spec: string, settings: Readonly<Record<string, string>>): CheckedProgram {
  const path = `specs/${spec}.cnn`;
  const text = readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
  const { checked, diagnostics } = checkSource({ path, text }, { settings });
  if (checked === undefined) throw new Error(renderDiagnostics(diagnostics));
  return checked;
}

function outputOf(summary: NetworkSummary, layer: string): string {
  return summary.layers.find(({ name }) => name === layer)?.output.join("x") ?? `there is no ${layer}`;
}

/** Spec, `--set`, input, classes, parameters, and thousands of millions of multiply-adds where they are published. */
type Row = readonly [string, Readonly<Record<string, string>>, string, number, number, number?];

const rows: readonly Row[] = [
  ["lenet", {}, "1x28x28", 10, 61_706],
  ["lenet", { pool: "max_pool", activation: "relu" }, "1x28x28", 10, 61_706],
  ["mnist_cnn", {}, "1x28x28", 10, 8_490],
  ["alexnet", {}, "3x224x224", 1000, 61_100_840, 0.714],
  ["alexnet", { lrn: "true" }, "3x224x224", 1000, 61_100_840, 0.714],
  ["alexnet_d2l", {}, "1x224x224", 10, 46_764_746],
  ["zfnet", {}, "3x224x224", 1000, 62_357_608],
  ["vgg", { depth: "11" }, "3x224x224", 1000, 132_863_336, 7.609],
  ["vgg", { depth: "13" }, "3x224x224", 1000, 133_047_848, 11.308],
  ["vgg", { depth: "16" }, "3x224x224", 1000, 138_357_544, 15.47],
  ["vgg", { depth: "19" }, "3x224x224", 1000, 143_667_240, 19.632],
  ["vgg11_d2l", {}, "1x224x224", 10, 128_806_154],
  ["vgg11_d2l", { ratio: "8", size: "96" }, "1x96x96", 10, 707_626],
  ["nin", {}, "1x224x224", 10, 1_992_166],
  ["googlenet", {}, "1x96x96", 10, 5_977_530],
  ["googlenet_full", {}, "3x224x224", 1000, 13_378_280],
  ["inception_net", {}, "1x28x28", 10, 97_298],
  ["residual_net", {}, "1x28x28", 10, 41_514],
  ["netresdeep", {}, "3x32x32", 2, 159_330],
  ["netresdeep", { dropout: "0.3" }, "3x32x32", 2, 159_330],
  ["resnet", { depth: "18" }, "3x224x224", 1000, 11_689_512, 1.814],
  ["resnet", { depth: "34" }, "3x224x224", 1000, 21_797_672, 3.664],
  ["resnet", {}, "3x224x224", 1000, 25_557_032, 4.089],
  ["resnet", { depth: "101" }, "3x224x224", 1000, 44_549_160, 7.801],
  ["resnet", { depth: "152" }, "3x224x224", 1000, 60_192_808, 11.514],
  ["resnet", { depth: "152", size: "64" }, "3x64x64", 1000, 60_192_808],
  ["densenet", {}, "3x224x224", 1000, 7_978_856, 2.834],
  ["densenet", { depth: "169" }, "3x224x224", 1000, 14_149_480, 3.36],
  ["densenet", { depth: "201" }, "3x224x224", 1000, 20_013_928, 4.291],
  ["densenet", { size: "64" }, "3x64x64", 1000, 7_978_856],
];

test.each(rows.map((row) => [row] as const))("%j", ([spec, settings, input, classes, parameters, multiplyAdds]) => {
  const summary = summaryOf(spec, settings);
  expect(summary.input.join("x")).toBe(input);
  expect(summary.output).toEqual([classes]);
  expect(summary.parameters).toBe(parameters);
  expect(summary.layers.reduce((sum, layer) => sum + layer.parameters, 0)).toBe(parameters);
  if (multiplyAdds !== undefined) expect(Math.round(summary.multiplyAdds / 1e6) / 1e3).toBe(multiplyAdds);
});

describe("shapes and parameters inside", () => {
  test("the five stages of GoogLeNet", () => {
    const summary = summaryOf("googlenet");
    const stages = ["max_pool1", "max_pool2", "max_pool3", "max_pool4", "global_avg_pool1"];
    const shapes = stages.map((layer) => outputOf(summary, layer));
    expect(shapes).toEqual(["64x24x24", "192x12x12", "480x6x6", "832x3x3", "1024x1x1"]);
  });

  test("the first layer of VGG-16's classifier holds 102,764,544 parameters", () => {
    const linear = summaryOf("vgg", { depth: "16" }).layers.find(({ name }) => name === "linear1");
    expect(linear).toEqual({ name: "linear1", op: "linear", output: [4096], parameters: 102_764_544, multiplyAdds: 102_760_448 });
  }); // prettier-ignore

  test("AlexNet's 96 kernels on three channels without padding give 96x54x54", () => {
    const first = summaryOf("alexnet_d2l", { channels: "3", padding: "0" }).layers[0];
    expect(first).toMatchObject({ name: "conv1", output: [96, 54, 54], parameters: 34_944 });
  });

  test("AlexNet pools to 256x6x6 and normalises where the paper does", () => {
    const summary = summaryOf("alexnet", { lrn: "true" });
    expect(outputOf(summary, "adaptive_avg_pool1")).toBe("256x6x6");
    const after = summary.layers.flatMap(({ name }, index) =>
      name.startsWith("local_response_norm") ? [summary.layers[index - 1]?.name] : [],
    );
    expect(after).toEqual(["relu1", "relu2"]);
  });

  test("ZFNet's wide variant has 512, 1024 and 512 channels", () => {
    const channels = (settings: Readonly<Record<string, string>>): readonly (number | undefined)[] =>
      summaryOf("zfnet", settings).layers.flatMap(({ op, output }) => (op === "conv" ? [output[0]] : []));
    expect(channels({})).toEqual([96, 256, 384, 384, 256]);
    expect(channels({ wide: "true" })).toEqual([96, 256, 512, 1024, 512]);
  });

  test("LeNet, VGG-19, NiN and ResNet-50 go through the sizes of their papers", () => {
    const lenet = summaryOf("lenet");
    expect(["conv1", "avg_pool1", "conv2", "avg_pool2", "linear1", "linear2", "linear3"].map((layer) => outputOf(lenet, layer)))
      .toEqual(["6x28x28", "6x14x14", "16x10x10", "16x5x5", "120", "84", "10"]);
    const vgg = summaryOf("vgg", { depth: "19" }, 1);
    expect(vgg.layers.flatMap(({ op, output }) => (op === "vgg_block" ? [output.join("x")] : [])))
      .toEqual(["64x112x112", "128x56x56", "256x28x28", "512x14x14", "512x7x7"]);
    const nin = summaryOf("nin", {}, 1);
    expect(nin.layers.flatMap(({ op, output }) => (op === "nin_block" ? [output.join("x")] : [])))
      .toEqual(["96x54x54", "256x26x26", "384x12x12", "10x5x5"]);
    const resnet = summaryOf("resnet", {}, 1);
    expect(["max_pool1", "bottleneck3", "bottleneck7", "bottleneck13", "bottleneck16"].map((layer) => outputOf(resnet, layer)))
      .toEqual(["64x56x56", "256x56x56", "512x28x28", "1024x14x14", "2048x7x7"]);
    const densenet = summaryOf("densenet", {}, 1);
    expect(densenet.layers.flatMap(({ op, output }) => (op === "dense_block" ? [output.join("x")] : [])))
      .toEqual(["256x56x56", "512x28x28", "1024x14x14", "1024x7x7"]);
  }); // prettier-ignore

  test("GoogLeNet's auxiliary heads begin with 128x4x4", () => {
    const summary = summaryOf("googlenet_full");
    const convolutions = summary.layers.filter(({ name }) => /^aux\d.*\.conv1$/.test(name));
    expect(convolutions.map(({ output }) => output.join("x"))).toEqual(["128x4x4", "128x4x4"]);
  });

  test("a bottleneck needs a fraction of what two 3x3 convolutions of its width do", () => {
    const [plain, bottleneck] = [summaryOf("resnet", { depth: "34" }, 1), summaryOf("resnet", { depth: "50" }, 1)];
    expect(plain.layers.find(({ name }) => name === "basic_block2")).toMatchObject({ output: [64, 56, 56], parameters: 73_984 }); // prettier-ignore
    expect(bottleneck.layers.find(({ name }) => name === "bottleneck2")).toMatchObject({ output: [256, 56, 56], parameters: 70_400 }); // prettier-ignore
  });
});

describe("groups", () => {
  const named = (summary: NetworkSummary): readonly string[] => summary.layers.map(({ name }) => name);

  test("a block is one row, whose numbers are the sums of its layers, joins among them", () => {
    const [all, blocks] = [summaryOf("residual_net"), summaryOf("residual_net", {}, 1)];
    expect(named(blocks)).toEqual([
      "conv1", "relu1", "max_pool1", "residual1", "conv2", "relu2", "max_pool2", "residual2", "flatten1", "linear1",
    ]); // prettier-ignore
    const inside = all.layers.filter(({ name }) => name.startsWith("residual2."));
    expect(inside.map(({ name }) => name)).toEqual(["residual2.conv1", "residual2.relu1", "residual2.conv2", "residual2.add", "residual2.relu2"]); // prettier-ignore
    expect(blocks.layers.find(({ name }) => name === "residual2")).toEqual({
      name: "residual2",
      op: "residual",
      output: [32, 4, 4],
      parameters: 2 * (32 * 32 * 9 + 32),
      multiplyAdds: 2 * 32 * 32 * 9 * 16,
      layers: 5,
    });
  });

  test("heads are groups too, and blocks inside them one level deeper", () => {
    const [one, two] = [summaryOf("googlenet_full", {}, 1), summaryOf("googlenet_full", {}, 2)];
    expect(one.layers.find(({ name }) => name === "aux1")).toMatchObject({ op: "head", output: [1000], layers: 8 });
    expect(two.layers.find(({ name }) => name === "aux1.auxiliary1")).toMatchObject({ op: "auxiliary", layers: 8 });
  });

  test.each(["googlenet_full", "resnet", "densenet", "nin"])("at every depth, the rows of %s add up to the whole", (spec) => {
    const all = summaryOf(spec);
    for (const depth of [1, 2, 3, 4]) {
      const { layers, parameters, multiplyAdds } = summaryOf(spec, {}, depth);
      expect(layers.reduce((sum, layer) => sum + layer.parameters, 0)).toBe(parameters);
      expect(layers.reduce((sum, layer) => sum + layer.multiplyAdds, 0)).toBe(multiplyAdds);
      expect(layers.reduce((sum, layer) => sum + (layer.layers ?? 1), 0)).toBe(all.layers.length);
      expect([parameters, multiplyAdds]).toEqual([all.parameters, all.multiplyAdds]);
    }
  }); // prettier-ignore

  test("every round of a repetition has the same numbers", () => {
    const { layers } = summaryOf("resnet", { depth: "101" }, 1);
    const third = layers.filter(({ op, output }) => op === "bottleneck" && output[0] === 1024).slice(1);
    expect(third).toHaveLength(22);
    expect(new Set(third.map(({ name: _, ...numbers }) => JSON.stringify(numbers))).size).toBe(1);
  });
});
