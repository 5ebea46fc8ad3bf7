/**
 * What the classification losses share: one row a sample for the host, [loss, 1 if the first greatest score is the label].
 * Labels are class numbers; as elements of an expression they are real.
 */
import {
  add, axis, compare, compareIndex, indexValue, load, map, mul, reduce, select,
} from "../ir/expression.ts"; // prettier-ignore
import type { Axis, ScalarExpr } from "../ir/expression.ts";
import { batchedType, defineOp, inputType, listAttr, listNames } from "./defineOp.ts";

/** 1 where class k is the sample's label, else 0, times a value. */
export function whereLabel(n: Axis, k: Axis, value: ScalarExpr | number): ScalarExpr {
  return select(compare("eq", indexValue(k), load("labels", [n])), value, 0);
}

export const predictedClass = defineOp({
  name: "predicted_class",
  doc: "The first class with the greatest score.",
  inputs: ["x"],
  inferType: () => batchedType([]),
  compute({ types, axes }) {
    const [n] = axes as [Axis];
    const k = axis("k", inputType(types, "x").shape[0] as number);
    return reduce(axes, [k], "argmax", load("x", [n, k]));
  },
});

export const classifierMetrics = defineOp({
  name: "classifier_metrics",
  doc: "One row a sample: the weighted sum of the heads' losses, and 1 if the prediction is the label, else 0.",
  inputs: ["predicted", "labels", "loss*"],
  inferType: () => batchedType([2]),
  compute({ types, attrs, axes }) {
    const [n, column] = axes as [Axis, Axis];
    const weights = listAttr(attrs, "weights");
    const losses = listNames(types, "loss").map((name, head) => {
      const weight = weights[head] ?? 1;
      return weight === 1 ? load(name, [n]) : mul(load(name, [n]), weight);
    });
    const right = select(compare("eq", load("predicted", [n]), load("labels", [n])), 1, 0);
    const loss = losses.reduce((sum, each) => add(sum, each));
    return map(axes, select(compareIndex("eq", column, 0), loss, right));
  },
});
