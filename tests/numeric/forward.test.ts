/** What layers compute, against values of PyTorch (float64) for the same numbers. */
import { describe, expect, test } from "@jest/globals";
import { differentiate } from "../../compiler/3-differentiate/differentiate.ts";
import { inferenceGraph } from "../../compiler/3-differentiate/inferenceGraph.ts";
import type { Attrs } from "../../compiler/ir/graph.ts";
import { interpretGraph } from "../support/interpret.ts";
import { sketchGraph } from "../support/layerGraph.ts";

const points = [-30, -4, -2.5, -1, -0.3, 0, 0.2, 0.7, 2, 5, 25];

interface Curve {
  readonly value: readonly number[];
  readonly slope: readonly number[];
}

/** Values and derivatives at `points`. */
const curves: Readonly<Record<string, Curve>> = {
  relu: {
    value: [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.2, 0.7, 2.0, 5.0, 25.0],
    slope: [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0],
  },
  relu6: {
    value: [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.2, 0.7, 2.0, 5.0, 6.0],
    slope: [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0],
  },
  leaky_relu: {
    value: [-0.3, -0.04, -0.025, -0.01, -0.003, 0.0, 0.2, 0.7, 2.0, 5.0, 25.0],
    slope: [0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 1.0, 1.0, 1.0, 1.0, 1.0],
  },
  elu: {
    value: [-1.0, -0.981684361111, -0.917915001376, -0.632120558829, -0.259181779318, 0.0, 0.2, 0.7, 2.0, 5.0, 25.0],
    slope: [
      9.35762296884e-14, 0.0183156388887, 0.0820849986239, 0.367879441171, 0.740818220682, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0,
    ],
  },
  selu: {
    value: [
      -1.75809934085, -1.72589862819, -1.61378575887, -1.11133073781, -0.455667315379, 0.0, 0.210140197471,
      0.735490691149, 2.10140197471, 5.25350493678, 26.2675246839,
    ],
    slope: [
      1.64516307734e-13, 0.0322007126575, 0.144313581974, 0.646768603035, 1.30243202547, 1.75809934085, 1.05070098736,
      1.05070098736, 1.05070098736, 1.05070098736, 1.05070098736,
    ],
  },
  gelu: {
    value: [
      -0.0, -0.000126684967332, -0.0155241633144, -0.158655253931, -0.114626573343, 0.0, 0.115851941888, 0.530625443444,
      1.9544997361, 4.99999856674, 25.0,
    ],
    slope: [
      -4.42093840464e-195, -0.000503649661226, -0.0376110859081, -0.0833154705877, 0.267672233173, 0.5, 0.657468248234,
      0.976614101134, 1.08523180108, 1.00000714695, 1.0,
    ],
  },
  silu: {
    value: [
      -2.80728689065e-12, -0.0719448398484, -0.189645450053, -0.26894142137, -0.127667244957, 0.0, 0.109966799462,
      0.467731440518, 1.76159415596, 4.96653574538, 24.9999999997,
    ],
    slope: [
      -2.71371066096e-12, -0.0526646148911, -0.0994011113415, 0.0723294881285, 0.352219989681, 0.5, 0.599337311855,
      0.823386783473, 1.09078424878, 1.02654743243, 1.00000000033,
    ],
  },
  sigmoid: {
    value: [
      9.35762296884e-14, 0.0179862099621, 0.0758581800212, 0.26894142137, 0.425557483188, 0.5, 0.549833997312,
      0.668187772168, 0.880797077978, 0.993307149076, 0.999999999986,
    ],
    slope: [
      9.35762296884e-14, 0.0176627062133, 0.0701037165451, 0.196611933241, 0.244458311691, 0.25, 0.247516572712,
      0.221712873293, 0.104993585404, 0.00664805667079, 1.38880018594e-11,
    ],
  },
  tanh: {
    value: [
      -1.0, -0.999329299739, -0.986614298151, -0.761594155956, -0.291312612452, 0.0, 0.197375320225, 0.604367777117,
      0.964027580076, 0.999909204263, 1.0,
    ],
    slope: [
      0.0, 0.00134095068303, 0.0265922266832, 0.419974341614, 0.915136961827, 1.0, 0.961042982966, 0.634739589982,
      0.0706508248532, 0.000181583230944, 0.0,
    ],
  },
  hard_swish: {
    value: [
      -0.0, -0.0, -0.208333333333, -0.333333333333, -0.135, 0.0, 0.106666666667, 0.431666666667, 1.66666666667, 5.0,
      25.0,
    ],
    slope: [
      0.0, 0.0, -0.333333333333, 0.166666666667, 0.4, 0.5, 0.566666666667, 0.733333333333, 1.16666666667, 1.0, 1.0,
    ],
  },
  hard_sigmoid: {
    value: [
      0.0, 0.0, 0.0833333333333, 0.333333333333, 0.45, 0.5, 0.533333333333, 0.616666666667, 0.833333333333, 1.0, 1.0,
    ],
    slope: [
      0.0, 0.0, 0.166666671634, 0.166666671634, 0.166666671634, 0.166666671634, 0.166666671634, 0.166666671634,
      0.166666671634, 0.0, 0.0,
    ],
  },
  softplus: {
    value: [
      9.35762296884e-14, 0.0181499279178, 0.0788897342925, 0.313261687518, 0.554355244469, 0.69314718056,
      0.798138869382, 1.10318604889, 2.12692801104, 5.00671534849, 25.0,
    ],
    slope: [
      9.35762296884e-14, 0.0179862099621, 0.0758581800212, 0.26894142137, 0.425557483188, 0.5, 0.549833997312,
      0.668187772168, 0.880797077978, 0.993307149076, 1.0,
    ],
  },
};

/** Two samples of 4 x 2 x 3. */
const images = Float64Array.from({ length: 48 }, (_, i) => ((i * 7) % 11) / 4 - 1);

function expectClose(actual: ArrayLike<number>, expected: readonly number[], tolerance = 1e-8): void {
  expect(actual).toHaveLength(expected.length);
  for (let i = 0; i < expected.length; i++) expect(Math.abs(actual[i]! - expected[i]!)).toBeLessThan(tolerance);
}

/** A layer's output in inference for the first `channels` of the first `batch` samples. */
function outputOf(layer: string, args: Attrs, channels: number, batch: number): ArrayLike<number> {
  const written = sketchGraph([channels, 2, 3], (sketch) => sketch.layer(layer, sketch.x, args));
  const graph = inferenceGraph(written).output;
  const values = interpretGraph(
    graph,
    { inputs: { images: images.slice(0, batch * channels * 6) }, parameters: {} },
    { batch, count: batch },
  );
  return values.get(graph.heads[0]!.value)!.values;
}

describe("activations", () => {
  test.each(Object.entries(curves))("%s", (name, { value, slope }) => {
    const written = sketchGraph([points.length], (sketch) => sketch.layer(name, sketch.x));
    const graph = differentiate(written, { loss: { kind: "dot" }, imageGradient: true }).output;
    const ones = new Float64Array(points.length).fill(1);
    const inputs = { images: Float64Array.from(points), cotangent: ones };
    const values = interpretGraph(graph, { inputs, parameters: {} }, { batch: 1, count: 1 });
    expectClose(values.get(graph.heads[0]!.value)!.values, value);
    expectClose(values.get(graph.gradientOf.get(graph.inputs[0]!.value)!)!.values, slope);
  });
});

test.each<readonly [string, Attrs, number, number, readonly number[]]>([
  [
    "group_norm",
    { groups: 2, affine: false },
    4,
    2,
    [
      -1.37714353957, 0.726130229955, -0.475740495487, 1.62753327404, 0.425662548594, -0.776208176848, 1.32706559268,
      0.125194867234, -1.07667585821, 1.02659791132, -0.175272814127, -1.37714353957, 0.595678366253, -0.703983523754,
      1.57042478376, 0.270762893751, -1.02889899626, 1.24550931126, -0.0541525787503, -1.35381446876, 0.920593838755,
      -0.379068051252, -1.67872994126, 0.595678366253, -0.595678366253, 1.67872994126, 0.379068051252, -0.920593838755,
      1.35381446876, 0.0541525787503, -1.24550931126, 1.02889899626, -0.270762893751, -1.57042478376, 0.703983523754,
      -0.595678366253, 1.37714353957, 0.175272814127, -1.02659791132, 1.07667585821, -0.125194867234, -1.32706559268,
      0.776208176848, -0.425662548594, -1.62753327404, 0.475740495487, -0.726130229955, 1.37714353957,
    ],
  ],
  [
    "layer_norm",
    { affine: false },
    4,
    2,
    [
      -1.5146227963, 0.66022019326, -0.582547229347, 1.59229576022, 0.349528337608, -0.893239084999, 1.28160390456,
      0.0388364819565, -1.20393094065, 0.970912048912, -0.271855373695, -1.5146227963, 0.66022019326, -0.582547229347,
      1.59229576022, 0.349528337608, -0.893239084999, 1.28160390456, 0.0388364819565, -1.20393094065, 0.970912048912,
      -0.271855373695, -1.5146227963, 0.66022019326, -0.66022019326, 1.5146227963, 0.271855373695, -0.970912048912,
      1.20393094065, -0.0388364819565, -1.28160390456, 0.893239084999, -0.349528337608, -1.59229576022, 0.582547229347,
      -0.66022019326, 1.5146227963, 0.271855373695, -0.970912048912, 1.20393094065, -0.0388364819565, -1.28160390456,
      0.893239084999, -0.349528337608, -1.59229576022, 0.582547229347, -0.66022019326, 1.5146227963,
    ],
  ],
  [
    "upsample",
    { scale: [2, 2] },
    1,
    1,
    [
      -1.0, -1.0, 0.75, 0.75, -0.25, -0.25, -1.0, -1.0, 0.75, 0.75, -0.25, -0.25, 1.5, 1.5, 0.5, 0.5, -0.5, -0.5, 1.5,
      1.5, 0.5, 0.5, -0.5, -0.5,
    ],
  ],
  [
    "upsample",
    { scale: [2, 3], mode: "bilinear" },
    1,
    1,
    [
      -1.0, -1.0, -0.416666666667, 0.166666666667, 0.75, 0.416666666667, 0.0833333333333, -0.25, -0.25, -0.375, -0.375,
      -0.0208333333333, 0.333333333333, 0.6875, 0.354166666667, 0.0208333333333, -0.3125, -0.3125, 0.875, 0.875,
      0.770833333333, 0.666666666667, 0.5625, 0.229166666667, -0.104166666667, -0.4375, -0.4375, 1.5, 1.5,
      1.16666666667, 0.833333333333, 0.5, 0.166666666667, -0.166666666667, -0.5, -0.5,
    ],
  ],
  [
    "channel_shuffle",
    { groups: 2 },
    4,
    1,
    [
      -1.0, 0.75, -0.25, 1.5, 0.5, -0.5, 0.75, -0.25, 1.5, 0.5, -0.5, 1.25, 1.25, 0.25, -0.75, 1.0, 0.0, -1.0, 0.25,
      -0.75, 1.0, 0.0, -1.0, 0.75,
    ],
  ],
  ["adaptive_avg_pool", { size: [3, 2] }, 1, 1, [-0.125, 0.25, 0.4375, 0.125, 1.0, 0.0]],
  [
    "avg_pool",
    { kernel: [2, 2], padding: [1, 1], ceil_mode: true, count_include_pad: false },
    1,
    1,
    [-1.0, 0.25, 1.5, 0.0],
  ],
  ["avg_pool", { kernel: [2, 2], padding: [1, 1], ceil_mode: true }, 1, 1, [-0.25, 0.125, 0.375, 0.0]],
  ["max_pool", { kernel: [2, 2], ceil_mode: true }, 2, 1, [1.5, -0.25, 1.25, -0.75]],
  [
    "max_pool",
    { kernel: [1, 2], stride: [1, 1], padding: [0, 1], dilation: [1, 2] },
    1,
    1,
    [0.75, -0.25, 0.75, 0.5, 1.5, 0.5],
  ],
  [
    "gelu",
    { approximate: "tanh" },
    1,
    1,
    [-0.158808009392, 0.579960555166, -0.100324649298, 1.39957157698, 0.345714009825, -0.154285990175],
  ],
  [
    "softplus",
    { beta: 2, threshold: 1 },
    1,
    1,
    [0.0634640055215, 0.75, 0.23703849209, 1.5, 0.656630843759, 0.156630843759],
  ],
  ["slice", { from: 1, to: 2 }, 2, 1, [1.25, 0.25, -0.75, 1, 0, -1]],
  ["pad", { size: [0, 1] }, 1, 1, [0, -1, 0.75, -0.25, 0, 0, 1.5, 0.5, -0.5, 0]],
  ["global_max_pool", {}, 2, 1, [1.5, 1.25]],
  ["dropout", { p: 0.5 }, 1, 1, [-1, 0.75, -0.25, 1.5, 0.5, -0.5]],
])("%s with %j", (layer, args, channels, batch, expected) => {
  expectClose(outputOf(layer, args, channels, batch), expected);
});

test("conv with `same` around an even kernel: one more zero at the end", () => {
  const convolved = (kernel: readonly [number, number], dilation: readonly [number, number], weight: Float64Array) => {
    const graph = sketchGraph([2, 2, 3], ({ x, layer }) =>
      layer("conv", x, { channels: 1, kernel, padding: "same", dilation, bias: false }),
    );
    const feeds = { inputs: { images: images.slice(0, 12) }, parameters: { [graph.parameters[0]!.name]: weight } };
    return interpretGraph(graph, feeds, { batch: 1, count: 1 }).get(graph.heads[0]!.value)!.values;
  };
  const weight = Float64Array.from({ length: 16 }, (_, i) => ((i * 5) % 7) / 3 - 1);
  const wide = [-1.58333333333, 6, -0.0833333333333, 0.333333333333, 0.166666666667, -0.833333333333];
  expectClose(convolved([2, 4], [1, 1], weight), wide);
  const left = weight.filter((_, i) => i % 4 < 2);
  const apart = [0, 3.66666666667, -0.0833333333333, -0.333333333333, -0.833333333333, -0.5];
  expectClose(convolved([2, 2], [1, 3], left), apart);
});

describe("dropout in training", () => {
  const p = 0.3;
  const dropped = (layer: string, step: number): ArrayLike<number> => {
    const written = sketchGraph([5, 10, 10], (sketch) => sketch.layer(layer, sketch.x, { p }));
    const graph = differentiate(written, { loss: { kind: "dot" }, imageGradient: true }).output;
    const ones = new Float64Array(8 * 500).fill(1);
    const feeds = { inputs: { images: ones, cotangent: ones }, parameters: {} };
    const values = interpretGraph(graph, feeds, { batch: 8, count: 8, uniforms: { step, seed: 3 } });
    const output = values.get(graph.heads[0]!.value)!.values;
    // The gradient draws the same values again.
    expectClose(values.get(graph.gradientOf.get(graph.inputs[0]!.value)!)!.values, [...output]);
    return output;
  };
  const share = (values: ArrayLike<number>): number => Array.from(values).filter((x) => x === 0).length / values.length;

  test("drops its share and scales up the rest", () => {
    const values = dropped("dropout", 0);
    expect(Math.abs(share(values) - p)).toBeLessThan(0.03);
    expect(new Set(Array.from(values, (x) => x.toFixed(9)))).toEqual(
      new Set(["0.000000000", (1 / (1 - p)).toFixed(9)]),
    );
  });
  test("draws anew in every step", () => {
    expect(dropped("dropout", 1)).not.toEqual(dropped("dropout", 2));
    expect(dropped("dropout", 1)).toEqual(dropped("dropout", 1));
  });
  test.each([
    ["spatial_dropout", 100],
    ["drop_path", 500],
  ])("%s drops %i values together", (layer, together) => {
    const values = Array.from(dropped(layer, 4));
    const units = Array.from({ length: values.length / together }, (_, unit) =>
      values.slice(unit * together, (unit + 1) * together),
    );
    expect(units.every((unit) => new Set(unit).size === 1)).toBe(true);
    expect(new Set(values).size).toBe(2);
  });
});
