/**
 * Local response normalisation across L neighbouring channels (Krizhevsky et al. 2012).
 *
 *   s[c]  = k + alpha/L * sum over w of x[c - floor(L/2) + w]^2,  w = 0 … L-1, channels that exist
 *   y[c]  = x[c] * s[c]^-beta
 *   dx[c] = dy[c] * s[c]^-beta - 2*alpha*beta/L * x[c] * sum over w of (dy*x*s^(-beta-1))[c + floor(L/2) - w]
 */
import { add, axis, div, iadd, isub, load, map, mul, pow, reduce, reduced, sub } from "../ir/expression.ts";
import type { Axis, IndexLike, ScalarExpr } from "../ir/expression.ts";
import { defineLayer, defineOp, inputType, inputValue, numberAttr } from "./defineOp.ts";

export const localResponseNormLayer = defineLayer({
  name: "local_response_norm",
  doc: "Divides every value by a power of the squares of its neighbours across channels.",
  expects: "image",
  compiled: true,
  arguments: [
    { name: "size", type: "integer", min: 1, doc: "how many neighbouring channels count" },
    { name: "alpha", type: "real", default: 1e-4, doc: "weight of the squares' mean" },
    { name: "beta", type: "real", default: 0.75, doc: "exponent" },
    { name: "k", type: "real", default: 1, doc: "added to the weighted mean" },
  ],
  build({ args, x, node }) {
    const scale = node("local_response_scale", { x }, args);
    return node("local_response_norm", { x, scale }, args);
  },
});

export const localResponseScale = defineOp({
  name: "local_response_scale",
  doc: "k plus the weighted mean of the squares of neighbouring channels.",
  inputs: ["x"],
  inferType: (types) => inputType(types, "x"),
  compute({ axes, attrs }) {
    const [n, c, ...space] = axes as [Axis, Axis, ...Axis[]];
    const size = numberAttr(attrs, "size");
    const w = axis("w", size);
    const x = load("x", [n, iadd(c, w, -Math.floor(size / 2)), ...space], 0);
    const finish = add(mul(reduced, numberAttr(attrs, "alpha") / size), numberAttr(attrs, "k"));
    return reduce(axes, [w], "sum", mul(x, x), finish);
  },
});

export const localResponseNorm = defineOp({
  name: "local_response_norm",
  doc: "x times its scale to the power of -beta; its gradient holds the scale's as well.",
  inputs: ["x", "scale"],
  inferType: (types) => inputType(types, "x"),
  compute: ({ axes, attrs }) => map(axes, mul(load("x", axes), pow(load("scale", axes), -numberAttr(attrs, "beta")))),
  gradient({ inputs, upstream, attrs, build }) {
    const shared = { upstream, x: inputValue(inputs, "x"), scale: inputValue(inputs, "scale") };
    return { x: build("local_response_norm_gradient", shared, attrs) };
  },
});

export const localResponseNormGradient = defineOp({
  name: "local_response_norm_gradient",
  doc: "Gradient of local response normalisation.",
  inputs: ["upstream", "x", "scale"],
  inferType: (types) => inputType(types, "x"),
  compute({ axes, attrs }) {
    const [n, c, ...space] = axes as [Axis, Axis, ...Axis[]];
    const [size, alpha, beta] = [numberAttr(attrs, "size"), numberAttr(attrs, "alpha"), numberAttr(attrs, "beta")];
    const w = axis("w", size);
    const neighbour: readonly IndexLike[] = [n, isub(iadd(c, Math.floor(size / 2)), w), ...space];
    // A neighbour that does not exist reads 0 / 1.
    const power = div(pow(load("scale", neighbour, 1), -beta), load("scale", neighbour, 1));
    const term: ScalarExpr = mul(mul(load("upstream", neighbour, 0), load("x", neighbour, 0)), power);
    const own = mul(load("upstream", axes), pow(load("scale", axes), -beta));
    return reduce(axes, [w], "sum", term, sub(own, mul(load("x", axes), mul(reduced, (2 * alpha * beta) / size))));
  },
});
