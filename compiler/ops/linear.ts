/**
 * The fully connected layer and its gradients.
 *
 *   y[n,o]  = b[o] + sum over i of x[n,i] * w[o,i]
 *   dx[n,i] = sum over o of dy[n,o] * w[o,i]
 *   dw[o,i] = sum over n of dy[n,o] * x[n,i]
 */
import { add, axis, load, mul, reduce, reduced } from "../ir/expression.ts";
import type { Axis } from "../ir/expression.ts";
import {
  batchedType, defineLayer, defineOp, inputType, inputValue, numberAttr, plainType,
} from "./defineOp.ts"; // prettier-ignore

export const linearLayer = defineLayer({
  name: "linear",
  doc: "Fully connected layer: every output is a weighted sum of all input features plus a bias.",
  expects: "vector",
  compiled: true,
  arguments: [
    { name: "features", type: "integer", min: 1, doc: "output features" },
    { name: "bias", type: "boolean", default: true, doc: "whether to add a bias a feature" },
  ],
  build({ args, x, type, parameter, node }) {
    const features = numberAttr(args, "features");
    const inFeatures = type.shape[0] as number;
    const weight = parameter("weight", "weight", [features, inFeatures], inFeatures, features);
    if (args["bias"] !== true) return node("linear", { x, weight });
    return node("linear", { x, weight, bias: parameter("bias", "bias", [features], inFeatures, features) });
  },
});

export const linear = defineOp({
  name: "linear",
  doc: "x times the transposed weight, with a bias where there is one.",
  inputs: ["x", "weight", "bias"],
  inferType: (types) => batchedType([inputType(types, "weight").shape[0] as number]),
  compute({ types, axes }) {
    const [n, o] = axes as [Axis, Axis];
    const ic = axis("ic", inputType(types, "weight").shape[1] as number);
    const finish = types["bias"] === undefined ? reduced : add(reduced, load("bias", [o]));
    return reduce(axes, [ic], "sum", mul(load("x", [n, ic]), load("weight", [o, ic])), finish);
  },
  gradient({ inputs, upstream, needs, build }) {
    const weight = inputValue(inputs, "weight");
    return {
      ...(needs("weight") && { weight: build("linear_weight_gradient", { upstream, x: inputValue(inputs, "x") }) }),
      ...(needs("bias") && { bias: build("channel_sum", { x: upstream }) }),
      // Last: what activated the input can then be overwritten by its gradient.
      ...(needs("x") && { x: build("linear_input_gradient", { upstream, weight }) }),
    };
  },
});

export const linearInputGradient = defineOp({
  name: "linear_input_gradient",
  doc: "Gradient of a linear layer with respect to its input.",
  inputs: ["upstream", "weight"],
  inferType: (types) => batchedType([inputType(types, "weight").shape[1] as number]),
  compute({ types, axes }) {
    const [n, i] = axes as [Axis, Axis];
    const oc = axis("oc", inputType(types, "weight").shape[0] as number);
    return reduce(axes, [oc], "sum", mul(load("upstream", [n, oc]), load("weight", [oc, i])));
  },
});

export const linearWeightGradient = defineOp({
  name: "linear_weight_gradient",
  doc: "Gradient of a linear layer with respect to its weight.",
  inputs: ["upstream", "x"],
  inferType: (types) =>
    plainType([inputType(types, "upstream").shape[0] as number, inputType(types, "x").shape[0] as number]),
  compute({ output, batchAxis }) {
    const [oc, ic] = [axis("oc", output.shape[0] as number), axis("ic", output.shape[1] as number)];
    return reduce([oc, ic], [batchAxis], "sum", mul(load("upstream", [batchAxis, oc]), load("x", [batchAxis, ic])));
  },
});
