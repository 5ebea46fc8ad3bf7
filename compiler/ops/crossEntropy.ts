/**
 * Cross entropy of logits x against a label l, with label smoothing e over K classes; m is the greatest logit and s the
 * sum of exp(x - m), so that differences are taken before anything large is rounded.
 *
 *   loss  = log(s) + (1-e) * (m - x[l]) + e * (sum over k of (m - x[k])) / K
 *   dx[k] = weight * (exp(x[k] - m)/s - (1-e)*[k = l] - e/K) / samples
 *
 * Every part is a small op, so that all of them can follow the last linear layer in registers.
 */
import { add, axis, div, exp, load, log, map, mul, reduce, reduced, sampleCount, sub } from "../ir/expression.ts";
import type { Axis } from "../ir/expression.ts";
import { batchedType, defineOp, inputType, numberAttr } from "./defineOp.ts";
import { whereLabel } from "./classifierLoss.ts";

export const labelMargin = defineOp({
  name: "label_margin",
  doc: "How far the label's logit lies below the greatest.",
  inputs: ["x", "max", "labels"],
  inferType: () => batchedType([]),
  compute({ types, axes }) {
    const [n] = axes as [Axis];
    const k = axis("k", inputType(types, "x").shape[0] as number);
    return reduce(axes, [k], "sum", whereLabel(n, k, sub(load("max", [n]), load("x", [n, k]))));
  },
});

export const meanMargin = defineOp({
  name: "mean_margin",
  doc: "How far the logits lie below the greatest, on average.",
  inputs: ["x", "max"],
  inferType: () => batchedType([]),
  compute({ types, axes }) {
    const [n] = axes as [Axis];
    const k = axis("k", inputType(types, "x").shape[0] as number);
    return reduce(axes, [k], "sum", sub(load("max", [n]), load("x", [n, k])), div(reduced, k.extent));
  },
});

export const crossEntropy = defineOp({
  name: "cross_entropy",
  doc: "Cross entropy of each sample.",
  inputs: ["expSum", "margin", "meanMargin"],
  inferType: () => batchedType([]),
  compute({ types, attrs, axes }) {
    const smoothing = numberAttr(attrs, "labelSmoothing");
    const [logSum, margin] = [log(load("expSum", axes)), load("margin", axes)];
    if (types["meanMargin"] === undefined) return map(axes, add(logSum, margin));
    return map(axes, add(logSum, add(mul(margin, 1 - smoothing), mul(load("meanMargin", axes), smoothing))));
  },
});

export const crossEntropyGradient = defineOp({
  name: "cross_entropy_gradient",
  doc: "Gradient of the batch's mean cross entropy with respect to the logits.",
  inputs: ["x", "max", "expSum", "labels"],
  wideRange: true,
  inferType: (types) => inputType(types, "x"),
  compute({ types, attrs, axes }) {
    const [n, k] = axes as [Axis, Axis];
    const [smoothing, weight] = [numberAttr(attrs, "labelSmoothing"), numberAttr(attrs, "weight")];
    const classes = inputType(types, "x").shape[0] as number;
    const probability = div(exp(sub(load("x", axes), load("max", [n]))), load("expSum", [n]));
    const target = whereLabel(n, k, 1 - smoothing);
    const error = sub(probability, smoothing === 0 ? target : add(target, smoothing / classes));
    return map(axes, div(weight === 1 ? error : mul(error, weight), sampleCount));
  },
});
