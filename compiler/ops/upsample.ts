/**
 * Enlarging an image by a whole factor s, along each axis on its own.
 *
 *   nearest:  y[i] = x[i div s];  dx[p] = sum over k < s of dy[p*s + k]
 *   bilinear: with half-pixel centres, output i lies at t/2s between the inputs, t = 2i + 1 - s:
 *             y[i] = (1 - f) * x[q] + f * x[q + 1],  q = t div 2s,  f = (t mod 2s) / 2s; beyond the border the border's value
 *             dx[p] = sum over the outputs i with q = p or q + 1 = p of dy[i] times x[p]'s weight there
 */
import {
  axis, compareIndex, div, iadd, idiv, idx, imod, imul, indexValue, load, map, mul, reduce, select, sub,
} from "../ir/expression.ts"; // prettier-ignore
import type { Axis, IndexExpr, IndexLike, ScalarExpr } from "../ir/expression.ts";
import { batchedType, defineLayer, defineOp, imageSizes, inputType, listAttr, pairAttr } from "./defineOp.ts";

export const upsampleLayer = defineLayer({
  name: "upsample",
  doc: "Enlarges the image by a whole factor.",
  expects: "image",
  compiled: true,
  arguments: [
    { name: "scale", type: "size", min: 1, doc: "factor of height and width" },
    { name: "mode", type: "word", default: "nearest", words: ["nearest", "bilinear"], doc: "how values are chosen" },
  ],
  build: ({ args, x, node }) => node(`upsample_${String(args["mode"])}`, { x }, { scale: pairAttr(args, "scale") }),
});

function enlarged(shape: readonly number[], scale: readonly [number, number]): readonly number[] {
  const [channels, height, width] = shape as [number, number, number];
  return [channels, height * scale[0], width * scale[1]];
}

export const upsampleNearest = defineOp({
  name: "upsample_nearest",
  doc: "Each value s times along each axis.",
  inputs: ["x"],
  inferType: (types, attrs) => batchedType(enlarged(inputType(types, "x").shape, pairAttr(attrs, "scale"))),
  compute({ attrs, axes }) {
    const [n, c, y, x] = axes as [Axis, Axis, Axis, Axis];
    const scale = pairAttr(attrs, "scale");
    return map(axes, load("x", [n, c, idiv(y, scale[0]), idiv(x, scale[1])]));
  },
  gradient: ({ attrs, upstream, build }) => ({ x: build("upsample_nearest_gradient", { upstream }, attrs) }),
});

export const upsampleNearestGradient = defineOp({
  name: "upsample_nearest_gradient",
  doc: "Sum of the upstream gradient over the copies of each value.",
  inputs: ["upstream"],
  inferType(types, attrs) {
    const [channels, height, width] = imageSizes(inputType(types, "upstream"));
    const scale = pairAttr(attrs, "scale");
    return batchedType([channels, height / scale[0], width / scale[1]]);
  },
  compute({ attrs, axes }) {
    const [n, c, y, x] = axes as [Axis, Axis, Axis, Axis];
    const scale = pairAttr(attrs, "scale");
    const [ky, kx] = [axis("ky", scale[0]), axis("kx", scale[1])];
    const at = [n, c, iadd(imul(y, scale[0]), ky), iadd(imul(x, scale[1]), kx)];
    return reduce(axes, [ky, kx], "sum", load("upstream", at));
  },
});

/** q of an output, and the weight that input q + tap (tap 0 or 1) has in it among `size` inputs. */
function tapWeight(
  output: IndexLike,
  tap: IndexLike,
  scale: number,
  size: number,
): { readonly input: IndexExpr; readonly weight: ScalarExpr } {
  const t = iadd(imul(output, 2), 1 - scale);
  const q = idiv(t, 2 * scale);
  const fraction = div(indexValue(imod(t, 2 * scale)), 2 * scale);
  const between = select(compareIndex("eq", tap, 0), sub(1, fraction), fraction);
  // At the border one of the two inputs does not exist, and the other has the whole weight.
  const first = select(compareIndex("lt", q, 0), 1, between);
  const weight = select(compareIndex("ge", q, size - 1), 1, first);
  return { input: iadd(q, tap), weight };
}

export const upsampleBilinear = defineOp({
  name: "upsample_bilinear",
  doc: "Values between the nearest inputs, in proportion to their distance.",
  inputs: ["x"],
  inferType: (types, attrs) => batchedType(enlarged(inputType(types, "x").shape, pairAttr(attrs, "scale"))),
  compute({ types, attrs, axes }) {
    const [n, c, y, x] = axes as [Axis, Axis, Axis, Axis];
    const [, height, width] = imageSizes(inputType(types, "x"));
    const scale = pairAttr(attrs, "scale");
    const [ky, kx] = [axis("ky", 2), axis("kx", 2)];
    const [row, column] = [tapWeight(y, ky, scale[0], height), tapWeight(x, kx, scale[1], width)];
    const value = load("x", [n, c, row.input, column.input], 0);
    return reduce(axes, [ky, kx], "sum", mul(value, mul(row.weight, column.weight)));
  },
  gradient: ({ types, attrs, upstream, build }) => ({
    x: build("upsample_bilinear_gradient", { upstream }, { ...attrs, inputShape: inputType(types, "x").shape }),
  }),
});

export const upsampleBilinearGradient = defineOp({
  name: "upsample_bilinear_gradient",
  doc: "Sum of the upstream gradient over the outputs that each input has a weight in.",
  inputs: ["upstream"],
  inferType: (_types, attrs) => batchedType(listAttr(attrs, "inputShape")),
  compute({ attrs, axes, output }) {
    const [n, c, y, x] = axes as [Axis, Axis, Axis, Axis];
    const [, height, width] = imageSizes(output);
    const scale = pairAttr(attrs, "scale");
    const [ky, kx] = [axis("ky", 2 * scale[0]), axis("kx", 2 * scale[1])];
    /** The k-th output from the first with q = p - 1: q is p - 1 for the first half of them, then p. */
    const along = (p: Axis, k: Axis, s: number, size: number) => {
      const at = iadd(imul(p, s), k, -Math.floor((s + 1) / 2));
      const isLater = compareIndex("lt", k, s);
      const { weight: later } = tapWeight(at, idx(1), s, size);
      const { weight: earlier } = tapWeight(at, idx(0), s, size);
      return { at, weight: select(isLater, later, earlier) };
    };
    const [rows, columns] = [along(y, ky, scale[0], height), along(x, kx, scale[1], width)];
    const value = load("upstream", [n, c, rows.at, columns.at], 0);
    return reduce(axes, [ky, kx], "sum", mul(value, mul(rows.weight, columns.weight)));
  },
});
