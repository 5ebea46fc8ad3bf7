/** Every layer's gradients against central differences, in float64. */
import { describe, expect, test } from "@jest/globals";
import { differentiate } from "../../compiler/3-differentiate/differentiate.ts";
import type { Attrs, Graph, ValueId } from "../../compiler/ir/graph.ts";
import { elementCount, verifyGraph } from "../../compiler/ir/graph.ts";
import { layers, ops } from "../../compiler/ops/index.ts";
import { interpretGraph } from "../support/interpret.ts";
import type { GraphFeeds, StepSettings } from "../support/interpret.ts";
import type { GraphSketch } from "../support/layerGraph.ts";
import { sketchGraph, testNumbers, testWeights } from "../support/layerGraph.ts";

type Case = readonly [layer: string, shape: readonly number[], args: Attrs];

const image = [4, 6, 5];
const cases: readonly Case[] = [
  ["conv", image, { channels: 3, kernel: [3, 2], padding: [1, 0] }],
  ["conv", image, { channels: 6, kernel: [3, 3], stride: [2, 3], padding: [2, 1], groups: 2 }],
  ["conv", image, { channels: 2, kernel: [2, 3], dilation: [2, 1], bias: false }],
  ["conv", image, { channels: 2, kernel: [3, 3], padding: "same" }],
  ["conv", image, { channels: 2, kernel: [2, 4], padding: "same" }],
  ["depthwise_conv", image, { kernel: [3, 3], padding: [1, 1], multiplier: 2 }],
  ["linear", [7], { features: 4 }],
  ["linear", [7], { features: 4, bias: false }],
  ["max_pool", image, { kernel: [2, 2] }],
  ["max_pool", image, { kernel: [3, 3], stride: [2, 1], padding: [1, 1] }],
  ["max_pool", image, { kernel: [2, 2], stride: [2, 2], dilation: [2, 2] }],
  ["max_pool", image, { kernel: [4, 3], ceil_mode: true }],
  ["global_max_pool", image, {}],
  ["avg_pool", image, { kernel: [2, 2] }],
  ["avg_pool", image, { kernel: [3, 3], stride: [1, 2], padding: [1, 1] }],
  ["avg_pool", image, { kernel: [3, 3], stride: [2, 2], padding: [1, 1], ceil_mode: true, count_include_pad: false }],
  ["avg_pool", image, { kernel: [3, 4], ceil_mode: true }],
  ["adaptive_avg_pool", image, { size: [4, 3] }],
  ["adaptive_avg_pool", image, { size: [3, 1] }],
  ["adaptive_avg_pool", image, { size: [8, 7] }],
  ["global_avg_pool", image, {}],
  ["batch_norm", image, {}],
  ["batch_norm", image, { affine: false }],
  ["batch_norm", [6], {}],
  ["local_response_norm", [7, 2, 3], { size: 4, alpha: 0.5 }],
  ["local_response_norm", [7, 2, 3], { size: 5, alpha: 0.5, k: 2 }],
  ["layer_norm", image, {}],
  ["layer_norm", [6], {}],
  ["group_norm", image, { groups: 2 }],
  ["group_norm", image, { groups: 4, affine: false }],
  ["relu", image, {}],
  ["relu6", image, {}],
  ["leaky_relu", image, {}],
  ["leaky_relu", image, { negative_slope: -0.5 }],
  ["elu", image, { alpha: 0.7 }],
  ["elu", image, { alpha: -0.7 }],
  ["selu", image, {}],
  ["gelu", image, {}],
  ["gelu", image, { approximate: "tanh" }],
  ["silu", image, {}],
  ["sigmoid", image, {}],
  ["tanh", image, {}],
  ["hard_swish", image, {}],
  ["hard_sigmoid", image, {}],
  ["softplus", image, { beta: 2 }],
  ["softplus", image, { threshold: 0.2 }],
  ["prelu", image, {}],
  ["prelu", image, { num_parameters: 4 }],
  ["softmax", image, {}],
  ["softmax", [6], {}],
  ["log_softmax", [6], {}],
  ["log_softmax", image, {}],
  ["dropout", image, { p: 0.4 }],
  ["spatial_dropout", image, { p: 0.4 }],
  ["drop_path", image, { p: 0.4 }],
  ["flatten", image, {}],
  ["reshape", image, { channels: 2, height: 4, width: 15 }],
  ["slice", image, { from: 1, to: 3 }],
  ["pad", image, { size: [1, 2] }],
  ["upsample", [2, 3, 2], { scale: [2, 3] }],
  ["upsample", [2, 3, 2], { scale: [2, 3], mode: "bilinear" }],
  ["upsample", [1, 1, 4], { scale: [3, 4], mode: "bilinear" }],
  ["channel_shuffle", [6, 2, 2], { groups: 3 }],
  ["identity", image, {}],
];

const joins: Readonly<Record<string, (sketch: GraphSketch) => ValueId>> = {
  "a value used three times": ({ x, node }) => node("add", { x0: node("sigmoid", { x }), x1: x, x2: x }),
  "a value joined with itself": ({ x, node }) => node("multiply", { x0: x, x1: x, x2: node("tanh", { x }) }),
  "squeeze and excitation": ({ x, node, layer }) => node("multiply", { x0: x, x1: layer("global_avg_pool", x) }),
  concatenation: ({ x, node, layer }) =>
    node("concat", { x0: layer("slice", x, { from: 2, to: 3 }), x1: x, x2: node("sigmoid", { x }) }),
};

const settings: StepSettings = { batch: 3, count: 2, uniforms: { step: 5, seed: 9 } };

/** The loss is the product with fixed numbers; each gradient is compared at a few elements. */
function expectTrueGradients(graph: Graph, scale: number, training: boolean): void {
  const { output: trained } = differentiate(graph, { loss: { kind: "dot" }, imageGradient: true, training });
  verifyGraph(trained);
  const images = testNumbers(settings.batch * elementCount(graph.inputs[0]!.type), 1).map((x) => x * scale);
  const cotangentType = trained.inputs[1]!.type;
  const cotangent = testNumbers(settings.batch * elementCount(cotangentType), 2);
  const { parameters, states } = testWeights(graph);
  const feeds: GraphFeeds = { inputs: { images, cotangent }, parameters, states };
  const lossOf = (): number => {
    const metrics = interpretGraph(trained, feeds, settings).get(trained.metrics)!.values;
    return [0, 1].reduce((sum, sample) => sum + (metrics[2 * sample] as number), 0);
  };
  const values = interpretGraph(trained, feeds, settings);
  const targets = [
    { value: trained.inputs[0]!.value, numbers: images, active: images.length * (settings.count / settings.batch) },
    ...graph.parameters.map(({ name, value }) => {
      const numbers = parameters[name]!;
      return { value, numbers, active: numbers.length };
    }),
  ];
  for (const { value, numbers, active } of targets) {
    const gradient = values.get(trained.gradientOf.get(value)!)!.values;
    expect(gradient).toHaveLength(numbers.length);
    const stride = Math.max(1, Math.floor(active / 7));
    for (let at = 0; at < active; at += stride) {
      const kept = numbers[at]!;
      const step = 1e-5;
      numbers[at] = kept + step;
      const above = lossOf();
      numbers[at] = kept - step;
      const below = lossOf();
      numbers[at] = kept;
      expect(Math.abs(gradient[at]! - (above - below) / (2 * step))).toBeLessThan(2e-7 * (1 + Math.abs(gradient[at]!)));
    }
  }
}

describe("gradients against central differences", () => {
  test.each(cases)("%s of %j with %j", (layer, shape, args) => {
    const graph = sketchGraph(shape, (sketch) => sketch.layer(layer, sketch.x, args));
    expectTrueGradients(graph, 1, true);
    // Far from 0 as well, where activations saturate.
    if (graph.nodes.some((node) => ops.has(`${node.op}_gradient`))) expectTrueGradients(graph, 7, true);
  });

  test("batch_norm by its running statistics", () => {
    const graph = sketchGraph(image, (sketch) => sketch.layer("batch_norm", sketch.x));
    expectTrueGradients(graph, 1, false);
  });

  test.each(Object.entries(joins))("%s", (_name, draw) => {
    expectTrueGradients(sketchGraph(image, draw), 1, true);
  });

  test("every layer is among the cases", () => {
    const covered = new Set(cases.map(([layer]) => layer));
    expect([...layers.keys()].filter((layer) => !covered.has(layer))).toEqual([]);
  });
});
