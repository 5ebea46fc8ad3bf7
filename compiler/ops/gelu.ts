/**
 * y = x * P(x),  dy/dx = P(x) + x * p(x) with the normal distribution P(x) = (1 + erf(x / sqrt 2)) / 2 and its density p.
 * The approximation is P(x) = (1 + tanh u) / 2 with u = sqrt(2/pi) * (x + 0.044715 x^3).
 */
import { add, erf, exp, mul, neg, sub, tanh } from "../ir/expression.ts";
import type { ScalarExpr } from "../ir/expression.ts";
import { defineActivation } from "./defineActivation.ts";

const cubic = 0.044715;

function distribution(x: ScalarExpr): ScalarExpr {
  return mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
}

function density(x: ScalarExpr): ScalarExpr {
  return mul(exp(neg(mul(mul(x, x), 0.5))), 1 / Math.sqrt(2 * Math.PI));
}

/** u of the approximation. */
function inner(x: ScalarExpr): ScalarExpr {
  return mul(add(x, mul(mul(x, mul(x, x)), cubic)), Math.sqrt(2 / Math.PI));
}

export const {
  layer: geluLayer,
  op: gelu,
  gradientOp: geluGradient,
} = defineActivation({
  name: "gelu",
  doc: "x times the normal distribution function of x.",
  arguments: [
    {
      name: "approximate",
      type: "word",
      default: "none",
      words: ["none", "tanh"],
      doc: "`tanh` for the older formula",
    },
  ],
  value: (x, attrs) => mul(x, attrs["approximate"] === "tanh" ? mul(add(tanh(inner(x)), 1), 0.5) : distribution(x)),
  slope: (attrs) => ({
    from: "input",
    gradient(x, upstream) {
      if (attrs["approximate"] !== "tanh") return mul(upstream, add(distribution(x), mul(x, density(x))));
      const t = tanh(inner(x));
      const innerSlope = mul(add(mul(mul(x, x), 3 * cubic), 1), Math.sqrt(2 / Math.PI));
      return mul(upstream, mul(add(add(t, 1), mul(mul(x, sub(1, mul(t, t))), innerSlope)), 0.5));
    },
  }),
});
