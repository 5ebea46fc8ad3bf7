/**
 * The rectifier with a learnt slope, one for all channels or one a channel.
 *
 *   y = x where x > 0, a[c]*x elsewhere;  dx = dy where x > 0, a[c]*dy elsewhere;  da[c] = sum over n,y,x (and c) of dy*x where x <= 0
 */
import { problem } from "../diagnostics/problem.ts";
import { slopeCount } from "../diagnostics/shapes.ts";
import { axis, compare, load, map, mul, reduce, select } from "../ir/expression.ts";
import type { Axis, IndexLike } from "../ir/expression.ts";
import type { TensorType } from "../ir/graph.ts";
import {
  channelReduction, defineLayer, defineOp, inputType, inputValue, numberAttr, plainType,
} from "./defineOp.ts"; // prettier-ignore

export const preluLayer = defineLayer({
  name: "prelu",
  doc: "x where it is positive, a learnt slope times x elsewhere; one for all channels or one for each.",
  expects: "any",
  compiled: true,
  arguments: [
    { name: "num_parameters", type: "integer", min: 1, default: 1, doc: "1 slope for all channels, or one for each" },
    { name: "init", type: "real", default: 0.25, doc: "what the slopes start at" },
  ],
  check(type, args) {
    const [slopes, channels] = [numberAttr(args, "num_parameters"), type.shape[0] as number];
    if (slopes === 1 || slopes === channels) return undefined;
    return problem(slopeCount, { slopes, channels }, { argument: "num_parameters" });
  },
  build({ args, x, parameter, node }) {
    const slopes = numberAttr(args, "num_parameters");
    const start = numberAttr(args, "init");
    return node("prelu", { x, weight: parameter("weight", "slope", [slopes], slopes, slopes, start) });
  },
});

function slopeIndex(weight: TensorType, channel: IndexLike): IndexLike {
  return weight.shape[0] === 1 ? 0 : channel;
}

export const prelu = defineOp({
  name: "prelu",
  doc: "x where it is positive, a learnt slope times x elsewhere.",
  inputs: ["x", "weight"],
  inferType: (types) => inputType(types, "x"),
  compute({ types, axes }) {
    const slope = load("weight", [slopeIndex(inputType(types, "weight"), (axes as [Axis, Axis])[1])]);
    const x = load("x", axes);
    return map(axes, select(compare("gt", x, 0), x, mul(x, slope)));
  },
  gradient({ inputs, upstream, types, needs, build }) {
    const [x, weight] = [inputValue(inputs, "x"), inputValue(inputs, "weight")];
    const slopes = inputType(types, "weight").shape;
    return {
      ...(needs("x") && { x: build("prelu_input_gradient", { upstream, x, weight }) }),
      ...(needs("weight") && { weight: build("prelu_weight_gradient", { upstream, x }, { slopes }) }),
    };
  },
});

export const preluInputGradient = defineOp({
  name: "prelu_input_gradient",
  doc: "Gradient of prelu with respect to its input.",
  inputs: ["upstream", "x", "weight"],
  inferType: (types) => inputType(types, "x"),
  compute({ types, axes }) {
    const slope = load("weight", [slopeIndex(inputType(types, "weight"), (axes as [Axis, Axis])[1])]);
    const upstream = load("upstream", axes);
    return map(axes, select(compare("gt", load("x", axes), 0), upstream, mul(upstream, slope)));
  },
});

export const preluWeightGradient = defineOp({
  name: "prelu_weight_gradient",
  doc: "Gradient of prelu with respect to its slopes.",
  inputs: ["upstream", "x"],
  inferType: (_types, attrs) => plainType(attrs["slopes"] as readonly number[]),
  compute({ types, output, batchAxis }) {
    const { channel, over, at } = channelReduction(inputType(types, "x"), batchAxis);
    const x = load("x", at);
    const term = select(compare("gt", x, 0), 0, mul(load("upstream", at), x));
    if (output.shape[0] === channel.extent) return reduce([channel], over, "sum", term);
    const [batch, ...positions] = over as [Axis, ...Axis[]];
    return reduce([axis("slope", 1)], [batch, channel, ...positions], "sum", term);
  },
});
