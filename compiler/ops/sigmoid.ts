/** y = 1 / (1 + exp(-x)),  dy/dx = y * (1 - y) */
import { mul, sigmoidOf, sub } from "../ir/expression.ts";
import { defineActivation } from "./defineActivation.ts";

export const {
  layer: sigmoidLayer,
  op: sigmoid,
  gradientOp: sigmoidGradient,
} = defineActivation({
  name: "sigmoid",
  doc: "1 / (1 + exp(-x)), element by element.",
  value: (x) => sigmoidOf(x),
  // The slope at 0, where it is greatest.
  passes: 1 / 4,
  slope: () => ({ from: "output", gradient: (y, upstream) => mul(upstream, mul(y, sub(1, y))) }),
});
