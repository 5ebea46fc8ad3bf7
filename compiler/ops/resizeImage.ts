/**
 * Bilinear resizing with half-pixel centres and no antialiasing, as torch's interpolate(align_corners=False): row y of h lies at
 *
 *   (y + 1/2) H / h - 1/2 = ((2 y + 1) H - h) / (2 h)
 *
 * of the image's H rows. Its floor is the upper row and the rest the lower row's weight; places beyond the border read the
 * border. Both are exact where H is known; where images differ, each one's height and width come with it.
 */
import { add, axis, computed, div, floor, iadd, idiv, imod, imul, indexValue, load, map, max, min, mul, sub } from "../ir/expression.ts"; // prettier-ignore
import type { Axis, IndexExpr, ScalarExpr } from "../ir/expression.ts";
import { batchedType, defineOp, imageSizes, inputType, pairAttr } from "./defineOp.ts";

/** Two neighbouring places along one axis, and how far between them. */
export interface Tap {
  readonly low: IndexExpr;
  readonly high: IndexExpr;
  readonly weight: ScalarExpr;
}

/** (1 - weight) low + weight high along both axes of an image. */
export function bilinear(sample: Axis, channel: Axis, row: Tap, column: Tap): ScalarExpr {
  const mix = (from: ScalarExpr, to: ScalarExpr, weight: ScalarExpr): ScalarExpr =>
    add(mul(from, sub(1, weight)), mul(to, weight));
  const at = (y: IndexExpr): ScalarExpr =>
    mix(load("x", [sample, channel, y, column.low]), load("x", [sample, channel, y, column.high]), column.weight);
  return mix(at(row.low), at(row.high), row.weight);
}

/** `size` places over an axis whose extent is known. */
function fixedTap(of: Axis, extent: number): Tap {
  const place = iadd(imul(of, 2 * extent), extent - of.extent);
  const low = idiv(place, 2 * of.extent);
  return {
    low: computed(indexValue(low), 0, extent - 1),
    high: computed(indexValue(iadd(low, 1)), 0, extent - 1),
    weight: div(indexValue(imod(place, 2 * of.extent)), 2 * of.extent),
  };
}

/** Places over a stretch of `length` from `start`, both known only to the running kernel, within an axis of `extent`. */
export function movingTap(of: Axis, start: ScalarExpr | 0, length: ScalarExpr, extent: number): Tap {
  const place = max(sub(div(mul(add(indexValue(of), 0.5), length), of.extent), 0.5), 0);
  const low = floor(place);
  const last = sub(length, 1);
  const held = (value: ScalarExpr): IndexExpr => computed(add(start, min(value, last)), 0, extent - 1);
  return { low: held(low), high: held(add(low, 1)), weight: sub(place, low) };
}

export const resizeImage = defineOp({
  name: "resize_image",
  doc: "Bilinear resizing; with `sizes`, each image's own height and width within its room.",
  inputs: ["x", "sizes"],
  inferType: (types, attrs) => batchedType([...inputType(types, "x").shape.slice(0, 1), ...pairAttr(attrs, "size")]),
  compute({ types, output, axes }) {
    const [, height, width] = imageSizes(inputType(types, "x"));
    const [channels, rows, columns] = imageSizes(output);
    const [sample] = axes;
    const [c, y, x] = [axis("c", channels), axis("y", rows), axis("x", columns)];
    if (sample === undefined) throw new TypeError("images come in batches");
    if (types["sizes"] === undefined) return map(axes, bilinear(sample, c, fixedTap(y, height), fixedTap(x, width)));
    const size = (of: number): ScalarExpr => load("sizes", [sample, of]);
    return map(axes, bilinear(sample, c, movingTap(y, 0, size(0), height), movingTap(x, 0, size(1), width)));
  },
});
