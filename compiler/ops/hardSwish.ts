/** dy/dx is 0 up to -3, 1 from 3, and x/3 + 1/2 between. */
import { add, compare, div, max, min, mul, select } from "../ir/expression.ts";
import { defineActivation } from "./defineActivation.ts";

export const {
  layer: hardSwishLayer,
  op: hardSwish,
  gradientOp: hardSwishGradient,
} = defineActivation({
  name: "hard_swish",
  doc: "x * min(max(x + 3, 0), 6) / 6.",

  value: (x) => div(mul(x, min(max(add(x, 3), 0), 6)), 6),
  slope: () => ({
    from: "input",
    gradient: (x, upstream) =>
      mul(upstream, select(compare("le", x, -3), 0, select(compare("lt", x, 3), add(div(x, 3), 0.5), 1))),
  }),
});
