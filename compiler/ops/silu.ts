/** With s = sigmoid(x): y = x * s,  dy/dx = s * (1 + x * (1 - s)) */
import { add, mul, sigmoidOf, sub } from "../ir/expression.ts";
import { defineActivation } from "./defineActivation.ts";

export const {
  layer: siluLayer,
  op: silu,
  gradientOp: siluGradient,
} = defineActivation({
  name: "silu",
  doc: "x * sigmoid(x), also called swish.",

  value: (x) => mul(x, sigmoidOf(x)),
  slope: () => ({
    from: "input",
    gradient: (x, upstream) => {
      const s = sigmoidOf(x);
      return mul(upstream, mul(s, add(mul(x, sub(1, s)), 1)));
    },
  }),
});
