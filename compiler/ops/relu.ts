/** The derivative at exactly 0 is 0. */
import { compare, max, select } from "../ir/expression.ts";
import { defineActivation } from "./defineActivation.ts";

export const {
  layer: reluLayer,
  op: relu,
  gradientOp: reluGradient,
} = defineActivation({
  name: "relu",
  doc: "max(x, 0), element by element.",
  value: (x) => max(x, 0),
  slope: () => ({ from: "output", gradient: (y, upstream) => select(compare("gt", y, 0), upstream, 0) }),
});
