/**
 * Normalisation within each sample, over G groups of channels with all their positions; layer norm is the case of one group
 * with a scale and a shift for every element instead of every channel. M is the number of values in a group.
 *
 *   m = sum x / M,  v = sum (x - m)^2 / M,  h = (x - m) / sqrt(v + eps),  y = w*h + b
 *   dx = (w*dy - sum(w*dy)/M - h * sum(w*dy*h)/M) / sqrt(v + eps),  the sums within the group
 *   dw = sum dy*h,  db = sum dy,  over the batch and everything that shares the element of w
 */
import { problem } from "../diagnostics/problem.ts";
import { groupsDoNotDivide } from "../diagnostics/shapes.ts";
import {
  add,
  axis,
  div,
  iadd,
  idiv,
  imul,
  inverseSqrt,
  load,
  map,
  mul,
  reduce,
  reduced,
  sub,
} from "../ir/expression.ts";
import type { Axis, Computation, IndexLike, ScalarExpr } from "../ir/expression.ts";
import type { Attrs, TensorType } from "../ir/graph.ts";
import { elementCount } from "../ir/graph.ts";
import type { ComputeContext, InputTypes, LayerArgument, LayerContext } from "./defineOp.ts";
import {
  batchedType, channelReduction, defineLayer, defineOp, inputType, inputValue, numberAttr, plainType,
} from "./defineOp.ts"; // prettier-ignore

const commonArguments: readonly LayerArgument[] = [
  { name: "eps", type: "real", min: 0, default: 1e-5, doc: "added to the variance" },
  { name: "affine", type: "boolean", default: true, doc: "whether to learn a scale and a shift" },
];

function buildGroupNorm(
  { args, x, parameter, node }: LayerContext,
  groups: number,
  shape: readonly number[],
): ReturnType<LayerContext["node"]> {
  const attrs = { groups, eps: numberAttr(args, "eps") };
  const mean = node("group_mean", { x }, attrs);
  const variance = node("group_variance", { x, mean }, attrs);
  const fan = shape[0] as number;
  const affine =
    args["affine"] === true
      ? { weight: parameter("weight", "scale", shape, fan, fan), bias: parameter("bias", "shift", shape, fan, fan) }
      : {};
  return node("group_normalize", { x, mean, variance, ...affine }, attrs);
}

export const groupNormLayer = defineLayer({
  name: "group_norm",
  doc: "Normalises each sample within groups of channels.",
  expects: "any",
  compiled: true,
  arguments: [{ name: "groups", type: "integer", min: 1, doc: "groups of channels" }, ...commonArguments],
  check(type, args) {
    const [groups, channels] = [numberAttr(args, "groups"), type.shape[0] as number];
    if (channels % groups === 0) return undefined;
    return problem(groupsDoNotDivide, { groups, channels, which: "input channels" }, { argument: "groups" });
  },
  build: (context) => buildGroupNorm(context, numberAttr(context.args, "groups"), context.type.shape.slice(0, 1)),
});

export const layerNormLayer = defineLayer({
  name: "layer_norm",
  doc: "Normalises each sample over all its values, with a scale and a shift for each.",
  expects: "any",
  compiled: true,
  arguments: commonArguments,
  build: (context) => buildGroupNorm(context, 1, context.type.shape),
});

/** The axes of one group's values, and where they lie in x: [n, g*C + within, …space]. */
function groupReduction(
  type: TensorType,
  attrs: Attrs,
  n: IndexLike,
  group: IndexLike,
): { readonly over: readonly Axis[]; readonly at: readonly IndexLike[]; readonly count: number } {
  const groups = numberAttr(attrs, "groups");
  const [channels, ...space] = type.shape as [number, ...number[]];
  const within = axis("gc", channels / groups);
  const positions = space.map((extent, position) => axis(["gy", "gx"][position] ?? `g${position}`, extent));
  const channel = groups === 1 ? within : iadd(imul(group, within.extent), within);
  return { over: [within, ...positions], at: [n, channel, ...positions], count: elementCount(type) / groups };
}

/** The group that a channel of x belongs to. */
function groupOf(type: TensorType, attrs: Attrs, channel: IndexLike): IndexLike {
  const groups = numberAttr(attrs, "groups");
  return groups === 1 ? 0 : idiv(channel, (type.shape[0] as number) / groups);
}

/** Where the scale of an element lies: with its channel, or (layer norm of images) with itself. */
function weightIndex(types: InputTypes, at: readonly IndexLike[], name = "weight"): readonly IndexLike[] {
  return inputType(types, name).shape.length === 1 ? at.slice(1, 2) : at.slice(1);
}

function normalized(at: readonly IndexLike[], group: IndexLike, n: IndexLike, eps: number): ScalarExpr {
  return mul(sub(load("x", at), load("mean", [n, group])), inverseSqrt(add(load("variance", [n, group]), eps)));
}

const perGroup = (_types: InputTypes, attrs: Attrs): TensorType => batchedType([numberAttr(attrs, "groups")]);

export const groupMean = defineOp({
  name: "group_mean",
  doc: "Mean of each group of a sample.",
  inputs: ["x"],
  wideRange: true,
  inferType: perGroup,
  compute({ types, attrs, axes }) {
    const [n, group] = axes as [Axis, Axis];
    const { over, at, count } = groupReduction(inputType(types, "x"), attrs, n, group);
    return reduce(axes, over, "sum", load("x", at), div(reduced, count));
  },
});

export const groupVariance = defineOp({
  name: "group_variance",
  doc: "Biased variance of each group of a sample.",
  inputs: ["x", "mean"],
  wideRange: true,
  inferType: perGroup,
  compute({ types, attrs, axes }) {
    const [n, group] = axes as [Axis, Axis];
    const { over, at, count } = groupReduction(inputType(types, "x"), attrs, n, group);
    const apart = sub(load("x", at), load("mean", [n, group]));
    return reduce(axes, over, "sum", mul(apart, apart), div(reduced, count));
  },
});

export const groupNormalize = defineOp({
  name: "group_normalize",
  doc: "Normalisation by each group's mean and variance; its gradient holds theirs as well.",
  inputs: ["x", "mean", "variance", "weight", "bias"],
  normalizes: true,
  inferType: (types) => inputType(types, "x"),
  compute({ types, attrs, axes }) {
    const [n, c] = axes as [Axis, Axis];
    const value = normalized(axes, groupOf(inputType(types, "x"), attrs, c), n, numberAttr(attrs, "eps"));
    const scaled = types["weight"] === undefined ? value : mul(value, load("weight", weightIndex(types, axes)));
    return map(
      axes,
      types["bias"] === undefined ? scaled : add(scaled, load("bias", weightIndex(types, axes, "bias"))),
    );
  },
  gradient({ inputs, types, attrs, upstream, needs, build }) {
    const statistics = {
      x: inputValue(inputs, "x"),
      mean: inputValue(inputs, "mean"),
      variance: inputValue(inputs, "variance"),
    };
    const { weight } = inputs;
    const weighted = { upstream, ...(weight !== undefined && { weight }) };
    const perChannel = weight === undefined || inputType(types, "weight").shape.length === 1;
    const inputGradient = () => {
      const sum = build("group_gradient_sum", weighted, attrs);
      const product = build("group_gradient_product", { ...weighted, ...statistics }, attrs);
      return build("group_norm_input_gradient", { ...weighted, ...statistics, sum, product }, attrs);
    };
    return {
      ...(needs("x") && { x: inputGradient() }),
      ...(needs("weight") && {
        weight: build("group_norm_scale_gradient", { upstream, ...statistics }, { ...attrs, perChannel }),
      }),
      ...(needs("bias") && { bias: build(perChannel ? "channel_sum" : "batch_sum", { x: upstream }) }),
    };
  },
});

/** w*dy at an element. */
function weightedUpstream(types: InputTypes, at: readonly IndexLike[]): ScalarExpr {
  const upstream = load("upstream", at);
  return types["weight"] === undefined ? upstream : mul(upstream, load("weight", weightIndex(types, at)));
}

export const groupGradientSum = defineOp({
  name: "group_gradient_sum",
  doc: "Sum over each group of the scaled upstream gradient.",
  inputs: ["upstream", "weight"],
  wideRange: true,
  inferType: perGroup,
  compute({ types, attrs, axes }) {
    const [n, group] = axes as [Axis, Axis];
    const { over, at } = groupReduction(inputType(types, "upstream"), attrs, n, group);
    return reduce(axes, over, "sum", weightedUpstream(types, at));
  },
});

export const groupGradientProduct = defineOp({
  name: "group_gradient_product",
  doc: "Sum over each group of the scaled upstream gradient times the normalised value.",
  inputs: ["upstream", "weight", "x", "mean", "variance"],
  wideRange: true,
  inferType: perGroup,
  compute({ types, attrs, axes }) {
    const [n, group] = axes as [Axis, Axis];
    const { over, at } = groupReduction(inputType(types, "x"), attrs, n, group);
    return reduce(
      axes,
      over,
      "sum",
      mul(weightedUpstream(types, at), normalized(at, group, n, numberAttr(attrs, "eps"))),
    );
  },
});

export const groupNormInputGradient = defineOp({
  name: "group_norm_input_gradient",
  doc: "Gradient of group normalisation with respect to its input.",
  inputs: ["upstream", "weight", "x", "mean", "variance", "sum", "product"],
  inferType: (types) => inputType(types, "x"),
  compute({ types, attrs, axes }) {
    const [n, c] = axes as [Axis, Axis];
    const type = inputType(types, "x");
    const [group, eps] = [groupOf(type, attrs, c), numberAttr(attrs, "eps")];
    const { count } = groupReduction(type, attrs, n, group);
    const centred = sub(
      sub(weightedUpstream(types, axes), div(load("sum", [n, group]), count)),
      mul(normalized(axes, group, n, eps), div(load("product", [n, group]), count)),
    );
    return map(axes, mul(centred, inverseSqrt(add(load("variance", [n, group]), eps))));
  },
});

export const groupNormScaleGradient = defineOp({
  name: "group_norm_scale_gradient",
  doc: "Sum of the upstream gradient times the normalised value, for each element of the scale.",
  inputs: ["upstream", "x", "mean", "variance"],
  inferType: (types, attrs) =>
    plainType(attrs["perChannel"] === true ? inputType(types, "x").shape.slice(0, 1) : inputType(types, "x").shape),
  compute({ types, attrs, batchAxis }) {
    const type = inputType(types, "x");
    const { channel, over, at } = channelReduction(type, batchAxis);
    const group = groupOf(type, attrs, channel);
    const term = mul(load("upstream", at), normalized(at, group, batchAxis, numberAttr(attrs, "eps")));
    if (attrs["perChannel"] === true) return reduce([channel], over, "sum", term);
    return reduce(at.slice(1), [batchAxis], "sum", term);
  },
});

export const batchSum = defineOp({
  name: "batch_sum",
  doc: "Sum over the batch, element by element.",
  inputs: ["x"],
  inferType: (types) => plainType(inputType(types, "x").shape),
  compute({ types, batchAxis }: ComputeContext): Computation {
    const { at } = channelReduction(inputType(types, "x"), batchAxis);
    return reduce(at.slice(1), [batchAxis], "sum", load("x", at));
  },
});
