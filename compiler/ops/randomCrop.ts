/**
 * A window of h x w within an image of H x W that has `padding` zeros on each side, as torchvision's RandomCrop: its first
 * row is any of 0 … H + 2 padding - h with equal probability. And the window in the middle, zeros around it where it is
 * larger than the image (torchvision's CenterCrop).
 */
import { computed, floor, iadd, imul, load, map, mul, random, sub } from "../ir/expression.ts";
import type { IndexExpr } from "../ir/expression.ts";
import { batchedType, defineOp, imageAxes, imageSizes, inputType, numberAttr, pairAttr } from "./defineOp.ts";

export const randomCrop = defineOp({
  name: "random_crop",
  doc: "A window at a random place, zeros around the image first.",
  inputs: ["x"],
  inferType: (types, attrs) => batchedType([...inputType(types, "x").shape.slice(0, 1), ...pairAttr(attrs, "size")]),
  compute({ types, output, attrs, axes }) {
    const [, height, width] = imageSizes(inputType(types, "x"));
    const [, rows, columns] = imageSizes(output);
    const [n, c, y, x] = imageAxes(axes);
    const [stream, padding] = [numberAttr(attrs, "stream"), numberAttr(attrs, "padding")];
    const start = (draw: number, room: number): IndexExpr => {
      const place = floor(mul(random(stream, iadd(imul(n, 2), draw)), room + 2 * padding + 1));
      return computed(sub(place, padding), -padding, room + padding);
    };
    const [top, left] = [start(0, height - rows), start(1, width - columns)];
    return map(axes, load("x", [n, c, iadd(y, top), iadd(x, left)], 0));
  },
});

export const centerCrop = defineOp({
  name: "center_crop",
  doc: "The window in the middle.",
  inputs: ["x"],
  inferType: (types, attrs) => batchedType([...inputType(types, "x").shape.slice(0, 1), ...pairAttr(attrs, "size")]),
  compute({ types, output, axes }) {
    const [, height, width] = imageSizes(inputType(types, "x"));
    const [, rows, columns] = imageSizes(output);
    const [n, c, y, x] = imageAxes(axes);
    return map(axes, load("x", [n, c, iadd(y, middle(height, rows)), iadd(x, middle(width, columns))], 0));
  },
});

/** The first place of the middle window: Python's round((extent - window) / 2), halves going to the even number. */
function middle(extent: number, window: number): number {
  if (window > extent) return -Math.floor((window - extent) / 2);
  const half = (extent - window) / 2;
  return Number.isInteger(half) ? half : 2 * Math.round(half / 2);
}
