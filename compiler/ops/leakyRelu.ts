/** The derivative at exactly 0 is the slope. */
import { compare, mul, select } from "../ir/expression.ts";
import { defineActivation } from "./defineActivation.ts";
import { numberAttr } from "./defineOp.ts";

export const {
  layer: leakyReluLayer,
  op: leakyRelu,
  gradientOp: leakyReluGradient,
} = defineActivation({
  name: "leaky_relu",
  doc: "x where it is positive, `negative_slope` times x elsewhere.",
  arguments: [{ name: "negative_slope", type: "real", default: 0.01, doc: "factor of negative values" }],
  value: (x, attrs) => select(compare("gt", x, 0), x, mul(x, numberAttr(attrs, "negative_slope"))),
  slope: (attrs) => {
    const slope = numberAttr(attrs, "negative_slope");
    // A positive slope keeps the sign, so the output tells as much as the input.
    return {
      from: slope > 0 ? "output" : "input",
      gradient: (value, upstream) => select(compare("gt", value, 0), upstream, mul(upstream, slope)),
    };
  },
});
