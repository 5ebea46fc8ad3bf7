/**
 * Colour jitter by torchvision's formulas, on numbers from 0 to 1, with a factor f that each sample draws from
 * [max(0, 1 - amount), 1 + amount):
 *
 *   brightness: f x      contrast: f x + (1 - f) m      saturation: f x + (1 - f) g
 *
 * each kept within [0, 1]. g is the grey value of the pixel, 0.2989 R + 0.587 G + 0.114 B, and m its mean over the image.
 */
import { add, axis, compareIndex, load, map, max, min, mul, random, reduce, reduced, select, sub } from "../ir/expression.ts"; // prettier-ignore
import type { Axis, ScalarExpr, ScalarLike } from "../ir/expression.ts";
import type { Attrs } from "../ir/graph.ts";
import { batchedType, defineOp, imageAxes, imageSizes, inputType, numberAttr } from "./defineOp.ts";

const greyWeights = [0.2989, 0.587, 0.114] as const;

function factor(attrs: Attrs, sample: Axis): ScalarExpr {
  const amount = numberAttr(attrs, "amount");
  const least = Math.max(0, 1 - amount);
  return add(least, mul(random(numberAttr(attrs, "stream"), sample), 1 + amount - least));
}

function blend(f: ScalarExpr, x: ScalarLike, other: ScalarLike): ScalarExpr {
  return min(max(add(mul(f, x), mul(sub(1, f), other)), 0), 1);
}

export const jitterBrightness = defineOp({
  name: "jitter_brightness",
  doc: "Brightness times a random factor.",
  inputs: ["x"],
  inferType: (types) => inputType(types, "x"),
  compute({ attrs, axes }) {
    const [n] = imageAxes(axes);
    return map(axes, min(max(mul(factor(attrs, n), load("x", axes)), 0), 1));
  },
});

export const rowGrey = defineOp({
  name: "row_grey",
  doc: "The mean grey value of each row.",
  inputs: ["x"],
  inferType: (types) => batchedType(inputType(types, "x").shape.slice(1, 2)),
  compute({ types, axes }) {
    const [channels, , width] = imageSizes(inputType(types, "x"));
    const [n, y] = [axes[0] ?? axis("n", 1), axes[1] ?? axis("i0", 1)];
    const [c, x] = [axis("ic", channels), axis("ox", width)];
    const [red, green, blue] = greyWeights;
    const weight: ScalarLike =
      channels === 3
        ? select(compareIndex("eq", c, 0), red, select(compareIndex("eq", c, 1), green, blue))
        : 1 / channels;
    return reduce(axes, [c, x], "sum", mul(load("x", [n, c, y, x]), weight), mul(reduced, 1 / width));
  },
});

export const meanGrey = defineOp({
  name: "mean_grey",
  doc: "The mean of the rows' means.",
  inputs: ["x"],
  inferType: () => batchedType([]),
  compute({ types, axes }) {
    const [height = 1] = inputType(types, "x").shape;
    const rows = axis("oy", height);
    return reduce(axes, [rows], "sum", load("x", [...axes, rows]), mul(reduced, 1 / height));
  },
});

export const jitterContrast = defineOp({
  name: "jitter_contrast",
  doc: "Blends with the mean grey value by a random factor.",
  inputs: ["x", "mean"],
  inferType: (types) => inputType(types, "x"),
  compute({ attrs, axes }) {
    const [n] = imageAxes(axes);
    return map(axes, blend(factor(attrs, n), load("x", axes), load("mean", [n])));
  },
});

export const jitterSaturation = defineOp({
  name: "jitter_saturation",
  doc: "Blends with each pixel's grey value by a random factor.",
  inputs: ["x"],
  inferType: (types) => inputType(types, "x"),
  compute({ attrs, axes }) {
    const [n, , y, x] = imageAxes(axes);
    const [red, green, blue] = greyWeights.map((weight, c) => mul(load("x", [n, c, y, x]), weight));
    const grey = add(add(red ?? 0, green ?? 0), blue ?? 0);
    return map(axes, blend(factor(attrs, n), load("x", axes), grey));
  },
});
