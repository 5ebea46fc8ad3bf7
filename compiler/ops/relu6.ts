/** The derivative at exactly 0 and 6 is 0. */
import { all, compare, max, min, select } from "../ir/expression.ts";
import { defineActivation } from "./defineActivation.ts";

export const {
  layer: relu6Layer,
  op: relu6,
  gradientOp: relu6Gradient,
} = defineActivation({
  name: "relu6",
  doc: "min(max(x, 0), 6), element by element.",
  value: (x) => min(max(x, 0), 6),
  slope: () => ({
    from: "output",
    gradient: (y, upstream) => select(all(compare("gt", y, 0), compare("lt", y, 6)), upstream, 0),
  }),
});
