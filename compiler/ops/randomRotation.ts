/**
 * Turns an image about its middle by an angle that each sample draws from [-degrees, degrees), as torchvision's
 * RandomRotation: what comes to (x, y), counted from the middle, was at
 *
 *   (x cos - y sin, x sin + y cos)
 *
 * and the nearest pixel is taken; outside the image it is 0.
 */
import { add, axis, compareIndex, computed, cos, floor, indexValue, load, map, mul, random, select, sin, sub } from "../ir/expression.ts"; // prettier-ignore
import type { IndexExpr, ScalarExpr } from "../ir/expression.ts";
import { batchedType, defineOp, imageAxes, imageSizes, inputType, numberAttr } from "./defineOp.ts";

export const rotationAngle = defineOp({
  name: "rotation_angle",
  doc: "Cosine and sine of a random angle.",
  inputs: ["x"],
  inferType: () => batchedType([2]),
  compute({ attrs, axes }) {
    const [n, k] = [axes[0] ?? axis("n", 1), axes[1] ?? axis("i0", 2)];
    const most = (numberAttr(attrs, "degrees") * Math.PI) / 180;
    const angle = mul(sub(mul(random(numberAttr(attrs, "stream"), n), 2), 1), most);
    return map(axes, select(compareIndex("eq", k, 0), cos(angle), sin(angle)));
  },
});

export const rotateImage = defineOp({
  name: "rotate_image",
  doc: "Turns an image about its middle; the nearest pixel, 0 outside.",
  inputs: ["x", "angle"],
  inferType: (types) => inputType(types, "x"),
  compute({ types, axes }) {
    const [, height, width] = imageSizes(inputType(types, "x"));
    const [n, c, y, x] = imageAxes(axes);
    const [cosine, sine] = [load("angle", [n, 0]), load("angle", [n, 1])];
    const [row, column] = [sub(indexValue(y), (height - 1) / 2), sub(indexValue(x), (width - 1) / 2)];
    /** One place beyond the image on either side stands for everything there. */
    const nearest = (place: ScalarExpr, extent: number): IndexExpr =>
      computed(floor(add(place, (extent - 1) / 2 + 0.5)), -1, extent);
    const fromX = nearest(sub(mul(column, cosine), mul(row, sine)), width);
    const fromY = nearest(add(mul(column, sine), mul(row, cosine)), height);
    return map(axes, load("x", [n, c, fromY, fromX], 0));
  },
});
