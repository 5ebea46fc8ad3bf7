/** Views: the same elements in the same order under another shape, so nothing is computed in either direction. */
import { problem } from "../diagnostics/problem.ts";
import { reshapeCount } from "../diagnostics/shapes.ts";
import { elementCount, formatShape, shapeElements } from "../ir/graph.ts";
import { batchedType, defineLayer, defineOp, inputType, listAttr, numberAttr } from "./defineOp.ts";

export const flattenLayer = defineLayer({
  name: "flatten",
  doc: "Lays channels, height and width out as one vector of features.",
  expects: "any",
  compiled: true,
  arguments: [],
  build: ({ x, type, node }) => (type.shape.length === 1 ? x : node("reshape", { x }, { shape: [elementCount(type)] })),
});

export const reshapeLayer = defineLayer({
  name: "reshape",
  doc: "The same elements in the same order as channels x height x width.",
  expects: "any",
  compiled: true,
  arguments: [
    { name: "channels", alias: "c", type: "integer", min: 1, doc: "channels of the result" },
    { name: "height", alias: "h", type: "integer", min: 1, doc: "height of the result" },
    { name: "width", alias: "w", type: "integer", min: 1, doc: "width of the result" },
  ],
  check(type, args) {
    const shape = ["channels", "height", "width"].map((name) => numberAttr(args, name));
    const [wantedCount, foundCount] = [shapeElements(shape), elementCount(type)];
    if (wantedCount === foundCount) return undefined;
    return problem(reshapeCount, {
      found: formatShape(type.shape),
      foundCount,
      wanted: formatShape(shape),
      wantedCount,
    });
  },
  build: ({ args, x, node }) =>
    node("reshape", { x }, { shape: ["channels", "height", "width"].map((name) => numberAttr(args, name)) }),
});

export const identityLayer = defineLayer({
  name: "identity",
  doc: "Leaves the value as it is: a place to hang a name on.",
  expects: "any",
  compiled: true,
  arguments: [],
  build: ({ x }) => x,
});

export const reshape = defineOp({
  name: "reshape",
  doc: "The same elements under another shape.",
  inputs: ["x"],
  view: true,
  inferType: (_types, attrs) => batchedType(listAttr(attrs, "shape")),
  gradient: ({ types, upstream, build }) => ({
    x: build("reshape", { x: upstream }, { shape: inputType(types, "x").shape }),
  }),
});
