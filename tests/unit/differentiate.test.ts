import { describe, expect, test } from "@jest/globals";
import { differentiate } from "../../compiler/3-differentiate/differentiate.ts";
import { inferenceGraph } from "../../compiler/3-differentiate/inferenceGraph.ts";
import type { Graph, TrainingGraph } from "../../compiler/ir/graph.ts";
import { dumpGraph, verifyGraph } from "../../compiler/ir/graph.ts";
import { ops } from "../../compiler/ops/index.ts";
import { interpretGraph } from "../support/interpret.ts";
import { sketchGraph, testNumbers, testWeights } from "../support/layerGraph.ts";

const crossEntropy = { kind: "cross_entropy", labelSmoothing: 0 } as const;

/** conv, batch norm, relu, pooling, dropout and a linear layer: 3 classes from 2 x 6 x 6. */
function network(): Graph {
  return sketchGraph([2, 6, 6], ({ x, layer }) => {
    const conv = layer("relu", layer("batch_norm", layer("conv", x, { channels: 3, kernel: [3, 3] })));
    const pooled = layer("dropout", layer("max_pool", conv, { kernel: [2, 2] }));
    return layer("linear", layer("flatten", pooled), { features: 3 });
  });
}

function run(graph: TrainingGraph, batch: number, count: number, labels: readonly number[]) {
  const { parameters, states } = testWeights(graph);
  const images = new Float64Array(batch * 72);
  images.set(testNumbers(count * 72, 1));
  // What lies beyond `count` must not matter.
  images.fill(1e3, count * 72);
  const feeds = {
    inputs: { images, labels: Uint32Array.from({ length: batch }, (_, n) => labels[n] ?? 7) },
    parameters,
    states,
  };
  const values = interpretGraph(graph, feeds, { batch, count });
  const at = (value: number | undefined): readonly number[] => [...values.get(value as never)!.values];
  return {
    gradients: [...graph.gradientOf.values()].map(at),
    updates: [...graph.updateOf.values()].map(at),
    metrics: at(graph.metrics).slice(0, 2 * count),
    logits: at(graph.heads[0]!.value).slice(0, 3 * count),
  };
}

describe("differentiate", () => {
  test("gives every parameter a gradient of its own type and every statistic an update", () => {
    const graph = differentiate(network(), { loss: crossEntropy }).output;
    verifyGraph(graph);
    for (const { value, type } of graph.parameters) {
      const gradient = graph.nodes.find((node) => node.output === graph.gradientOf.get(value));
      expect(gradient?.type).toEqual(type);
    }
    expect(graph.updateOf.size).toBe(graph.states.length);
    expect(graph.nodes.every(({ op }) => ops.get(op)?.compute !== undefined || ops.get(op)?.view === true)).toBe(true);
    expect(graph.nodes.some(({ op }) => op === "random_drop")).toBe(true);
    // Nobody asked for the gradient of the images.
    expect(graph.nodes.some(({ op }) => op === "conv_input_gradient")).toBe(false);
  });

  test("a partial batch counts only its samples", () => {
    const graph = differentiate(network(), { loss: crossEntropy, dropout: false }).output;
    const [partial, whole] = [run(graph, 8, 5, [0, 2, 1, 1, 0]), run(graph, 5, 5, [0, 2, 1, 1, 0])];
    expect(partial).toEqual(whole);
  });

  test("metrics are the cross entropy, and whether the first greatest logit is the label", () => {
    const graph = differentiate(network(), { loss: crossEntropy, dropout: false }).output;
    const labels = [0, 2, 1, 1];
    const { metrics, logits } = run(graph, 4, 4, labels);
    for (const [n, label] of labels.entries()) {
      const row = logits.slice(3 * n, 3 * n + 3);
      const loss = Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0)) - row[label]!;
      expect(metrics[2 * n]).toBeCloseTo(loss, 10);
      expect(metrics[2 * n + 1]).toBe(row.indexOf(Math.max(...row)) === label ? 1 : 0);
    }
  });

  test("frozen layers get no gradient, and nothing is computed for them alone", () => {
    const graph = differentiate(network(), { loss: crossEntropy, freeze: ["conv0"] }).output;
    const missing = graph.parameters.filter(({ value }) => !graph.gradientOf.has(value)).map(({ name }) => name);
    expect(missing).toEqual(["conv0.weight", "conv0.bias"]);
    expect(graph.nodes.some(({ op }) => op === "conv_weight_gradient")).toBe(false);
    verifyGraph(graph);
  });

  test("heads weigh in the loss and in the gradients, also when they share a value", () => {
    const written = network();
    const [main] = written.heads;
    const twice = { ...written, heads: [main!, { ...main!, name: "aux", weight: 0.5 }] };
    const once = run(differentiate(written, { loss: crossEntropy, dropout: false }).output, 2, 2, [1, 2]);
    const both = run(differentiate(twice, { loss: crossEntropy, dropout: false }).output, 2, 2, [1, 2]);
    expect(both.metrics[0]).toBeCloseTo(1.5 * once.metrics[0]!, 12);
    for (const [i, gradient] of both.gradients.entries()) {
      for (const [j, value] of gradient.entries()) expect(value).toBeCloseTo(1.5 * once.gradients[i]![j]!, 12);
    }
  });

  test("nodes that the gradient needs of the forward pass alone stand in it", () => {
    const { nodes } = differentiate(network(), { loss: crossEntropy }).output;
    const names = nodes.map(({ op }) => op);
    expect(names.indexOf("max_pool_index")).toBe(names.indexOf("max_pool") + 1);
  });

  test("twice the same", () => {
    const dumps = [0, 1].map(() => dumpGraph(differentiate(network(), { loss: crossEntropy }).output));
    expect(dumps[0]).toBe(dumps[1]);
  });
});

describe("inferenceGraph", () => {
  test("uses running statistics, drops nothing and keeps every parameter", () => {
    const written = network();
    const graph = inferenceGraph(written).output;
    verifyGraph(graph);
    const names = graph.nodes.map(({ op }) => op);
    expect(names).toEqual(["conv", "channel_normalize", "relu", "max_pool", "reshape", "linear"]);
    expect(graph.parameters).toEqual(written.parameters);
    expect(graph.states).toEqual(written.states);
  });

  test("leaves out all heads but the main one", () => {
    const written = network();
    const aux = { ...written.heads[0]!, name: "aux", value: written.nodes[0]!.output };
    const graph = inferenceGraph({ ...written, heads: [...written.heads, aux] }).output;
    expect(graph.heads.map(({ name }) => name)).toEqual(["output"]);
  });
});
