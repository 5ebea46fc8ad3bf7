/**
 * Zeros around an image, and cutting them off again.
 *
 *   pad:  y[n,c,i,j] = x[n, c, i - p, j - p], 0 outside;   crop: y[n,c,i,j] = x[n, c, i + p, j + p]
 */
import { iadd, load, map } from "../ir/expression.ts";
import type { Axis } from "../ir/expression.ts";
import { batchedType, defineLayer, defineOp, imageSizes, inputType, pairAttr } from "./defineOp.ts";

export const padLayer = defineLayer({
  name: "pad",
  doc: "Adds zeros on every side of the image.",
  expects: "image",
  compiled: true,
  arguments: [{ name: "size", alias: "n", type: "size", min: 0, doc: "rows and columns of zeros added on each side" }],
  build: ({ args, x, node }) => node("pad", { x }, args),
});

export const pad = defineOp({
  name: "pad",
  doc: "Zeros on every side of the image.",
  inputs: ["x"],
  inferType(types, attrs) {
    const [channels, height, width] = imageSizes(inputType(types, "x"));
    const size = pairAttr(attrs, "size");
    return batchedType([channels, height + 2 * size[0], width + 2 * size[1]]);
  },
  compute({ attrs, axes }) {
    const [n, c, y, x] = axes as [Axis, Axis, Axis, Axis];
    const size = pairAttr(attrs, "size");
    return map(axes, load("x", [n, c, iadd(y, -size[0]), iadd(x, -size[1])], 0));
  },
  gradient: ({ attrs, upstream, build }) => ({ x: build("crop", { x: upstream }, attrs) }),
});

export const crop = defineOp({
  name: "crop",
  doc: "The image without rows and columns on every side.",
  inputs: ["x"],
  inferType(types, attrs) {
    const [channels, height, width] = imageSizes(inputType(types, "x"));
    const size = pairAttr(attrs, "size");
    return batchedType([channels, height - 2 * size[0], width - 2 * size[1]]);
  },
  compute({ attrs, axes }) {
    const [n, c, y, x] = axes as [Axis, Axis, Axis, Axis];
    const size = pairAttr(attrs, "size");
    return map(axes, load("x", [n, c, iadd(y, size[0]), iadd(x, size[1])]));
  },
});
