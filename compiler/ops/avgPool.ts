/**
 * Average pooling, its gradient, and the pools built on it.
 *
 *   y[n,c,i,j]  = (sum over u,v of x[n, c, i*s + u - p, j*s + v - p]) / d(i,j)
 *   dx[n,c,y,x] = sum over u,v of dy[n,c,i,j] / d(i,j),  i = (y + p - u)/s, j = (x + p - v)/s where s divides exactly
 *
 * The divisor d is PyTorch's: the part of the window that lies in the padded image (`count_include_pad`) or in the image.
 * It is the window's size almost always, and then a constant. Windows that do not overlap leave one term of the sum.
 */
import {
  all, axis, compareIndex, div, iadd, idiv, imul, indexValue, load, map, max, min, mul, num, reduce, reduced,
  select, sub,
} from "../ir/expression.ts"; // prettier-ignore
import type { Axis, IndexLike, ScalarExpr } from "../ir/expression.ts";
import type { Attrs } from "../ir/graph.ts";
import {
  batchedType, defineLayer, defineOp, imageSizes, inputType, listAttr,
} from "./defineOp.ts"; // prettier-ignore
import { checkPool, outputsUnder, poolAttrs, poolOutputShape, poolReachesOutside, windowsTile } from "./window.ts";

export const avgPoolLayer = defineLayer({
  name: "avg_pool",
  doc: "The mean of each window.",
  expects: "image",
  compiled: true,
  arguments: [
    { name: "kernel", type: "size", min: 1, doc: "height and width of the window" },
    { name: "stride", type: "size", min: 1, default: "=kernel", doc: "step between windows" },
    { name: "padding", type: "size", min: 0, default: [0, 0], doc: "zeros added on each side" },
    { name: "ceil_mode", type: "boolean", default: false, doc: "round output sizes up instead of down" },
    { name: "count_include_pad", type: "boolean", default: true, doc: "whether padding counts in the mean" },
  ],
  check: (type, args) => checkPool(type, args),
  build: ({ args, x, node }) => node("avg_pool", { x }, args),
});

export const globalAvgPoolLayer = defineLayer({
  name: "global_avg_pool",
  doc: "The mean of each channel, as channels x 1 x 1.",
  expects: "image",
  compiled: true,
  arguments: [],
  build({ x, type, node }) {
    const [, height, width] = imageSizes(type);
    const whole = { kernel: [height, width], stride: [height, width], padding: [0, 0] };
    return node("avg_pool", { x }, { ...whole, ceil_mode: false, count_include_pad: true });
  },
});

/** How many elements the window at output (i, j) divides by, for an image of height x width. */
function divisor(attrs: Attrs, inputShape: readonly number[], at: readonly [IndexLike, IndexLike]): ScalarExpr {
  const { kernel, stride, padding } = poolAttrs(attrs);
  const includesPadding = attrs["count_include_pad"] !== false;
  const output = poolOutputShape(batchedType(inputShape), attrs);
  const along = (i: 0 | 1): number | ScalarExpr => {
    const [size, margin] = [inputShape[i + 1] as number, includesPadding ? padding[i] : 0];
    const lastEnd = ((output[i + 1] as number) - 1) * stride[i] - padding[i] + kernel[i];
    if (-padding[i] >= -margin && lastEnd <= size + margin) return kernel[i];
    const start = iadd(imul(at[i], stride[i]), -padding[i]);
    return sub(min(indexValue(iadd(start, kernel[i])), size + margin), max(indexValue(start), -margin));
  };
  const [rows, columns] = [along(0), along(1)];
  return typeof rows === "number" && typeof columns === "number" ? num(rows * columns) : mul(rows, columns);
}

export const avgPool = defineOp({
  name: "avg_pool",
  doc: "The mean of each window.",
  inputs: ["x"],
  inferType: (types, attrs) => batchedType(poolOutputShape(inputType(types, "x"), attrs)),
  compute({ types, attrs, axes }) {
    const [n, c, y, x] = axes as [Axis, Axis, Axis, Axis];
    const { kernel, stride, padding } = poolAttrs(attrs);
    const type = inputType(types, "x");
    const [ky, kx] = [axis("ky", kernel[0]), axis("kx", kernel[1])];
    const row = iadd(imul(y, stride[0]), ky, -padding[0]);
    const column = iadd(imul(x, stride[1]), kx, -padding[1]);
    const value = load("x", [n, c, row, column], poolReachesOutside(type, attrs) ? 0 : undefined);
    return reduce(axes, [ky, kx], "sum", value, div(reduced, divisor(attrs, type.shape, [y, x])));
  },
  gradient({ types, upstream, attrs, build }) {
    const inputShape = inputType(types, "x").shape;
    return { x: build("avg_pool_gradient", { upstream }, { ...attrs, inputShape }) };
  },
});

export const avgPoolGradient = defineOp({
  name: "avg_pool_gradient",
  doc: "Gradient of average pooling: each window's upstream, shared out evenly.",
  inputs: ["upstream"],
  inferType: (_types, attrs) => batchedType(listAttr(attrs, "inputShape")),
  compute({ types, attrs, axes, output }) {
    const [n, c, y, x] = axes as [Axis, Axis, Axis, Axis];
    const { kernel, stride } = poolAttrs(attrs);
    const [, height, width] = imageSizes(output);
    const [, rows, columns] = imageSizes(inputType(types, "upstream"));
    if (windowsTile(attrs)) {
      const [i, j] = [idiv(y, stride[0]), idiv(x, stride[1])];
      const beyond = rows * kernel[0] < height || columns * kernel[1] < width;
      const value = load("upstream", [n, c, i, j], beyond ? 0 : undefined);
      return map(axes, div(value, divisor(attrs, output.shape, [i, j])));
    }
    const [ky, kx] = [axis("ky", kernel[0]), axis("kx", kernel[1])];
    const { position, exact } = outputsUnder([y, x], [ky, kx], poolAttrs(attrs));
    const [i, j] = position;
    const share = divisor(attrs, output.shape, [i, j]);
    const value = load("upstream", [n, c, i, j], 0);
    if (share.kind === "number") {
      return reduce(
        axes,
        [ky, kx],
        "sum",
        exact.length === 0 ? value : select(all(...exact), value, 0),
        div(reduced, share),
      );
    }
    // Outside the output the divisor may be 0, so it divides only where the window exists.
    const exists = [
      compareIndex("ge", i, 0), compareIndex("lt", i, rows), compareIndex("ge", j, 0), compareIndex("lt", j, columns),
    ]; // prettier-ignore
    return reduce(axes, [ky, kx], "sum", select(all(...exact, ...exists), div(value, share), 0));
  },
});
