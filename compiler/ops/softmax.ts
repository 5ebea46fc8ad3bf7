/**
 * Softmax and its logarithm over the channels (or features), safe for large inputs: m is the greatest channel, s the sum of
 * exp(x - m). Both are ops of their own, and the cross entropy is built on them too.
 *
 *   softmax:     y = exp(x - m) / s          dx = y * (dy - sum over c of dy*y)
 *   log_softmax: y = x - m - log(s)          dx = dy - exp(y) * sum over c of dy
 *
 * m and s pass no gradient on: the formulas above already hold the whole derivative with respect to x.
 */
import { axis, div, exp, load, log, map, mul, reduce, sub } from "../ir/expression.ts";
import type { Axis } from "../ir/expression.ts";
import type { TensorType, ValueId } from "../ir/graph.ts";
import type { ExpandContext, LayerDefinition, OpDefinition } from "./defineOp.ts";
import { batchedType, defineLayer, defineOp, inputType, inputValue } from "./defineOp.ts";

/** One value a position: the type without its channels. */
function withoutChannels(type: TensorType): TensorType {
  return batchedType(type.shape.slice(1));
}

/** Where a reduction over the channels reads: the output's own axes with the channel put behind the batch. */
function acrossChannels(type: TensorType, axes: readonly Axis[]): { readonly k: Axis; readonly at: readonly Axis[] } {
  const [n, ...space] = axes as [Axis, ...Axis[]];
  const k = axis("k", type.shape[0] as number);
  return { k, at: [n, k, ...space] };
}

/** Where an element's own position lies in a tensor without channels. */
function besideChannels(axes: readonly Axis[]): readonly Axis[] {
  const [n, , ...space] = axes as [Axis, Axis, ...Axis[]];
  return [n, ...space];
}

export const channelMax = defineOp({
  name: "channel_max",
  doc: "The greatest channel, one value a position.",
  inputs: ["x"],
  inferType: (types) => withoutChannels(inputType(types, "x")),
  compute({ types, axes }) {
    const { k, at } = acrossChannels(inputType(types, "x"), axes);
    return reduce(axes, [k], "max", load("x", at));
  },
});

export const channelExpSum = defineOp({
  name: "channel_exp_sum",
  doc: "Sum over the channels of exp(x - max), one value a position.",
  inputs: ["x", "max"],
  inferType: (types) => inputType(types, "max"),
  compute({ types, axes }) {
    const { k, at } = acrossChannels(inputType(types, "x"), axes);
    return reduce(axes, [k], "sum", exp(sub(load("x", at), load("max", axes))));
  },
});

export const channelTotal = defineOp({
  name: "channel_total",
  doc: "Sum over the channels, one value a position.",
  inputs: ["x"],
  inferType: (types) => withoutChannels(inputType(types, "x")),
  compute({ types, axes }) {
    const { k, at } = acrossChannels(inputType(types, "x"), axes);
    return reduce(axes, [k], "sum", load("x", at));
  },
});

export const channelDot = defineOp({
  name: "channel_dot",
  doc: "Sum over the channels of a product, one value a position.",
  inputs: ["a", "b"],
  inferType: (types) => withoutChannels(inputType(types, "a")),
  compute({ types, axes }) {
    const { k, at } = acrossChannels(inputType(types, "a"), axes);
    return reduce(axes, [k], "sum", mul(load("a", at), load("b", at)));
  },
});

/** Builds m and s of x. */
export function buildSoftmaxParts(
  build: ExpandContext["build"],
  x: ValueId,
): { readonly max: ValueId; readonly expSum: ValueId } {
  const max = build("channel_max", { x });
  return { max, expSum: build("channel_exp_sum", { x, max }) };
}

function channelLayer(name: string, doc: string): LayerDefinition {
  return defineLayer({
    name,
    doc,
    expects: "any",
    compiled: true,
    arguments: [],
    build: ({ x, node }) => node(name, { x }),
  });
}

/** The op that the layer stands for: replaced by m, s and the op that joins them. */
function channelOp(name: string, doc: string): OpDefinition {
  return defineOp({
    name,
    doc,
    inputs: ["x"],
    inferType: (types) => inputType(types, "x"),
    expand({ inputs, build }) {
      const x = inputValue(inputs, "x");
      return build(`${name}_join`, { x, ...buildSoftmaxParts(build, x) });
    },
  });
}

const softmaxDoc = "exp(x) over its sum along the channels or features.";
export const softmaxLayer = channelLayer("softmax", softmaxDoc);
export const softmax = channelOp("softmax", softmaxDoc);

const logSoftmaxDoc = "Logarithm of softmax, for the `nll` loss.";
export const logSoftmaxLayer = channelLayer("log_softmax", logSoftmaxDoc);
export const logSoftmax = channelOp("log_softmax", logSoftmaxDoc);

export const softmaxJoin = defineOp({
  name: "softmax_join",
  doc: "exp(x - max) / expSum.",
  inputs: ["x", "max", "expSum"],
  inferType: (types) => inputType(types, "x"),
  compute({ axes }) {
    const at = besideChannels(axes);
    return map(axes, div(exp(sub(load("x", axes), load("max", at))), load("expSum", at)));
  },
  gradient({ output, upstream, build }) {
    const total = build("channel_dot", { a: upstream, b: output });
    return { x: build("softmax_gradient", { upstream, y: output, total }) };
  },
});

export const softmaxGradient = defineOp({
  name: "softmax_gradient",
  doc: "Gradient of softmax from its output.",
  inputs: ["upstream", "y", "total"],
  inferType: (types) => inputType(types, "y"),
  compute: ({ axes }) =>
    map(axes, mul(load("y", axes), sub(load("upstream", axes), load("total", besideChannels(axes))))),
});

export const logSoftmaxJoin = defineOp({
  name: "log_softmax_join",
  doc: "x - max - log(expSum).",
  inputs: ["x", "max", "expSum"],
  inferType: (types) => inputType(types, "x"),
  compute({ axes }) {
    const at = besideChannels(axes);
    return map(axes, sub(sub(load("x", axes), load("max", at)), log(load("expSum", at))));
  },
  gradient({ output, upstream, build }) {
    const total = build("channel_total", { x: upstream });
    return { x: build("log_softmax_gradient", { upstream, y: output, total }) };
  },
});

export const logSoftmaxGradient = defineOp({
  name: "log_softmax_gradient",
  doc: "Gradient of log_softmax from its output.",
  inputs: ["upstream", "y", "total"],
  inferType: (types) => inputType(types, "y"),
  compute: ({ axes }) =>
    map(axes, sub(load("upstream", axes), mul(exp(load("y", axes)), load("total", besideChannels(axes))))),
});
