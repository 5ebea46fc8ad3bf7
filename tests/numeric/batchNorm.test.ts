/**
 * Batch normalisation in training and inference, against figures of PyTorch 1.13 (float64): batch statistics, the running
 * statistics that they leave (momentum, unbiased variance), gradients; the step holds fewer samples than its compiled batch.
 */
import { describe, expect, test } from "@jest/globals";
import { expandOps } from "../../compiler/3-differentiate/expandOps.ts";
import { differentiate } from "../../compiler/3-differentiate/differentiate.ts";
import { inferenceGraph } from "../../compiler/3-differentiate/inferenceGraph.ts";
import { joinStatistics } from "../../compiler/3-differentiate/joinStatistics.ts";
import type { Graph, TrainingGraph, ValueId } from "../../compiler/ir/graph.ts";
import { interpretGraph } from "../support/interpret.ts";
import { compileText } from "../support/compileText.ts";
import { sketchGraph } from "../support/layerGraph.ts";
import { feedsFor } from "../support/planChecks.ts";
import { networkText } from "../support/randomSpec.ts";

interface Figures {
  /** The batch first. */
  readonly shape: readonly number[];
  readonly momentum: number;
  readonly inference: readonly number[];
  readonly output: readonly number[];
  /** The running statistics after the step. */
  readonly mean: readonly number[];
  readonly variance: readonly number[];
  /** Gradients of the product of the output with the input's samples in reverse. */
  readonly x: readonly number[];
  readonly weight: readonly number[];
  readonly bias: readonly number[];
}

// torch.nn.BatchNorm1d and 2d with weight (1.5, -0.5), bias (0.25, 1), running mean (0.2, -0.4), running variance (0.5, 2).
const figures: readonly Figures[] = [
  {
    shape: [2, 2, 2, 3],
    momentum: 0.1,
    inference: [
      -1.659169218, -0.1742598261, 1.310649565, -2.083429044, -0.5985196523, 0.8863897392, 0.4343159893, 1.0,
      0.7525132453, 0.5050264906, 1.070710501, 0.8232237466, 1.522779478, -1.871299131, -0.3863897392, 1.098519652,
      -2.295558957, -0.8106495653, 0.7171579946, 0.4696712399, 1.035355251, 0.787868496, 0.5403817413, 1.106065752,
    ],
    output: [
      -1.154609187, 0.5309218374, 2.216452862, -1.63618948, 0.04934154471, 1.734872569, 0.2832396373, 1.490414985,
      0.9622757704, 0.4341365558, 1.641311903, 1.113172689, 2.457243008, -1.395399333, 0.2901316911, 1.975662715,
      -1.876979626, -0.1914486016, 0.8868273112, 0.3586880965, 1.565863444, 1.03772423, 0.509585015, 1.716760363,
    ],
    mean: [0.1683333333, -0.335],
    variance: [0.4923333333, 1.847909091],
    x: [
      1.482334542, -1.50041764, 1.055003544, 0.7522142039, -2.230537978, 0.3248832054, -0.356620855, -0.4747421056,
      0.5530503829, -0.154471691, -0.2725929416, 0.7551995468, -0.2654673117, -0.5682566514, 1.987164532, -0.9955876499,
      -1.29837699, 1.257044194, -0.7551995468, 0.2725929416, 0.154471691, -0.5530503829, 0.4747421056, 0.356620855,
    ],
    weight: [-3.857993234, -2.701054841],
    bias: [-1.4, 3.0],
  },
  {
    shape: [1, 2, 2, 3],
    momentum: 0.3,
    inference: [
      -1.659169218, -0.1742598261, 1.310649565, -2.083429044, -0.5985196523, 0.8863897392, 0.4343159893, 1.0,
      0.7525132453, 0.5050264906, 1.070710501, 0.8232237466,
    ],
    output: [
      -1.301086436, 0.508514406, 2.318115248, -1.818115248, -0.008514406035, 1.801086436, 0.2955915773, 1.503148873,
      0.9748425563, 0.4465362393, 1.654093535, 1.125787218,
    ],
    mean: [0.11, -0.2],
    variance: [0.4712, 1.558],
    x: [
      -4.607050591e-5, 7.678417652e-6, 6.142734122e-5, -6.142734122e-5, -7.678417652e-6, 4.607050591e-5,
      -1.604944648e-5, 1.146389034e-5, -5.731945171e-7, -1.261027938e-5, 1.490305745e-5, 2.865972586e-6,
    ],
    weight: [3.481327335, 3.9748761],
    bias: [-0.6, 1.6],
  },
  {
    shape: [3, 2],
    momentum: 0.1,
    inference: [-1.659169218, 0.8585789973, 1.310649565, 1.176776253, -0.5985196523, 0.681802744],
    output: [-1.389966276, 0.8849146473, 2.235222334, 1.661740778, -0.09525605808, 0.4533445747],
    mean: [0.1733333333, -0.3733333333],
    variance: [0.5003333333, 1.850333333],
    x: [0.8873970901, -0.46015345, 0.4930632599, 0.16435442, -1.38046035, 0.29579903],
    weight: [1.306218753, 1.306218753],
    bias: [-0.2, -0.4],
  },
  {
    shape: [2, 2],
    momentum: 1.0,
    inference: [-1.659169218, 0.8585789973, 1.310649565, 1.176776253],
    output: [-1.249984694, 0.5000123452, 1.749984694, 1.499987655],
    mean: [0.0, -0.45],
    variance: [0.98, 0.405],
    x: [3.061130781e-5, 2.468952915e-5, -3.061130781e-5, -2.468952915e-5],
    weight: [-1.399985715, -0.8999777786],
    bias: [0.0, -0.9],
  },
  {
    shape: [3, 2, 1, 1],
    momentum: 0.0,
    inference: [-1.659169218, 0.8585789973, 1.310649565, 1.176776253, -0.5985196523, 0.681802744],
    output: [-1.389966276, 0.8849146473, 2.235222334, 1.661740778, -0.09525605808, 0.4533445747],
    mean: [0.2, -0.4],
    variance: [0.5, 2.0],
    x: [0.8873970901, -0.46015345, 0.4930632599, 0.16435442, -1.38046035, 0.29579903],
    weight: [1.306218753, 1.306218753],
    bias: [-0.2, -0.4],
  },
];

const parameters = { "batch_norm0.weight": [1.5, -0.5], "batch_norm0.bias": [0.25, 1] };
const states = { "batch_norm2.running_mean": [0.2, -0.4], "batch_norm2.running_var": [0.5, 2] };

/** The compiled batch holds one sample more than the step. */
function runStep(shape: readonly number[], momentum: number, training: boolean) {
  const [count = 1, ...own] = shape;
  const size = own.reduce((product, extent) => product * extent, 1);
  const graph = sketchGraph(own, ({ x, layer }) => layer("batch_norm", x, { momentum }));
  const samples = Array.from({ length: count }, (_, n) =>
    Array.from({ length: size }, (_unused, i) => (((n * size + i) * 7 + 3) % 23) / 10 - 1),
  );
  // What the missing sample holds must not matter.
  const missing = new Array<number>(size).fill(1e6);
  const named = (list: Graph["parameters"] | Graph["states"], values: readonly (readonly number[])[]) =>
    Object.fromEntries(list.map(({ name }, i) => [name, Float64Array.from(values[i] ?? [])]));
  const feeds = {
    inputs: {
      images: Float64Array.from([...samples, missing].flat()),
      cotangent: Float64Array.from([...[...samples].reverse(), missing].flat()),
    },
    parameters: named(graph.parameters, Object.values(parameters)),
    states: named(graph.states, Object.values(states)),
  };
  const settings = { batch: count + 1, count };
  const trained: TrainingGraph = differentiate(graph, { loss: { kind: "dot" }, imageGradient: true, training }).output;
  const values = interpretGraph(trained, feeds, settings);
  const of = (value: ValueId | undefined): readonly number[] =>
    [...((value === undefined ? undefined : values.get(value)?.values) ?? [])].slice(0, count * size);
  const inference = inferenceGraph(graph).output;
  const predicted = interpretGraph(inference, feeds, settings);
  return {
    inference: [...(predicted.get(inference.heads[0]?.value as ValueId)?.values ?? [])].slice(0, count * size),
    output: of(trained.heads[0]?.value),
    statistics: trained.states.map(({ value }) => of(trained.updateOf.get(value))),
    gradients: [trained.inputs[0], ...trained.parameters].map((each) =>
      of(trained.gradientOf.get(each?.value as ValueId)),
    ),
  };
}

function expectClose(actual: readonly number[] | undefined, expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs((actual?.[i] ?? NaN) - value)).toBeLessThan(1e-8 * (1 + Math.abs(value)));
  });
}

describe("batch_norm", () => {
  test.each(figures)("as PyTorch has it: $shape, momentum $momentum", (wanted) => {
    const { inference, output, statistics, gradients } = runStep(wanted.shape, wanted.momentum, true);
    expectClose(inference, wanted.inference);
    expectClose(output, wanted.output);
    expectClose(statistics[0], wanted.mean);
    expectClose(statistics[1], wanted.variance);
    expectClose(gradients[0], wanted.x);
    expectClose(gradients[1], wanted.weight);
    expectClose(gradients[2], wanted.bias);
  });

  test("is frozen outside training: running statistics are used, and stay", () => {
    const { inference, output, statistics } = runStep([2, 2, 2, 3], 0.1, false);
    expect(output).toEqual(inference);
    expect(statistics).toEqual([[], []]);
  });

  // PyTorch refuses one value a channel. A last batch of one sample must not end a training: it gives the shift, no gradient
  // but the shift's, and a variance of 0 to the running one.
  test("of one value a channel gives its shift", () => {
    const { output, statistics, gradients } = runStep([1, 2], 0.1, true);
    expectClose(output, [0.25, 1]);
    expectClose(statistics[1], [0.45, 1.8]);
    expectClose(gradients[0], [0, 0]);
    expectClose(gradients[1], [0, 0]);
  });
});

describe("statistics of joined channels", () => {
  const settings = { batch: 3, count: 2 };
  /** The forward pass of a body, and the same with its joins' statistics joined of the parts'. */
  const bothWays = (body: string): { readonly whole: Graph; readonly joined: Graph } => {
    const { graph } = compileText(networkText("2 x 4 x 4", `${body}\nflatten -> linear(3)`), { batch: 3 });
    const whole = expandOps(graph, { training: true, dropout: false }).graph;
    return { whole, joined: joinStatistics(whole) };
  };
  const countOf = ({ nodes }: Graph, wanted: string): number => nodes.filter(({ op }) => op === wanted).length;

  test("are the parts' own, each asked once however many layers normalise it", () => {
    const { whole, joined } = bothWays("conv(3, kernel: 1) -> dense_block(3, 2) -> batch_norm");
    const feeds = feedsFor(whole, 3, 3);
    const [expected, actual] = [interpretGraph(whole, feeds, settings), interpretGraph(joined, feeds, settings)];
    for (const { output } of whole.nodes) {
      expectClose([...(actual.get(output)?.values ?? [])], [...(expected.get(output)?.values ?? [])]);
    }
    // Four values to normalise, of which the last three end with two channels that no layer before has seen.
    const channels = joined.nodes.flatMap(({ op, type }) => (op === "blocks_mean" ? type.shape : []));
    expect(channels).toEqual([3, 2, 2, 2]);
    expect(countOf(joined, "concat_statistics")).toBeGreaterThan(0);
  });

  test("are taken of all at once where two parts are new", () => {
    const { whole, joined } = bothWays(
      "concat { branch { conv(2, kernel: 1) } branch { conv(3, kernel: 1) } } -> batch_norm",
    );
    expect(joined.nodes).toEqual(whole.nodes);
    expect(countOf(joined, "blocks_mean")).toBe(1);
  });

  test("move the running ones in one kernel", () => {
    const { training } = compileText(
      networkText("2 x 4 x 4", "conv(3, kernel: 1) -> dense_block(2, 2) -> batch_norm\nflatten -> linear(3)"),
      { batch: 256 },
    );
    const kernels = training.kernels.kernels.map(({ stages }) => stages.map(({ op }) => op).join(" "));
    expect(kernels.filter((each) => each === "running_mean_update running_variance_update")).toHaveLength(2);
    expect(kernels).not.toContain("running_mean_update");
    expect(kernels).not.toContain("running_variance_update");
  });
});
