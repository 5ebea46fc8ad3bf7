/**
 * Joining along channels (or features), and taking channels out again.
 *
 *   concat:         y[n,c,…] = x_k[n, c - start_k, …] for the k whose range holds c;  dx_k[n,c,…] = dy[n, start_k + c, …]
 *   slice_channels: y[n,c,…] = x[n, from + c, …];  dx[n,c,…] = dy[n, c - from, …], 0 outside
 */
import { problem } from "../diagnostics/problem.ts";
import { sliceRange } from "../diagnostics/shapes.ts";
import { compareIndex, iadd, load, map, select } from "../ir/expression.ts";
import type { Axis, ScalarExpr } from "../ir/expression.ts";
import type { TensorType, ValueId } from "../ir/graph.ts";
import {
  batchedType, defineLayer, defineOp, inputType, listNames, numberAttr, plainType,
} from "./defineOp.ts"; // prettier-ignore
import type { InputTypes } from "./defineOp.ts";

export const concat = defineOp({
  name: "concat",
  doc: "Joins values along their channels or features.",
  inputs: ["x*"],
  joins: 1,
  inferType(types) {
    const parts = listNames(types, "x").map((name) => inputType(types, name));
    return batchedType([joinedSize(parts), ...inputType(types, "x0").shape.slice(1)]);
  },
  compute: ({ types, axes }) => map(axes, chosenPart(types, axes, 1)),
  gradient({ inputs, types, upstream, needs, build }) {
    const gradients: Record<string, ValueId> = {};
    let from = 0;
    for (const name of listNames(inputs, "x")) {
      const to = from + (inputType(types, name).shape[0] as number);
      if (needs(name)) gradients[name] = build("slice_channels", { x: upstream }, { from, to });
      from = to;
    }
    return gradients;
  },
});

export const concatStatistics = defineOp({
  name: "concat_statistics",
  doc: "Joins statistics of channels, such as their means.",
  inputs: ["x*"],
  joins: 0,
  inferType: (types) => plainType([joinedSize(listNames(types, "x").map((name) => inputType(types, name)))]),
  compute: ({ types, axes }) => map(axes, chosenPart(types, axes, 0)),
});

/** Channels of all parts together, or elements where they are vectors. */
function joinedSize(parts: readonly TensorType[]): number {
  return parts.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0);
}

/** The element of the part that holds the place along one of the axes. */
function chosenPart(types: InputTypes, axes: readonly Axis[], dimension: number): ScalarExpr {
  const names = listNames(types, "x");
  const channel = axes[dimension] as Axis;
  const sizes = names.map((name) => inputType(types, name).shape[0] as number);
  const starts = sizes.map((_, k) => sizes.slice(0, k).reduce((sum, size) => sum + size, 0));
  const parts = names.map((name, k) => {
    const start = starts[k] as number;
    const at = axes.map((axis, i) => (i === dimension && start > 0 ? iadd(axis, -start) : axis));
    return load(name, at, 0);
  });
  return parts.reduceRight((rest, part, k) => select(compareIndex("lt", channel, starts[k + 1] as number), part, rest));
}

export const sliceLayer = defineLayer({
  name: "slice",
  doc: "Channels (or features) `from` up to, not including, `to`.",
  expects: "any",
  compiled: true,
  arguments: [
    { name: "from", type: "integer", min: 0, doc: "the first channel kept" },
    { name: "to", type: "integer", min: 1, doc: "the first channel after those kept" },
  ],
  check(type, args) {
    const [from, to, channels] = [numberAttr(args, "from"), numberAttr(args, "to"), type.shape[0] as number];
    return from < to && to <= channels ? undefined : problem(sliceRange, { from, to, channels });
  },
  build: ({ args, x, node }) => node("slice_channels", { x }, args),
});

export const sliceChannels = defineOp({
  name: "slice_channels",
  doc: "Channels from one number up to another.",
  inputs: ["x"],
  inferType(types, attrs) {
    const [, ...space] = inputType(types, "x").shape;
    return batchedType([numberAttr(attrs, "to") - numberAttr(attrs, "from"), ...space]);
  },
  compute({ attrs, axes }) {
    const [n, c, ...space] = axes as [Axis, Axis, ...Axis[]];
    return map(axes, load("x", [n, iadd(c, numberAttr(attrs, "from")), ...space]));
  },
  gradient({ types, upstream, attrs, build }) {
    const channels = inputType(types, "x").shape[0] as number;
    return { x: build("place_channels", { x: upstream }, { from: numberAttr(attrs, "from"), channels }) };
  },
});

export const placeChannels = defineOp({
  name: "place_channels",
  doc: "Puts channels at their place among zeros.",
  inputs: ["x"],
  inferType: (types, attrs) => batchedType([numberAttr(attrs, "channels"), ...inputType(types, "x").shape.slice(1)]),
  compute({ attrs, axes }) {
    const [n, c, ...space] = axes as [Axis, Axis, ...Axis[]];
    return map(axes, load("x", [n, iadd(c, -numberAttr(attrs, "from")), ...space], 0));
  },
  gradient({ types, upstream, attrs, build }) {
    const from = numberAttr(attrs, "from");
    const to = from + (inputType(types, "x").shape[0] as number);
    return { x: build("slice_channels", { x: upstream }, { from, to }) };
  },
});
