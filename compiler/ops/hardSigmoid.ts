/** dy/dx is 1/6 where y lies between 0 and 1, else 0. */
import { add, all, compare, div, max, min, select } from "../ir/expression.ts";
import { defineActivation } from "./defineActivation.ts";

export const {
  layer: hardSigmoidLayer,
  op: hardSigmoid,
  gradientOp: hardSigmoidGradient,
} = defineActivation({
  name: "hard_sigmoid",
  doc: "min(max(x + 3, 0), 6) / 6.",

  value: (x) => div(min(max(add(x, 3), 0), 6), 6),
  passes: 1 / 6,
  slope: () => ({
    from: "output",
    gradient: (y, upstream) => select(all(compare("gt", y, 0), compare("lt", y, 1)), div(upstream, 6), 0),
  }),
});
