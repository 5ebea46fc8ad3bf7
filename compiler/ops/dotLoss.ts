/**
 * The loss of conformance cases: the product of the output with a given cotangent, summed (not averaged) over everything.
 *
 *   loss = sum over n and all elements of x * t,  dx = t
 */
import { compareIndex, load, map, mul, reduce, select } from "../ir/expression.ts";
import type { Axis } from "../ir/expression.ts";
import { batchedType, defineOp, inputType } from "./defineOp.ts";

export const dotLoss = defineOp({
  name: "dot_loss",
  doc: "Sum over a sample's elements of the output times the cotangent.",
  inputs: ["x", "cotangent"],
  inferType: () => batchedType([]),
  compute({ types, axes }) {
    const [n] = axes as [Axis];
    const over = inputType(types, "x").shape.map((extent, position) => ({ name: `k${position}`, extent }));
    return reduce(axes, over, "sum", mul(load("x", [n, ...over]), load("cotangent", [n, ...over])));
  },
});

export const dotMetrics = defineOp({
  name: "dot_metrics",
  doc: "One row a sample: its part of the loss, and 0 since nothing is classified.",
  inputs: ["loss"],
  inferType: () => batchedType([2]),
  compute({ axes }) {
    const [n, column] = axes as [Axis, Axis];
    return map(axes, select(compareIndex("eq", column, 0), load("loss", [n]), 0));
  },
});
