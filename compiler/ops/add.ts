/**
 * Elementwise sum of values of one shape; also how gradients of a value with several uses are added.
 *
 *   y = x0 + x1 + …,  dx_k = dy
 */
import { add as plus, load, map } from "../ir/expression.ts";
import { defineOp, inputType, listNames } from "./defineOp.ts";

export const add = defineOp({
  name: "add",
  doc: "Sum of values of one shape, element by element.",
  inputs: ["x*"],
  inferType: (types) => inputType(types, "x0"),
  compute({ types, axes }) {
    const terms = listNames(types, "x").map((name) => load(name, axes));
    return map(
      axes,
      terms.reduce((sum, term) => plus(sum, term)),
    );
  },
  gradient({ inputs, upstream, needs }) {
    return Object.fromEntries(
      listNames(inputs, "x")
        .filter(needs)
        .map((name) => [name, upstream]),
    );
  },
});
