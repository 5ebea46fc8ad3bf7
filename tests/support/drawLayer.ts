/** Arguments of every layer of the table, drawn so that they fit the shape that arrives. */
import type { Attrs, AttrValue } from "../../compiler/ir/graph.ts";
import { elementCount, shapeElements } from "../../compiler/ir/graph.ts";
import { layers } from "../../compiler/ops/index.ts";
import { sketchGraph } from "./layerGraph.ts";

/** Numbers that decide, used one after another: a shorter or smaller list makes a simpler network. */
export interface Dice {
  /** A whole number from `least` to `most`. */
  whole(least: number, most: number): number;
  pick<T>(from: readonly T[]): T;
  /** True once in `n`. */
  once(n: number): boolean;
}

export function diceOf(numbers: readonly number[]): Dice {
  let next = 0;
  const roll = (sides: number): number => (numbers[next++ % Math.max(1, numbers.length)] ?? 0) % sides;
  return {
    whole: (least, most) => least + roll(Math.max(1, most - least + 1)),
    pick(from) {
      const picked = from[roll(from.length)];
      if (picked === undefined) throw new Error("nothing to pick from");
      return picked;
    },
    once: (n) => roll(n) === n - 1,
  };
}

/** A layer's arguments for a shape; undefined where the layer would make the value too large for a small test. */
type DrawArguments = (dice: Dice, shape: readonly number[]) => Attrs | undefined;

/** The most values of a sample that a layer may enlarge to. */
const mostElements = 600;

const none: DrawArguments = () => ({});
const dropProbability: DrawArguments = (dice) => ({ p: dice.pick([0.5, 0.3, 0.1, 0, 1]) });

/** An argument is given or left alone. */
function maybe(dice: Dice, name: string, value: AttrValue): Attrs {
  return dice.once(2) ? { [name]: value } : {};
}

function divisors(of: number): readonly number[] {
  return Array.from({ length: of }, (_, i) => i + 1).filter((each) => of % each === 0);
}

type Pair = readonly [number, number];

function spaceOf(shape: readonly number[]): Pair {
  return [shape[1] ?? 1, shape[2] ?? 1];
}

/** Kernel, stride, padding and dilation of a window that fits, different along the two axes now and then. */
function window(dice: Dice, shape: readonly number[], kind: "conv" | "max" | "avg"): Attrs {
  const along = (extent: number) => {
    const padding = dice.pick([0, 0, 1, 2]);
    // Taps farther apart than the image is wide could all lie in the padding, where a pool finds no maximum.
    const dilation = kind === "avg" ? 1 : Math.min(extent, dice.pick([1, 1, 1, 2]));
    const kernel = dice.whole(1, Math.min(3, Math.floor((extent + 2 * padding - 1) / dilation) + 1));
    // A pool's padding is at most half of its kernel.
    const padded = kind === "conv" ? padding : Math.min(padding, Math.floor(kernel / 2));
    const fits = extent + 2 * padded - dilation * (kernel - 1) - 1 >= 0;
    const wanted = dice.pick([1, 1, 2, 3]);
    const stride = kind !== "conv" && dice.once(2) ? kernel : wanted;
    return { kernel, padding: padded, dilation: fits ? dilation : 1, stride };
  };
  const rows = along(spaceOf(shape)[0]);
  const columns = along(spaceOf(shape)[1]);
  const pair = (name: keyof typeof rows): Pair => [rows[name], columns[name]];
  return {
    kernel: pair("kernel"),
    ...(kind !== "conv" && pair("stride").every((each, i) => each === pair("kernel")[i])
      ? {}
      : { stride: pair("stride") }),
    padding: pair("padding"),
    ...(kind === "avg" ? {} : { dilation: pair("dilation") }),
  };
}

/** `same` keeps the size, at stride 1. */
function convWindow(dice: Dice, shape: readonly number[]): Attrs {
  if (!dice.once(4)) return window(dice, shape, "conv");
  return { kernel: dice.pick([[3, 3], [1, 3], [2, 4], [5, 5]]), padding: "same", ...maybe(dice, "dilation", [2, 1]) }; // prettier-ignore
}

const affine = (dice: Dice): Attrs => ({ ...maybe(dice, "affine", false), ...maybe(dice, "eps", 0.01) });

const drawers: Readonly<Record<string, DrawArguments>> = {
  conv(dice, shape) {
    const groups = dice.once(3) ? dice.pick(divisors(shape[0] ?? 1)) : 1;
    const channels = groups * dice.whole(1, Math.max(1, Math.floor(6 / groups)));
    return {
      channels,
      ...convWindow(dice, shape),
      ...(groups > 1 ? { groups } : {}),
      ...maybe(dice, "bias", false),
    };
  },
  depthwise_conv: (dice, shape) => ({
    ...convWindow(dice, shape),
    ...((shape[0] ?? 1) <= 4 ? maybe(dice, "multiplier", 2) : {}),
    ...maybe(dice, "bias", false),
  }),
  linear: (dice) => ({ features: dice.whole(1, 6), ...maybe(dice, "bias", false) }),
  max_pool: (dice, shape) => ({ ...window(dice, shape, "max"), ...maybe(dice, "ceil_mode", true) }),
  avg_pool: (dice, shape) => ({
    ...window(dice, shape, "avg"),
    ...maybe(dice, "ceil_mode", true),
    ...maybe(dice, "count_include_pad", false),
  }),
  adaptive_avg_pool: (dice) => ({ size: [dice.whole(1, 5), dice.whole(1, 5)] }),
  global_avg_pool: none,
  global_max_pool: none,
  batch_norm: (dice) => ({ ...affine(dice), ...maybe(dice, "momentum", 0.3) }),
  local_response_norm: (dice) => ({
    size: dice.whole(1, 5),
    ...maybe(dice, "alpha", 0.5),
    ...maybe(dice, "beta", 0.4),
    ...maybe(dice, "k", 2),
  }),
  layer_norm: affine,
  group_norm: (dice, shape) => ({ groups: dice.pick(divisors(shape[0] ?? 1)), ...affine(dice) }),
  relu: none,
  relu6: none,
  leaky_relu: (dice) => maybe(dice, "negative_slope", dice.pick([0.2, -0.5, 0])),
  elu: (dice) => maybe(dice, "alpha", dice.pick([0.7, -0.7, 0])),
  selu: none,
  gelu: (dice) => maybe(dice, "approximate", "tanh"),
  silu: none,
  sigmoid: none,
  tanh: none,
  hard_swish: none,
  hard_sigmoid: none,
  softplus: (dice) => ({ ...maybe(dice, "beta", 2), ...maybe(dice, "threshold", 1) }),
  prelu: (dice, shape) => ({ ...maybe(dice, "num_parameters", shape[0] ?? 1), ...maybe(dice, "init", 0.1) }),
  softmax: none,
  log_softmax: none,
  dropout: dropProbability,
  spatial_dropout: dropProbability,
  drop_path: dropProbability,
  flatten: none,
  reshape(dice, shape) {
    const count = elementCount({ shape, batched: true, dtype: "f32" });
    const channels = dice.pick(divisors(count));
    const height = dice.pick(divisors(count / channels));
    return { channels, height, width: count / channels / height };
  },
  slice(dice, shape) {
    const channels = shape[0] ?? 1;
    const from = dice.whole(0, channels - 1);
    return { from, to: dice.whole(from + 1, channels) };
  },
  pad: (dice, shape) => fitting("pad", shape, { size: [dice.whole(0, 2), dice.whole(0, 2)] }),
  upsample: (dice, shape) =>
    fitting("upsample", shape, { scale: [dice.whole(1, 3), dice.whole(1, 3)], ...maybe(dice, "mode", "bilinear") }),
  channel_shuffle(dice, shape) {
    // Groups that move something, where there are any.
    const all = divisors(shape[0] ?? 1);
    return { groups: dice.pick(all.length > 2 ? all.slice(1, -1) : all) };
  },
  identity: none,
};

function fitting(layer: string, shape: readonly number[], args: Attrs): Attrs | undefined {
  return shapeElements(shapeAfter(layer, shape, args)) > mostElements ? undefined : args;
}

/** The layers that can be drawn: the tests compare them with the table. */
export const drawnLayers: readonly string[] = Object.keys(drawers);

export interface DrawnLayer {
  readonly name: string;
  readonly args: Attrs;
  readonly shape: readonly number[];
}

/** The layer with arguments for this shape, and the shape after it. */
export function drawLayer(name: string, dice: Dice, shape: readonly number[]): DrawnLayer | undefined {
  const draw = drawers[name];
  if (draw === undefined) throw new Error(`nothing draws ${name}`);
  const args = draw(dice, shape);
  return args === undefined ? undefined : { name, args, shape: shapeAfter(name, shape, args) };
}

/** The shape that a layer leaves, by its own rule. */
export function shapeAfter(name: string, shape: readonly number[], args: Attrs): readonly number[] {
  const graph = sketchGraph(shape, ({ x, layer }) => layer(name, x, args));
  const [head] = graph.heads;
  return graph.nodes.find(({ output }) => output === head?.value)?.type.shape ?? shape;
}

/** What a layer takes: "image", "vector" or "any". */
export function expectedRank(name: string): "image" | "vector" | "any" {
  return layers.get(name)?.expects ?? "any";
}

/** The layer as the language writes it. */
export function layerText({ name, args }: Pick<DrawnLayer, "name" | "args">): string {
  const listed = Object.entries(args).map(([argument, value]) => {
    const text = Array.isArray(value) ? `(${value.join(", ")})` : String(value);
    return `${argument}: ${text}`;
  });
  return listed.length === 0 ? name : `${name}(${listed.join(", ")})`;
}
