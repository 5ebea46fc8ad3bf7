/**
 * Average pooling to a given size: output i averages the inputs from floor(i*H/h) up to, not including, ceil((i+1)*H/h).
 *
 *   y[i]  = sum over those of x / how many they are
 *   dx[y] = sum over the outputs i that hold y, floor(y*h/H) <= i < ceil((y+1)*h/H), of dy[i] / how many inputs i has
 *
 * and the same for columns. Where h divides H this is a plain average pooling, and is built as one.
 */
import {
  all, axis, compareIndex, div, iadd, idiv, imul, indexValue, isub, load, mul, reduce, reduced, select,
} from "../ir/expression.ts"; // prettier-ignore
import type { Axis, IndexExpr, IndexLike, ScalarExpr } from "../ir/expression.ts";
import { batchedType, defineLayer, defineOp, imageSizes, inputType, listAttr, pairAttr } from "./defineOp.ts";

export const adaptiveAvgPoolLayer = defineLayer({
  name: "adaptive_avg_pool",
  doc: "The mean of windows chosen so that the result has the given height and width.",
  expects: "image",
  compiled: true,
  arguments: [{ name: "size", type: "size", min: 1, doc: "height and width of the result" }],
  build({ args, x, type, node }) {
    const [, height, width] = imageSizes(type);
    const size = pairAttr(args, "size");
    if (height % size[0] !== 0 || width % size[1] !== 0) return node("adaptive_avg_pool", { x }, { size });
    const kernel = [height / size[0], width / size[1]];
    return node(
      "avg_pool",
      { x },
      { kernel, stride: kernel, padding: [0, 0], ceil_mode: false, count_include_pad: true },
    );
  },
});

/** Start of the window of output `at`, and its end, among `from` inputs for `to` outputs. */
function windowOf(at: IndexLike, from: number, to: number): { readonly start: IndexExpr; readonly end: IndexExpr } {
  return { start: idiv(imul(at, from), to), end: idiv(iadd(imul(at, from), from + to - 1), to) };
}

/** The most positions that any window among `from` for `to` has. */
function longestWindow(from: number, to: number): number {
  const lengths = Array.from({ length: to }, (_, i) => Math.ceil(((i + 1) * from) / to) - Math.floor((i * from) / to));
  return Math.max(...lengths);
}

function lengthOf({ start, end }: { readonly start: IndexExpr; readonly end: IndexExpr }): ScalarExpr {
  return indexValue(isub(end, start));
}

export const adaptiveAvgPool = defineOp({
  name: "adaptive_avg_pool",
  doc: "The mean of windows that make up a given output size.",
  inputs: ["x"],
  inferType: (types, attrs) => batchedType([imageSizes(inputType(types, "x"))[0], ...pairAttr(attrs, "size")]),
  compute({ types, attrs, axes }) {
    const [n, c, y, x] = axes as [Axis, Axis, Axis, Axis];
    const [, height, width] = imageSizes(inputType(types, "x"));
    const [h, w] = pairAttr(attrs, "size");
    const [rows, columns] = [windowOf(y, height, h), windowOf(x, width, w)];
    const [ky, kx] = [axis("ky", longestWindow(height, h)), axis("kx", longestWindow(width, w))];
    const [row, column] = [iadd(rows.start, ky), iadd(columns.start, kx)];
    const inside = all(compareIndex("lt", row, rows.end), compareIndex("lt", column, columns.end));
    const value = select(inside, load("x", [n, c, row, column], 0), 0);
    return reduce(axes, [ky, kx], "sum", value, div(reduced, mul(lengthOf(rows), lengthOf(columns))));
  },
  gradient: ({ types, upstream, build }) => ({
    x: build("adaptive_avg_pool_gradient", { upstream }, { inputShape: inputType(types, "x").shape }),
  }),
});

export const adaptiveAvgPoolGradient = defineOp({
  name: "adaptive_avg_pool_gradient",
  doc: "Gradient of adaptive average pooling: each window's upstream, shared out evenly.",
  inputs: ["upstream"],
  inferType: (_types, attrs) => batchedType(listAttr(attrs, "inputShape")),
  compute({ types, axes, output }) {
    const [n, c, y, x] = axes as [Axis, Axis, Axis, Axis];
    const [, height, width] = imageSizes(output);
    const [, h, w] = imageSizes(inputType(types, "upstream"));
    // The outputs that hold a position are themselves a window, with the two sizes exchanged.
    const [rows, columns] = [windowOf(y, h, height), windowOf(x, w, width)];
    const [ky, kx] = [axis("ky", longestWindow(h, height)), axis("kx", longestWindow(w, width))];
    const [i, j] = [iadd(rows.start, ky), iadd(columns.start, kx)];
    const inside = all(compareIndex("lt", i, rows.end), compareIndex("lt", j, columns.end));
    const size = mul(lengthOf(windowOf(i, height, h)), lengthOf(windowOf(j, width, w)));
    return reduce(axes, [ky, kx], "sum", select(inside, div(load("upstream", [n, c, i, j], 0), size), 0));
  },
});
