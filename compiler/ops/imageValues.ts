/**
 * What images are made of on the GPU: a byte b is b / 255, as torchvision's ToTensor has it; a number stays what it is.
 */
import { div, load, map } from "../ir/expression.ts";
import { batchedType, defineOp, inputType, numberAttr } from "./defineOp.ts";

export const imageValues = defineOp({
  name: "image_values",
  doc: "Bytes as numbers from 0 to 1: `most` is what becomes 1.",
  inputs: ["x"],
  inferType: (types) => batchedType(inputType(types, "x").shape),
  compute({ attrs, axes }) {
    return map(axes, div(load("x", axes), numberAttr(attrs, "most")));
  },
});
