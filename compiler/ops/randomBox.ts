/**
 * Rectangles that a sample draws, as [top, left, height, width]: torchvision's RandomResizedCrop and RandomErasing. Of ten
 * attempts the first that lies inside the image counts. An attempt takes
 *
 *   area = H W uniform(scale),  aspect = exp(uniform(log ratio)),  round(sqrt(area aspect)) x round(sqrt(area / aspect))
 *
 * and if none fits, a crop is the largest centred one within `ratio`, and nothing is erased.
 */
import {
  add, all, axis, compare, compareIndex, div, exp, floor, iadd, imul, load, map, mul, num, random, select, sqrt, sub, indexValue,
} from "../ir/expression.ts"; // prettier-ignore
import type { Axis, Computation, Condition, ScalarExpr } from "../ir/expression.ts";
import type { Attrs } from "../ir/graph.ts";
import { batchedType, defineOp, imageAxes, imageSizes, inputType, listAttr, numberAttr, pairAttr } from "./defineOp.ts";
import { bilinear, movingTap } from "./resizeImage.ts";

const attempts = 10;
/** Draws that one attempt takes, and the places after them. */
const drawsPerSample = attempts * 2 + 3;

interface Extent {
  readonly height: ScalarExpr;
  readonly width: ScalarExpr;
}

/** The first of the attempts that `fits`, or else what is given. */
function drawBox(
  axes: readonly Axis[],
  attrs: Attrs,
  [height, width]: readonly [number, number],
  /** Whether a high aspect makes the box wide (a crop's is width / height) or tall (an erased box's is height / width). */
  wide: boolean,
  fits: (box: Extent) => Condition,
  otherwise: Extent & { readonly top: number; readonly left: number },
  isDrawn: (draw: ScalarExpr) => Condition,
): Computation {
  const [n, k] = axes;
  if (n === undefined || k === undefined) throw new TypeError("a box has a sample and four numbers");
  const stream = numberAttr(attrs, "stream");
  const draw = (index: number): ScalarExpr => random(stream, iadd(imul(n, drawsPerSample), index));
  const between = (low: number, high: number, index: number): ScalarExpr => add(low, mul(draw(index), high - low));
  const [least = 0, most = 0] = listAttr(attrs, "scale");
  const [narrow = 1, broad = 1] = listAttr(attrs, "ratio");
  const round = (value: ScalarExpr): ScalarExpr => floor(add(value, 0.5));
  const boxes = Array.from({ length: attempts }, (_, attempt): Extent => {
    const area = mul(between(least, most, 2 * attempt), height * width);
    const aspect = exp(between(Math.log(narrow), Math.log(broad), 2 * attempt + 1));
    const [long, short] = [round(sqrt(mul(area, aspect))), round(sqrt(div(area, aspect)))];
    return wide ? { height: short, width: long } : { height: long, width: short };
  });
  const choose = (value: (box: Extent) => ScalarExpr, last: ScalarExpr): ScalarExpr =>
    boxes.reduceRight((rest, box) => select(fits(box), value(box), rest), last);
  const place = (extent: number, of: (box: Extent) => ScalarExpr, index: number): ((box: Extent) => ScalarExpr) => {
    return (box) => floor(mul(draw(index), add(sub(extent, of(box)), 1)));
  };
  const numbers = [
    choose(
      place(height, (box) => box.height, 2 * attempts),
      num(otherwise.top),
    ),
    choose(
      place(width, (box) => box.width, 2 * attempts + 1),
      num(otherwise.left),
    ),
    choose((box) => box.height, otherwise.height),
    choose((box) => box.width, otherwise.width),
  ] as const;
  const drawn = select(
    compareIndex("lt", k, 2),
    select(compareIndex("eq", k, 0), numbers[0], numbers[1]),
    select(compareIndex("eq", k, 2), numbers[2], numbers[3]),
  );
  return map(axes, select(isDrawn(draw(2 * attempts + 2)), drawn, 0));
}

export const cropBox = defineOp({
  name: "crop_box",
  doc: "Top, left, height and width of a random part of an image.",
  inputs: ["x"],
  inferType: () => batchedType([4]),
  compute({ types, attrs, axes }) {
    const [, height, width] = imageSizes(inputType(types, "x"));
    const [narrow = 1, broad = 1] = listAttr(attrs, "ratio");
    const ratio = width / height;
    const size =
      ratio < narrow ? { height: Math.min(height, Math.round(width / narrow)), width }
      : ratio > broad ? { height, width: Math.min(width, Math.round(height * broad)) }
      : { height, width }; // prettier-ignore
    const inside = (box: Extent): Condition =>
      all(
        compare("ge", box.height, 1),
        compare("ge", box.width, 1),
        compare("le", box.height, height),
        compare("le", box.width, width),
      );
    const whole = {
      height: num(size.height),
      width: num(size.width),
      top: Math.floor((height - size.height) / 2),
      left: Math.floor((width - size.width) / 2),
    } as const;
    return drawBox(axes, attrs, [height, width], true, inside, whole, () => compare("ge", 0, 0));
  },
});

export const cropResized = defineOp({
  name: "crop_resized",
  doc: "A part of an image, resized (bilinear).",
  inputs: ["x", "box"],
  inferType: (types, attrs) => batchedType([...inputType(types, "x").shape.slice(0, 1), ...pairAttr(attrs, "size")]),
  compute({ types, output, axes }) {
    const [, height, width] = imageSizes(inputType(types, "x"));
    const [channels, rows, columns] = imageSizes(output);
    const [n] = imageAxes(axes);
    const part = (of: number): ScalarExpr => load("box", [n, of]);
    const row = movingTap(axis("y", rows), part(0), part(2), height);
    const column = movingTap(axis("x", columns), part(1), part(3), width);
    return map(axes, bilinear(n, axis("c", channels), row, column));
  },
});

export const erasedBox = defineOp({
  name: "erased_box",
  doc: "Top, left, height and width of what is erased; all 0 where nothing is.",
  inputs: ["x"],
  inferType: () => batchedType([4]),
  compute({ types, attrs, axes }) {
    const [, height, width] = imageSizes(inputType(types, "x"));
    const inside = (box: Extent): Condition => all(compare("lt", box.height, height), compare("lt", box.width, width));
    const nothing = num(0);
    const none = { height: nothing, width: nothing, top: 0, left: 0 };
    const p = numberAttr(attrs, "p");
    return drawBox(axes, attrs, [height, width], false, inside, none, (draw) => compare("lt", draw, p));
  },
});

export const eraseBox = defineOp({
  name: "erase_box",
  doc: "Zeros in a box.",
  inputs: ["x", "box"],
  inferType: (types) => inputType(types, "x"),
  compute({ axes }) {
    const [n, , y, x] = imageAxes(axes);
    const part = (of: number): ScalarExpr => load("box", [n, of]);
    const within = (at: Axis, start: ScalarExpr, length: ScalarExpr): readonly Condition[] => [
      compare("ge", indexValue(at), start),
      compare("lt", indexValue(at), add(start, length)),
    ];
    const erased = all(...within(y, part(0), part(2)), ...within(x, part(1), part(3)));
    return map(axes, select(erased, 0, load("x", axes)));
  },
});
