/**
 * Sums over small blocks of neighbouring positions, which the kernel that computes the values makes in passing: sums over a
 * whole batch go on from them and read a fraction of what there is.
 *
 *   block_sum:    s[n,c,i,j] = sum over the block of x[n, c, i*H + u, j*W + v]
 *   block_spread: q[n,c,i,j] = sum over the block of (x[n, c, i*H + u, j*W + v] - s[n,c,i,j] / (H*W))^2
 *   block_product: p[n,c,i,j] = sum over the block of dy[n, c, i*H + u, j*W + v] * (x[n, c, i*H + u, j*W + v] - x[n, c, i*H, j*W])
 */
import { axis, div, iadd, imul, load, mul, reduce, sub } from "../ir/expression.ts";
import type { Axis, IndexExpr, IndexLike } from "../ir/expression.ts";
import type { Attrs, TensorType } from "../ir/graph.ts";
import { batchedType, defineOp, imageSizes, inputType, pairAttr } from "./defineOp.ts";

/** Positions in a block: as many as leave a convolution free to choose its tile. */
const mostPositions = 8;

/** Height and width of the blocks for an image of this type, [1, 1] where there are none: rows first, which vectors store. */
export function blockOf(type: TensorType): readonly [number, number] {
  const [, height = 1, width = 1] = type.shape;
  let best: readonly [number, number] = [1, 1];
  for (let rows = 1; rows <= Math.min(height, mostPositions); rows++) {
    for (let columns = 1; rows * columns <= mostPositions && columns <= width; columns++) {
      if (height % rows === 0 && width % columns === 0 && rows * columns >= best[0] * best[1] && rows <= columns)
        if (rows * columns > best[0] * best[1] || columns > best[1]) best = [rows, columns];
    }
  }
  return best;
}

/** One value a block. */
export function blockedType(type: TensorType, attrs: Attrs): TensorType {
  const [channels, height, width] = imageSizes(type);
  const [rows, columns] = pairAttr(attrs, "block");
  return batchedType([channels, height / rows, width / columns]);
}

/** The axes within a block, and where its elements lie in the image. */
export function withinBlock(
  axes: readonly Axis[],
  attrs: Attrs,
): { readonly over: readonly Axis[]; readonly at: readonly IndexExpr[] } {
  const [n, c, y, x] = axes as [Axis, Axis, Axis, Axis];
  const [rows, columns] = pairAttr(attrs, "block");
  const [by, bx] = [axis("by", rows), axis("bx", columns)];
  return { over: [by, bx], at: [iadd(n), iadd(c), iadd(imul(y, rows), by), iadd(imul(x, columns), bx)] };
}

/** Where the first element of a block lies in the image. */
export function firstOfBlock(at: readonly IndexLike[], attrs: Attrs): readonly IndexLike[] {
  const [n, c, y, x] = at as [IndexLike, IndexLike, IndexLike, IndexLike];
  const [rows, columns] = pairAttr(attrs, "block");
  return [n, c, imul(y, rows), imul(x, columns)];
}

export const blockSum = defineOp({
  name: "block_sum",
  doc: "Sum over each block of neighbouring positions.",
  inputs: ["x"],
  wideRange: true,
  byChannel: true,
  inferType: (types, attrs) => blockedType(inputType(types, "x"), attrs),
  compute({ attrs, axes }) {
    const { over, at } = withinBlock(axes, attrs);
    return reduce(axes, over, "sum", load("x", at));
  },
});

export const blockSpread = defineOp({
  name: "block_spread",
  doc: "Sum of squared distances from the block's own mean, over each block of neighbouring positions.",
  inputs: ["x", "sums"],
  wideRange: true,
  byChannel: true,
  inferType: (types, attrs) => blockedType(inputType(types, "x"), attrs),
  compute({ attrs, axes }) {
    const { over, at } = withinBlock(axes, attrs);
    const [rows, columns] = pairAttr(attrs, "block");
    const apart = sub(load("x", at), div(load("sums", axes), rows * columns));
    return reduce(axes, over, "sum", mul(apart, apart));
  },
});

export const blockProduct = defineOp({
  name: "block_product",
  doc: "Sum of upstream gradient times distance from the block's first value, over each block of neighbouring positions.",
  inputs: ["upstream", "x"],
  wideRange: true,
  inferType: (types, attrs) => blockedType(inputType(types, "x"), attrs),
  compute({ attrs, axes }) {
    const { over, at } = withinBlock(axes, attrs);
    const apart = sub(load("x", at), load("x", firstOfBlock(axes, attrs)));
    return reduce(axes, over, "sum", mul(load("upstream", at), apart));
  },
});
