/** (x - mean) / std, one of each a channel; and x minus the training set's mean, of each element or of each channel. */
import { compareIndex, div, load, map, num, select, sub } from "../ir/expression.ts";
import type { Axis, ScalarExpr } from "../ir/expression.ts";
import { defineOp, imageAxes, inputType, listAttr } from "./defineOp.ts";

/** The number of a channel, out of a list known at compile time. */
function ofChannel(values: readonly number[], c: Axis): ScalarExpr {
  const [first = 0, ...rest] = values;
  if (rest.every((value) => value === first)) return num(first);
  return values.reduceRight<ScalarExpr>(
    (others, value, index) =>
      index === values.length - 1 ? num(value) : select(compareIndex("eq", c, index), value, others),
    num(0),
  );
}

export const normalizeImage = defineOp({
  name: "normalize_image",
  doc: "(x - mean) / std.",
  inputs: ["x"],
  inferType: (types) => inputType(types, "x"),
  compute({ attrs, axes }) {
    const [, c] = imageAxes(axes);
    const [mean, std] = [ofChannel(listAttr(attrs, "mean"), c), ofChannel(listAttr(attrs, "std"), c)];
    return map(axes, div(sub(load("x", axes), mean), std));
  },
});

export const subtractMean = defineOp({
  name: "subtract_mean",
  doc: "x minus the training set's mean image, or its mean of the channel.",
  inputs: ["x", "mean"],
  inferType: (types) => inputType(types, "x"),
  compute({ types, axes }) {
    const [, c, y, x] = imageAxes(axes);
    const mean = inputType(types, "mean").shape.length === 1 ? load("mean", [c]) : load("mean", [c, y, x]);
    return map(axes, sub(load("x", axes), mean));
  },
});
