/**
 * Max pooling. The gradient goes to the first maximum of each window in row-major order, whose place within the window
 * `max_pool_index` keeps.
 *
 *   y[n,c,i,j]  = max over u,v of x[n, c, i*s + u*d - p, j*s + v*d - p]
 *   k[n,c,i,j]  = the first u*W + v that reaches it
 *   dx[n,c,y,x] = sum over u,v of dy[n,c,i,j] where k[n,c,i,j] = u*W + v,  i = (y + p - u*d)/s, j = (x + p - v*d)/s
 *
 * Padding is minus infinity. Windows that do not overlap (d = 1, p = 0, kernel = s) leave one term of the last sum.
 */
import {
  all, axis, compare, iadd, idiv, imod, imul, indexValue, load, lowest, map, reduce, select,
} from "../ir/expression.ts"; // prettier-ignore
import type { Axis, ReduceBody, Computation } from "../ir/expression.ts";
import type { Attrs, TensorType } from "../ir/graph.ts";
import type { ComputeContext } from "./defineOp.ts";
import {
  batchedType, defineLayer, defineOp, imageSizes, inputType, inputValue, listAttr,
} from "./defineOp.ts"; // prettier-ignore
import { checkPool, outputsUnder, poolAttrs, poolOutputShape, poolReachesOutside, windowsTile } from "./window.ts";

export const maxPoolLayer = defineLayer({
  name: "max_pool",
  doc: "The greatest value of each window.",
  expects: "image",
  compiled: true,
  arguments: [
    { name: "kernel", type: "size", min: 1, doc: "height and width of the window" },
    { name: "stride", type: "size", min: 1, default: "=kernel", doc: "step between windows" },
    {
      name: "padding",
      type: "size",
      min: 0,
      default: [0, 0],
      doc: "rows and columns added on each side, never the maximum",
    },
    { name: "dilation", type: "size", min: 1, default: [1, 1], doc: "step between the elements of a window" },
    { name: "ceil_mode", type: "boolean", default: false, doc: "round output sizes up instead of down" },
  ],
  check: (type, args) => checkPool(type, args),
  build: ({ args, x, node }) => node("max_pool", { x }, args),
});

export const globalMaxPoolLayer = defineLayer({
  name: "global_max_pool",
  doc: "The greatest value of each channel, as channels x 1 x 1.",
  expects: "image",
  compiled: true,
  arguments: [],
  build({ x, type, node }) {
    const [, height, width] = imageSizes(type);
    const whole = { kernel: [height, width], stride: [height, width] };
    return node("max_pool", { x }, { ...whole, padding: [0, 0], dilation: [1, 1], ceil_mode: false });
  },
});

function inferPool(x: TensorType, attrs: Attrs): TensorType {
  return batchedType(poolOutputShape(x, attrs));
}

/** Both reductions over the window: the maximum and its place. */
function overWindow({ types, attrs, axes }: ComputeContext, combine: ReduceBody["combine"]): Computation {
  const [n, c, y, x] = axes as [Axis, Axis, Axis, Axis];
  const { kernel, stride, padding, dilation } = poolAttrs(attrs);
  const [ky, kx] = [axis("ky", kernel[0]), axis("kx", kernel[1])];
  const row = iadd(imul(y, stride[0]), imul(ky, dilation[0]), -padding[0]);
  const column = iadd(imul(x, stride[1]), imul(kx, dilation[1]), -padding[1]);
  const fill = poolReachesOutside(inputType(types, "x"), attrs) ? lowest : undefined;
  return reduce(axes, [ky, kx], combine, load("x", [n, c, row, column], fill));
}

export const maxPool = defineOp({
  name: "max_pool",
  doc: "The greatest value of each window.",
  inputs: ["x"],
  inferType: (types, attrs) => inferPool(inputType(types, "x"), attrs),
  compute: (context) => overWindow(context, "max"),
  gradient({ inputs, types, upstream, attrs, build }) {
    const index = build("max_pool_index", { x: inputValue(inputs, "x") }, attrs);
    const inputShape = inputType(types, "x").shape;
    return { x: build("max_pool_gradient", { upstream, index }, { ...attrs, inputShape }) };
  },
});

export const maxPoolIndex = defineOp({
  name: "max_pool_index",
  doc: "Row-major place of the first greatest value within each window.",
  inputs: ["x"],
  inferType: (types, attrs) => inferPool(inputType(types, "x"), attrs),
  compute: (context) => overWindow(context, "argmax"),
});

export const maxPoolGradient = defineOp({
  name: "max_pool_gradient",
  doc: "Gradient of max pooling: each window's upstream at the place of its maximum.",
  inputs: ["upstream", "index"],
  inferType: (_types, attrs) => batchedType(listAttr(attrs, "inputShape")),
  compute({ types, attrs, axes, output }) {
    const [n, c, y, x] = axes as [Axis, Axis, Axis, Axis];
    const { kernel, stride, padding, dilation } = poolAttrs(attrs);
    const [, height, width] = imageSizes(output);
    const [, rows, columns] = imageSizes(inputType(types, "upstream"));
    if (windowsTile(attrs)) {
      const at = [n, c, idiv(y, stride[0]), idiv(x, stride[1])];
      // Rows and columns that no window reached read past the output.
      const beyond = rows * kernel[0] < height || columns * kernel[1] < width;
      const place = iadd(imul(imod(y, stride[0]), kernel[1]), imod(x, stride[1]));
      const chosen = compare("eq", load("index", at, beyond ? -1 : undefined), indexValue(place));
      return map(axes, select(chosen, load("upstream", at, beyond ? 0 : undefined), 0));
    }
    const [ky, kx] = [axis("ky", kernel[0]), axis("kx", kernel[1])];
    const { position, exact } = outputsUnder([y, x], [ky, kx], { stride, padding, dilation });
    const at = [n, c, ...position];
    const chosen = compare("eq", load("index", at, -1), indexValue(iadd(imul(ky, kernel[1]), kx)));
    return reduce(axes, [ky, kx], "sum", select(all(...exact, chosen), load("upstream", at, 0), 0));
  },
});
