/**
 * Negative log likelihood of log probabilities x (the output of `log_softmax`) against a label l.
 *
 *   loss = -x[l],  dx[k] = -weight * [k = l] / samples
 */
import { axis, div, load, map, neg, reduce, reduced, sampleCount } from "../ir/expression.ts";
import type { Axis } from "../ir/expression.ts";
import { batchedType, defineOp, inputType, numberAttr } from "./defineOp.ts";
import { whereLabel } from "./classifierLoss.ts";

export const nll = defineOp({
  name: "nll",
  doc: "Negative log likelihood of each sample.",
  inputs: ["x", "labels"],
  inferType: () => batchedType([]),
  compute({ types, axes }) {
    const [n] = axes as [Axis];
    const k = axis("k", inputType(types, "x").shape[0] as number);
    return reduce(axes, [k], "sum", whereLabel(n, k, load("x", [n, k])), neg(reduced));
  },
});

export const nllGradient = defineOp({
  name: "nll_gradient",
  doc: "Gradient of the batch's mean negative log likelihood with respect to the log probabilities.",
  inputs: ["like", "labels"],
  wideRange: true,
  inferType: (types) => inputType(types, "like"),
  compute({ attrs, axes }) {
    const [n, k] = axes as [Axis, Axis];
    return map(axes, div(whereLabel(n, k, -numberAttr(attrs, "weight")), sampleCount));
  },
});
