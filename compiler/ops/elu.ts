/** Below 0, y = a * (exp(x) - 1) and so dy/dx = a * exp(x) = y + a. */
import { add, compare, exp, min, mul, select, sub } from "../ir/expression.ts";
import { defineActivation } from "./defineActivation.ts";
import { numberAttr } from "./defineOp.ts";

export const {
  layer: eluLayer,
  op: elu,
  gradientOp: eluGradient,
} = defineActivation({
  name: "elu",
  doc: "x where it is positive, alpha * (exp(x) - 1) elsewhere.",
  arguments: [{ name: "alpha", type: "real", default: 1, doc: "minus the limit far below 0" }],
  value: (x, attrs) => select(compare("gt", x, 0), x, mul(sub(exp(min(x, 0)), 1), numberAttr(attrs, "alpha"))),
  slope: (attrs) => {
    const alpha = numberAttr(attrs, "alpha");
    if (alpha > 0) {
      return {
        from: "output",
        gradient: (y, upstream) => select(compare("gt", y, 0), upstream, mul(upstream, add(y, alpha))),
      };
    }
    return {
      from: "input",
      gradient: (x, upstream) => select(compare("gt", x, 0), upstream, mul(upstream, mul(exp(min(x, 0)), alpha))),
    };
  },
});
