/** dy/dx = 1 - y * y */
import { mul, sub, tanh as tanhOf } from "../ir/expression.ts";
import { defineActivation } from "./defineActivation.ts";

export const {
  layer: tanhLayer,
  op: tanh,
  gradientOp: tanhGradient,
} = defineActivation({
  name: "tanh",
  doc: "Hyperbolic tangent, element by element.",
  value: (x) => tanhOf(x),
  // The mean slope over a standard normal distribution; the greatest is 1, but at 0 alone.
  passes: 0.6,
  slope: () => ({ from: "output", gradient: (y, upstream) => mul(upstream, sub(1, mul(y, y))) }),
});
