/**
 * Losses whose classes count differently, as PyTorch has them: v[k] is the weight of class k, u = v[l] that of a sample's label l,
 * U the sum of u over the batch; e, K, p, s and m as in cross entropy.
 *
 *   loss  = sum over samples of ((1-e) * u * -log p[l] + e/K * sum over k of v[k] * -log p[k]) / U
 *   dx[k] = weight * (p[k] * ((1-e) * u + e/K * sum of v) - (1-e) * u * [k = l] - e/K * v[k]) / U
 *
 * A sample's row for the host is its term times samples / U, so that the rows' mean is the loss.
 */
import { add, axis, div, exp, load, log, map, mul, neg, reduce, sampleCount, sub } from "../ir/expression.ts";
import type { Axis, ScalarExpr } from "../ir/expression.ts";
import { batchedType, defineOp, inputType, numberAttr } from "./defineOp.ts";
import { whereLabel } from "./classifierLoss.ts";

const total: ScalarExpr = load("total", [0]);

export const labelWeight = defineOp({
  name: "label_weight",
  doc: "The weight of each sample's class.",
  inputs: ["labels", "classWeights"],
  inferType: () => batchedType([1]),
  compute({ types, axes }) {
    const [n] = axes as [Axis, Axis];
    const k = axis("k", inputType(types, "classWeights").shape[0] as number);
    return reduce(axes, [k], "sum", whereLabel(n, k, load("classWeights", [k])));
  },
});

export const weightedMargin = defineOp({
  name: "weighted_margin",
  doc: "How far the logits lie below the greatest, summed by the weights of their classes.",
  inputs: ["x", "max", "classWeights"],
  inferType: () => batchedType([]),
  compute({ types, axes }) {
    const [n] = axes as [Axis];
    const k = axis("k", inputType(types, "x").shape[0] as number);
    return reduce(axes, [k], "sum", mul(load("classWeights", [k]), sub(load("max", [n]), load("x", [n, k]))));
  },
});

export const weightedLoss = defineOp({
  name: "weighted_loss",
  doc: "A loss of each sample times the weight of its class, over the mean weight of the batch.",
  inputs: ["loss", "labelWeight", "total"],
  inferType: () => batchedType([]),
  compute({ axes }) {
    const [n] = axes as [Axis];
    return map(axes, div(mul(mul(load("loss", [n]), load("labelWeight", [n, 0])), sampleCount), total));
  },
});

export const smoothWeightedCrossEntropy = defineOp({
  name: "smooth_weighted_cross_entropy",
  doc: "Cross entropy of each sample with label smoothing, classes weighted.",
  inputs: ["expSum", "margin", "weightedMargin", "labelWeight", "total"],
  inferType: () => batchedType([]),
  compute({ attrs, axes }) {
    const [n] = axes as [Axis];
    const [smoothing, classes] = [numberAttr(attrs, "labelSmoothing"), numberAttr(attrs, "classes")];
    const logSum = log(load("expSum", [n]));
    const own = mul(add(logSum, load("margin", [n])), mul(load("labelWeight", [n, 0]), 1 - smoothing));
    const spread = add(mul(logSum, numberAttr(attrs, "weightSum")), load("weightedMargin", [n]));
    return map(axes, div(mul(add(own, mul(spread, smoothing / classes)), sampleCount), total));
  },
});

export const weightedCrossEntropyGradient = defineOp({
  name: "weighted_cross_entropy_gradient",
  doc: "Gradient of the weighted cross entropy with respect to the logits.",
  inputs: ["x", "max", "expSum", "labels", "classWeights", "labelWeight", "total"],
  wideRange: true,
  inferType: (types) => inputType(types, "x"),
  compute({ types, attrs, axes }) {
    const [n, k] = axes as [Axis, Axis];
    const [smoothing, weight] = [numberAttr(attrs, "labelSmoothing"), numberAttr(attrs, "weight")];
    const spread = smoothing / (inputType(types, "x").shape[0] as number);
    const probability = div(exp(sub(load("x", axes), load("max", [n]))), load("expSum", [n]));
    const own = mul(load("labelWeight", [n, 0]), 1 - smoothing);
    const target = whereLabel(n, k, own);
    const error =
      smoothing === 0
        ? sub(mul(probability, own), target)
        : sub(
            mul(probability, add(own, spread * numberAttr(attrs, "weightSum"))),
            add(target, mul(load("classWeights", [k]), spread)),
          );
    return map(axes, div(weight === 1 ? error : mul(error, weight), total));
  },
});

export const weightedNllGradient = defineOp({
  name: "weighted_nll_gradient",
  doc: "Gradient of the weighted negative log likelihood with respect to the log probabilities.",
  inputs: ["like", "labels", "classWeights", "total"],
  wideRange: true,
  inferType: (types) => inputType(types, "like"),
  compute({ attrs, axes }) {
    const [n, k] = axes as [Axis, Axis];
    const weighted = mul(load("classWeights", [k]), numberAttr(attrs, "weight"));
    return map(axes, div(neg(whereLabel(n, k, weighted)), total));
  },
});
