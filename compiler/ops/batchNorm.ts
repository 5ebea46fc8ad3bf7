/**
 * Batch normalisation over the batch and all positions; M is the number of values a channel has in this step's batch (which
 * may be smaller than the compiled one).
 *
 *   training:  m[c] = sum x / M,  v[c] = sum (x - m)^2 / M,  h = (x - m) / sqrt(v + eps),  y = w[c]*h + b[c]
 *   gradient:  db = sum dy,  dw = sum dy*h,  dx = w / sqrt(v + eps) * (dy - db/M - h * dw/M)
 *   inference: m and v are the running statistics, constants to the gradient: dx = w / sqrt(v + eps) * dy
 *   running:   r = (1 - momentum) * r + momentum * (m, or v * M/(M - 1))
 *
 * Sums of squares lose all accuracy where the mean is large, so the variance is taken around a mean: of images, around that of a
 * small block of positions, whose sums the kernel that computes x makes in passing, and then around the mean of all (Chan,
 * Golub and LeVeque 1983, "Algorithms for computing the sample variance"):
 *
 *   v[c]  = sum over the blocks of (q + B * (s/B - m)^2) / M    s, q: sum and spread of a block of B positions
 *   dw[c] = sum over the blocks of (p + d * (x0 - m)) / sqrt(v + eps)    d: sum of dy, p: sum of dy * (x - x0), x0: the first x
 */
import {
  add, div, inverseSqrt, load, map, max, mul, reduce, reduced, sampleCount, sub,
} from "../ir/expression.ts"; // prettier-ignore
import type { Axis, IndexLike, ScalarExpr } from "../ir/expression.ts";
import { shapeElements } from "../ir/graph.ts";
import type { TensorType, ValueId } from "../ir/graph.ts";
import { blockOf, firstOfBlock } from "./blockSums.ts";
import type { ExpandContext, GradientContext, InputTypes } from "./defineOp.ts";
import {
  channelReduction, defineLayer, defineOp, inputType, inputValue, numberAttr, plainType,
} from "./defineOp.ts"; // prettier-ignore

export const batchNormLayer = defineLayer({
  name: "batch_norm",
  doc: "Normalises every channel over the batch; with running statistics in inference.",
  expects: "any",
  compiled: true,
  arguments: [
    { name: "eps", type: "real", min: 0, default: 1e-5, doc: "added to the variance" },
    {
      name: "momentum",
      type: "real",
      min: 0,
      max: 1,
      default: 0.1,
      doc: "weight of a batch in the running statistics",
    },
    { name: "affine", type: "boolean", default: true, doc: "whether to learn a scale and a shift a channel" },
  ],
  build({ args, x, type, parameter, state, node }) {
    const channels = type.shape[0] as number;
    const affine =
      args["affine"] === true
        ? {
            weight: parameter("weight", "scale", [channels], channels, channels),
            bias: parameter("bias", "shift", [channels], channels, channels),
          }
        : {};
    const statistics = {
      running_mean: state("running_mean", [channels], 0),
      running_var: state("running_var", [channels], 1),
    };
    return node(
      "batch_norm",
      { x, ...affine, ...statistics },
      { eps: numberAttr(args, "eps"), momentum: numberAttr(args, "momentum") },
    );
  },
});

export const batchNorm = defineOp({
  name: "batch_norm",
  doc: "Normalises every channel, by the batch in training and by the running statistics in inference.",
  inputs: ["x", "weight", "bias", "running_mean", "running_var"],
  normalizes: true,
  inferType: (types) => inputType(types, "x"),
  expand({ inputs, types, attrs, training, build, update }) {
    const { running_mean: runningMean, running_var: runningVariance, ...rest } = inputs;
    if (runningMean === undefined || runningVariance === undefined)
      throw new TypeError("batch_norm without statistics");
    const [x, eps] = [inputValue(inputs, "x"), { eps: numberAttr(attrs, "eps") }];
    if (!training) return build("channel_normalize", { ...rest, mean: runningMean, variance: runningVariance }, eps);
    const { mean, variance } = batchStatistics(x, inputType(types, "x"), build);
    const momentum = numberAttr(attrs, "momentum");
    const positions = positionsOf(inputType(types, "x"));
    update(runningMean, build("running_mean_update", { running: runningMean, batch: mean }, { momentum }));
    update(
      runningVariance,
      build("running_variance_update", { running: runningVariance, batch: variance }, { momentum, positions }),
    );
    return build("batch_normalize", { ...rest, mean, variance }, eps);
  },
});

/** Mean and variance of every channel over the batch. */
function batchStatistics(
  x: ValueId,
  type: TensorType,
  build: ExpandContext["build"],
): { readonly mean: ValueId; readonly variance: ValueId } {
  const block = blockOf(type);
  const size = block[0] * block[1];
  if (size === 1) {
    const mean = build("batch_mean", { x });
    return { mean, variance: build("batch_variance", { x, mean }) };
  }
  const sums = build("block_sum", { x }, { block });
  const spreads = build("block_spread", { x, sums }, { block });
  const mean = build("blocks_mean", { sums }, { size });
  return { mean, variance: build("blocks_variance", { sums, spreads, mean }, { size }) };
}

/** Values a channel has in one sample. */
function positionsOf(type: TensorType): number {
  return shapeElements(type.shape.slice(1));
}

/** M: values a channel has in this step's batch. */
function valueCount(positions: number): ScalarExpr {
  return positions === 1 ? sampleCount : mul(sampleCount, positions);
}

export const batchMean = defineOp({
  name: "batch_mean",
  doc: "Mean of every channel over the batch.",
  inputs: ["x"],
  byChannel: true,
  inferType: (types) => plainType([inputType(types, "x").shape[0] as number]),
  compute({ types, batchAxis }) {
    const x = inputType(types, "x");
    const { channel, over, at } = channelReduction(x, batchAxis);
    return reduce([channel], over, "sum", load("x", at), div(reduced, valueCount(positionsOf(x))));
  },
});

export const batchVariance = defineOp({
  name: "batch_variance",
  doc: "Biased variance of every channel over the batch.",
  inputs: ["x", "mean"],
  byChannel: true,
  inferType: (types) => inputType(types, "mean"),
  compute({ types, batchAxis }) {
    const x = inputType(types, "x");
    const { channel, over, at } = channelReduction(x, batchAxis);
    const apart = sub(load("x", at), load("mean", [channel]));
    return reduce([channel], over, "sum", mul(apart, apart), div(reduced, valueCount(positionsOf(x))));
  },
});

export const blocksMean = defineOp({
  name: "blocks_mean",
  doc: "Mean of every channel over the batch, from the sums of its blocks.",
  inputs: ["sums"],
  byChannel: true,
  inferType: (types) => plainType([inputType(types, "sums").shape[0] as number]),
  compute({ types, attrs, batchAxis }) {
    const sums = inputType(types, "sums");
    const { channel, over, at } = channelReduction(sums, batchAxis);
    const count = valueCount(positionsOf(sums) * numberAttr(attrs, "size"));
    return reduce([channel], over, "sum", load("sums", at), div(reduced, count));
  },
});

export const blocksVariance = defineOp({
  name: "blocks_variance",
  doc: "Biased variance of every channel over the batch, from the sums and spreads of its blocks.",
  inputs: ["sums", "spreads", "mean"],
  byChannel: true,
  inferType: (types) => inputType(types, "mean"),
  compute({ types, attrs, batchAxis }) {
    const sums = inputType(types, "sums");
    const { channel, over, at } = channelReduction(sums, batchAxis);
    const size = numberAttr(attrs, "size");
    const apart = sub(div(load("sums", at), size), load("mean", [channel]));
    const spread = add(load("spreads", at), mul(mul(apart, apart), size));
    return reduce([channel], over, "sum", spread, div(reduced, valueCount(positionsOf(sums) * size)));
  },
});

/** running + momentum * (batch - running). */
function blended(axes: readonly Axis[], batch: ScalarExpr, momentum: number): ScalarExpr {
  return add(mul(load("running", axes), 1 - momentum), mul(batch, momentum));
}

export const runningMeanUpdate = defineOp({
  name: "running_mean_update",
  doc: "The running mean after this batch.",
  inputs: ["running", "batch"],
  inferType: (types) => inputType(types, "running"),
  compute: ({ axes, attrs }) => map(axes, blended(axes, load("batch", axes), numberAttr(attrs, "momentum"))),
});

export const runningVarianceUpdate = defineOp({
  name: "running_variance_update",
  doc: "The running variance after this batch, whose own variance is taken unbiased.",
  inputs: ["running", "batch"],
  inferType: (types) => inputType(types, "running"),
  compute({ axes, attrs }) {
    const count = valueCount(numberAttr(attrs, "positions"));
    // One value a channel has no unbiased variance; its biased one is 0, and stays 0.
    const unbiased = div(mul(load("batch", axes), count), max(sub(count, 1), 1));
    return map(axes, blended(axes, unbiased, numberAttr(attrs, "momentum")));
  },
});

/** h: the normalised value of an element. */
function normalized(at: readonly IndexLike[], channel: IndexLike, eps: number): ScalarExpr {
  return mul(sub(load("x", at), load("mean", [channel])), inverseSqrt(add(load("variance", [channel]), eps)));
}

/** w*h + b with what there is of w and b. */
function affine(value: ScalarExpr, types: InputTypes, channel: IndexLike): ScalarExpr {
  const scaled = types["weight"] === undefined ? value : mul(value, load("weight", [channel]));
  return types["bias"] === undefined ? scaled : add(scaled, load("bias", [channel]));
}

/** What both forms of normalisation share: their value, and the parameters' gradients. */
const normalizeOp = {
  inputs: ["x", "mean", "variance", "weight", "bias"],
  inferType: (types: InputTypes): TensorType => inputType(types, "x"),
  compute: ({ types, attrs, axes }: Parameters<NonNullable<ReturnType<typeof defineOp>["compute"]>>[0]) => {
    const channel = (axes as [Axis, Axis])[1];
    return map(axes, affine(normalized(axes, channel, numberAttr(attrs, "eps")), types, channel));
  },
};

/** Sums over the batch that the gradients need: of dy, and of dy*h. */
function gradientSums({ inputs, types, attrs, upstream, build }: GradientContext): {
  readonly sum: () => ValueId;
  readonly product: () => ValueId;
} {
  const block = blockOf(inputType(types, "x"));
  const statistics = {
    x: inputValue(inputs, "x"),
    mean: inputValue(inputs, "mean"),
    variance: inputValue(inputs, "variance"),
  };
  if (block[0] * block[1] > 1) {
    const sums = build("block_sum", { x: upstream }, { block });
    return {
      sum: () => build("channel_sum", { x: sums }),
      product: () => {
        const products = build("block_product", { upstream, x: statistics.x }, { block });
        return build("blocks_scale_gradient", { sums, products, ...statistics }, { ...attrs, block });
      },
    };
  }
  return {
    sum: () => build("channel_sum", { x: upstream }),
    product: () => build("batch_norm_scale_gradient", { upstream, ...statistics }, attrs),
  };
}

export const batchNormalize = defineOp({
  ...normalizeOp,
  name: "batch_normalize",
  doc: "Normalisation by statistics of the batch itself.",
  gradient(context) {
    const { inputs, attrs, upstream, needs, build } = context;
    const { bias: _bias, ...used } = inputs;
    const sums = gradientSums(context);
    const [sum, product] = [sums.sum(), sums.product()];
    return {
      ...(needs("x") && { x: build("batch_norm_input_gradient", { upstream, ...used, sum, product }, attrs) }),
      ...(needs("weight") && { weight: product }),
      ...(needs("bias") && { bias: sum }),
    };
  },
});

export const channelNormalize = defineOp({
  ...normalizeOp,
  name: "channel_normalize",
  doc: "Normalisation by given statistics, which are constants to the gradient.",
  gradient(context) {
    const { inputs, attrs, upstream, needs, build } = context;
    const sums = gradientSums(context);
    const { weight } = inputs;
    const used = { variance: inputValue(inputs, "variance"), ...(weight !== undefined && { weight }) };
    return {
      ...(needs("x") && { x: build("channel_normalize_input_gradient", { upstream, ...used }, attrs) }),
      ...(needs("weight") && { weight: sums.product() }),
      ...(needs("bias") && { bias: sums.sum() }),
    };
  },
});

export const batchNormScaleGradient = defineOp({
  name: "batch_norm_scale_gradient",
  doc: "Sum over the batch of the upstream gradient times the normalised value.",
  inputs: ["upstream", "x", "mean", "variance"],
  inferType: (types) => inputType(types, "mean"),
  compute({ types, attrs, batchAxis }) {
    const { channel, over, at } = channelReduction(inputType(types, "x"), batchAxis);
    return reduce([channel], over, "sum", mul(load("upstream", at), normalized(at, channel, numberAttr(attrs, "eps"))));
  },
});

export const blocksScaleGradient = defineOp({
  name: "blocks_scale_gradient",
  doc: "Sum over the batch of the upstream gradient times the normalised value, from the sums and products of blocks.",
  inputs: ["sums", "products", "x", "mean", "variance"],
  inferType: (types) => inputType(types, "mean"),
  compute({ types, attrs, batchAxis }) {
    const { channel, over, at } = channelReduction(inputType(types, "sums"), batchAxis);
    const apart = sub(load("x", firstOfBlock(at, attrs)), load("mean", [channel]));
    const value = add(load("products", at), mul(load("sums", at), apart));
    const scale = inverseSqrt(add(load("variance", [channel]), numberAttr(attrs, "eps")));
    return reduce([channel], over, "sum", value, mul(reduced, scale));
  },
});

export const batchNormInputGradient = defineOp({
  name: "batch_norm_input_gradient",
  doc: "Gradient of batch normalisation with respect to its input.",
  inputs: ["upstream", "x", "mean", "variance", "weight", "sum", "product"],
  inferType: (types) => inputType(types, "x"),
  compute({ types, attrs, axes }) {
    const channel = (axes as [Axis, Axis])[1];
    const [eps, count] = [numberAttr(attrs, "eps"), valueCount(positionsOf(inputType(types, "x")))];
    const centred = sub(
      sub(load("upstream", axes), div(load("sum", [channel]), count)),
      mul(normalized(axes, channel, eps), div(load("product", [channel]), count)),
    );
    const scale = inverseSqrt(add(load("variance", [channel]), eps));
    return map(axes, mul(centred, types["weight"] === undefined ? scale : mul(scale, load("weight", [channel]))));
  },
});

export const channelNormalizeInputGradient = defineOp({
  name: "channel_normalize_input_gradient",
  doc: "Gradient of normalisation by given statistics with respect to its input.",
  inputs: ["upstream", "variance", "weight"],
  inferType: (types) => inputType(types, "upstream"),
  compute({ types, attrs, axes }) {
    const channel = (axes as [Axis, Axis])[1];
    const scale = inverseSqrt(add(load("variance", [channel]), numberAttr(attrs, "eps")));
    const weighted = types["weight"] === undefined ? scale : mul(scale, load("weight", [channel]));
    return map(axes, mul(load("upstream", axes), weighted));
  },
});
