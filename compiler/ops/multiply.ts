/**
 * Elementwise product; a factor of C x 1 x 1 counts for every position of its channel.
 *
 *   y = x0 * x1 * …,  dx_k = dy * (the other factors), summed over the positions where x_k has only one
 */
import { axis, load, map, mul, reduce } from "../ir/expression.ts";
import type { Axis, IndexLike } from "../ir/expression.ts";
import type { TensorType } from "../ir/graph.ts";
import { batchedType, defineOp, inputType, inputValue, listNames } from "./defineOp.ts";

/** Where a factor is read for an element of the product. */
function factorIndex(type: TensorType, axes: readonly Axis[]): readonly IndexLike[] {
  return axes.map((each, position) => (position > 0 && type.shape[position - 1] === 1 ? 0 : each));
}

export const multiply = defineOp({
  name: "multiply",
  doc: "Product of values, element by element; channels x 1 x 1 is broadcast over height and width.",
  inputs: ["x*"],
  inferType(types) {
    const parts = listNames(types, "x").map((name) => inputType(types, name).shape);
    const rank = inputType(types, "x0").shape.length;
    return batchedType(Array.from({ length: rank }, (_, i) => Math.max(...parts.map((shape) => shape[i] ?? 1))));
  },
  compute({ types, axes }) {
    const factors = listNames(types, "x").map((name) => load(name, factorIndex(inputType(types, name), axes)));
    return map(
      axes,
      factors.reduce((product, factor) => mul(product, factor)),
    );
  },
  gradient({ inputs, types, upstream, needs, build }) {
    const names = listNames(inputs, "x");
    const outputShape = multiply.inferType(types, {}).shape;
    const gradientOf = (wanted: string) => {
      const others = names.filter((name) => name !== wanted).map((name) => inputValue(inputs, name));
      const factors = Object.fromEntries([upstream, ...others].map((value, k) => [`x${k}`, value]));
      const product = others.length === 0 ? upstream : build("multiply", factors);
      const { shape } = inputType(types, wanted);
      if (shape.every((size, i) => size === outputShape[i])) return product;
      return build("sum_positions", { x: product }, { shape });
    };
    return Object.fromEntries(names.filter(needs).map((name) => [name, gradientOf(name)]));
  },
});

export const sumPositions = defineOp({
  name: "sum_positions",
  doc: "Sum over the axes along which a broadcast value has only one element.",
  inputs: ["x"],
  wideRange: true,
  inferType: (_types, attrs) => batchedType(attrs["shape"] as readonly number[]),
  compute({ types, axes }) {
    const [n, ...own] = axes as [Axis, ...Axis[]];
    const names = ["k", "ky", "kx"];
    const summed = inputType(types, "x").shape.map((extent, i) =>
      extent === own[i]?.extent ? undefined : axis(names[i] ?? `k${i}`, extent),
    );
    const at = own.map((each, i) => summed[i] ?? each);
    const over = summed.filter((each) => each !== undefined);
    return reduce(axes, over, "sum", load("x", [n, ...at]));
  },
});
