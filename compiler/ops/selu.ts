/** y = s*x above 0 and s*a*(exp(x) - 1) below, where dy/dx = y + s*a (Klambauer et al. 2017). */
import { add, compare, exp, min, mul, select, sub } from "../ir/expression.ts";
import { defineActivation } from "./defineActivation.ts";

const alpha = 1.6732632423543772;
const scale = 1.0507009873554805;

export const {
  layer: seluLayer,
  op: selu,
  gradientOp: seluGradient,
} = defineActivation({
  name: "selu",
  doc: "Scaled elu with the constants that keep activations normalised.",

  value: (x) => select(compare("gt", x, 0), mul(x, scale), mul(sub(exp(min(x, 0)), 1), scale * alpha)),
  slope: () => ({
    from: "output",
    gradient: (y, upstream) => mul(upstream, select(compare("gt", y, 0), scale, add(y, scale * alpha))),
  }),
});
