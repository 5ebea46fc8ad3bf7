/**
 * log(1 + exp(z)) = max(z, 0) + log1p(exp(-|z|)), which does not overflow; its derivative is sigmoid(z). From the output,
 * 1 - exp(-y) would lose all digits where y is small.
 */
import { abs, add, compare, div, exp, log1p, max, mul, neg, select, sigmoidOf } from "../ir/expression.ts";
import { defineActivation } from "./defineActivation.ts";
import { numberAttr } from "./defineOp.ts";

export const {
  layer: softplusLayer,
  op: softplus,
  gradientOp: softplusGradient,
} = defineActivation({
  name: "softplus",
  doc: "log(1 + exp(beta * x)) / beta, and x itself where beta * x is above the threshold.",
  arguments: [
    { name: "beta", type: "real", default: 1, min: 0, minExclusive: true, doc: "sharpness of the bend" },
    { name: "threshold", type: "real", default: 20, doc: "beta * x above which the result is x" },
  ],
  value: (x, attrs) => {
    const [beta, threshold] = [numberAttr(attrs, "beta"), numberAttr(attrs, "threshold")];
    const scaled = beta === 1 ? x : mul(x, beta);
    const bent = add(max(scaled, 0), log1p(exp(neg(abs(scaled)))));
    return select(compare("gt", scaled, threshold), x, beta === 1 ? bent : div(bent, beta));
  },
  slope: (attrs) => {
    const [beta, threshold] = [numberAttr(attrs, "beta"), numberAttr(attrs, "threshold")];
    return {
      from: "input",
      gradient: (x, upstream) =>
        mul(upstream, select(compare("gt", mul(x, beta), threshold), 1, sigmoidOf(mul(x, beta)))),
    };
  },
});
