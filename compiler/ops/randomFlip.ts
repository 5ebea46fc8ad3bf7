/** Left to right with probability p: column x of W becomes column W - 1 - x. */
import { compare, computed, indexValue, isub, load, map, random, select } from "../ir/expression.ts";
import { defineOp, imageAxes, imageSizes, inputType, numberAttr } from "./defineOp.ts";

export const randomFlip = defineOp({
  name: "random_flip",
  doc: "Left to right with probability p.",
  inputs: ["x"],
  inferType: (types) => inputType(types, "x"),
  compute({ types, attrs, axes }) {
    const [, , width] = imageSizes(inputType(types, "x"));
    const [n, c, y, x] = imageAxes(axes);
    const flips = compare("lt", random(numberAttr(attrs, "stream"), n), numberAttr(attrs, "p"));
    const column = select(flips, indexValue(isub(width - 1, x)), indexValue(x));
    return map(axes, load("x", [n, c, y, computed(column, 0, width - 1)]));
  },
});
