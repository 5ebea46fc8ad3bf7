/** Sizes of sliding windows, shared by convolution and pooling. */
import { problem } from "../diagnostics/problem.ts";
import { kernelDoesNotFit, poolPadding } from "../diagnostics/shapes.ts";
import type { Problem } from "../ir/diagnostic.ts";
import { compareIndex, iadd, idiv, imod, imul, isub } from "../ir/expression.ts";
import type { Condition, IndexExpr, IndexLike } from "../ir/expression.ts";
import type { Attrs, TensorType } from "../ir/graph.ts";
import { formatShape } from "../ir/graph.ts";
import { imageSizes, pairAttr } from "./defineOp.ts";

/**
 * Output size along one dimension: floor((n + 2p - d(k-1) - 1) / s) + 1. With `ceilMode` it rounds up, but a window that
 * would start in the right padding is dropped (PyTorch's rule). Below 1 when the kernel does not fit.
 */
export function windowOutputSize(
  size: number,
  kernel: number,
  stride: number,
  padding: number,
  dilation: number,
  ceilMode: boolean,
): number {
  const room = size + 2 * padding - dilation * (kernel - 1) - 1;
  if (room < 0) return 0;
  if (!ceilMode) return Math.floor(room / stride) + 1;
  const rounded = Math.ceil(room / stride) + 1;
  return (rounded - 1) * stride >= size + padding ? rounded - 1 : rounded;
}

/** Sizes of a pooling window, from its node's attributes. */
export interface PoolAttrs {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly ceilMode: boolean;
}

export function poolAttrs(attrs: Attrs): PoolAttrs {
  return {
    kernel: pairAttr(attrs, "kernel"),
    stride: pairAttr(attrs, "stride"),
    padding: pairAttr(attrs, "padding"),
    dilation: attrs["dilation"] === undefined ? [1, 1] : pairAttr(attrs, "dilation"),
    ceilMode: attrs["ceil_mode"] === true,
  };
}

/** Channels, and height and width after pooling. */
export function poolOutputShape(type: TensorType, attrs: Attrs): readonly [number, number, number] {
  const [channels, height, width] = imageSizes(type);
  const { kernel, stride, padding, dilation, ceilMode } = poolAttrs(attrs);
  const size = (n: number, i: 0 | 1): number =>
    windowOutputSize(n, kernel[i], stride[i], padding[i], dilation[i], ceilMode);
  return [channels, size(height, 0), size(width, 1)];
}

/** Whether a window may cover positions outside the image. */
export function poolReachesOutside(type: TensorType, attrs: Attrs): boolean {
  const { kernel, stride, padding, dilation } = poolAttrs(attrs);
  const [, ...sizes] = imageSizes(type);
  const [, ...outputs] = poolOutputShape(type, attrs);
  return ([0, 1] as const).some((i) => {
    const last = (outputs[i] - 1) * stride[i] + (kernel[i] - 1) * dilation[i] - padding[i];
    return padding[i] > 0 || last >= sizes[i];
  });
}

/** Whether every position lies in at most one window, and in it at the position's remainder. */
export function windowsTile(attrs: Attrs): boolean {
  const { kernel, stride, padding, dilation } = poolAttrs(attrs);
  return ([0, 1] as const).every((i) => kernel[i] === stride[i] && padding[i] === 0 && dilation[i] === 1);
}

/** "3x3", height first. */
export function formatPair(pair: readonly [number, number]): string {
  return `${pair[0]}x${pair[1]}`;
}

/** Why a window does not fit its input; undefined when it does. */
export function checkWindow(type: TensorType, attrs: Attrs): Problem | undefined {
  const { kernel, stride, dilation } = poolAttrs(attrs);
  const [, height, width] = poolOutputShape(type, attrs);
  if (height >= 1 && width >= 1) return undefined;
  const [, inHeight, inWidth] = imageSizes(type);
  const keeps = [((kernel[0] - 1) * dilation[0]) / 2, ((kernel[1] - 1) * dilation[1]) / 2] as const;
  const canKeep = keeps.every(Number.isInteger) && stride[0] === 1 && stride[1] === 1;
  const padding = keeps[0] === keeps[1] ? String(keeps[0]) : `(${keeps.join(", ")})`;
  return problem(
    kernelDoesNotFit,
    { kernel: formatPair(kernel), found: formatShape(type.shape) },
    canKeep ? { help: `padding: ${padding} keeps ${inHeight}x${inWidth}` } : {},
  );
}

/** What is wrong with a pooling layer's arguments. */
export function checkPool(type: TensorType, attrs: Attrs): Problem | undefined {
  const { kernel, padding } = poolAttrs(attrs);
  if (([0, 1] as const).some((i) => 2 * padding[i] > kernel[i])) {
    const params = { padding: formatPair(padding), kernel: formatPair(kernel) };
    return problem(poolPadding, params, { argument: "padding" });
  }
  return checkWindow(type, attrs);
}

/**
 * Which outputs' windows cover an input position with a tap: the position `(at + p - tap*d) / s`, where it is whole.
 * `exact` are the conditions that it is.
 */
export function outputsUnder(
  at: readonly [IndexLike, IndexLike],
  tap: readonly [IndexLike, IndexLike],
  { stride, padding, dilation }: Pick<PoolAttrs, "stride" | "padding" | "dilation">,
): { readonly position: readonly [IndexExpr, IndexExpr]; readonly exact: readonly Condition[] } {
  const along = (i: 0 | 1): { readonly position: IndexExpr; readonly exact: readonly Condition[] } => {
    const scaled = isub(iadd(at[i], padding[i]), imul(tap[i], dilation[i]));
    if (stride[i] === 1) return { position: scaled, exact: [] };
    return { position: idiv(scaled, stride[i]), exact: [compareIndex("eq", imod(scaled, stride[i]), 0)] };
  };
  const [rows, columns] = [along(0), along(1)];
  return { position: [rows.position, columns.position], exact: [...rows.exact, ...columns.exact] };
}
