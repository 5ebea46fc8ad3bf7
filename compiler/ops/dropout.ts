/**
 * Dropout of single values, of whole channels, and of whole samples. In training
 *
 *   y = 0 with probability p, else x / (1 - p)
 *
 * and in inference the value itself. A draw depends on the seed, the step, the layer's stream and the element's number, so
 * the backward pass draws the same again and no mask is kept.
 */
import { compare, iadd, idx, imul, load, map, mul, select } from "../ir/expression.ts";
import type { Axis, IndexExpr } from "../ir/expression.ts";
import type { LayerDefinition } from "./defineOp.ts";
import { defineLayer, defineOp, inputType, inputValue, numberAttr } from "./defineOp.ts";

/** What one draw decides about. */
type DropUnit = "element" | "channel" | "sample";

function dropLayer(name: string, unit: DropUnit, doc: string): LayerDefinition {
  return defineLayer({
    name,
    doc,
    expects: unit === "channel" ? "image" : "any",
    compiled: true,
    arguments: [{ name: "p", type: "real", min: 0, max: 1, default: 0.5, doc: "probability of dropping" }],
    build: ({ args, x, node }) => node("dropout", { x }, { p: numberAttr(args, "p"), unit }),
  });
}

export const dropoutLayer = dropLayer(
  "dropout",
  "element",
  "Drops values at random in training and scales up the rest.",
);
export const spatialDropoutLayer = dropLayer(
  "spatial_dropout",
  "channel",
  "Drops whole channels at random in training.",
);
export const dropPathLayer = dropLayer(
  "drop_path",
  "sample",
  "Drops the whole value of a sample at random in training.",
);

export const dropout = defineOp({
  name: "dropout",
  doc: "Drops values in training; the value itself in inference.",
  inputs: ["x"],
  inferType: (types) => inputType(types, "x"),
  dropsValues: true,
  expand({ inputs, attrs, training, stream, build }) {
    const x = inputValue(inputs, "x");
    return training && numberAttr(attrs, "p") > 0 ? build("random_drop", { x }, { ...attrs, stream }) : x;
  },
});

/** Row-major number of an element over some of its axes. */
function elementNumber(axes: readonly Axis[]): IndexExpr {
  return axes.slice(1).reduce((number, each) => iadd(imul(number, each.extent), each), idx(axes[0] ?? 0));
}

export const randomDrop = defineOp({
  name: "random_drop",
  doc: "0 with probability p, else x / (1 - p).",
  inputs: ["x"],
  inferType: (types) => inputType(types, "x"),
  compute({ attrs, axes }) {
    const p = numberAttr(attrs, "p");
    const unit = attrs["unit"] as DropUnit;
    const drawn = unit === "element" ? axes : unit === "channel" ? axes.slice(0, 2) : axes.slice(0, 1);
    const draw = { kind: "random", stream: numberAttr(attrs, "stream"), counter: elementNumber(drawn) } as const;
    // A probability of 1 keeps nothing, so what it would scale by does not matter.
    return map(axes, select(compare("lt", draw, p), 0, mul(load("x", axes), p < 1 ? 1 / (1 - p) : 0)));
  },
  gradient: ({ attrs, upstream, build }) => ({ x: build("random_drop", { x: upstream }, attrs) }),
});
