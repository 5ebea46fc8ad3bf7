/** Siblings: reductions over the same axes that read a tensor in common, so that one pass over memory serves both. */
import { axisNames, loadsOf } from "../ir/expression.ts";
import type { Axis, Computation, IndexExpr } from "../ir/expression.ts";
import { printIndex } from "../ir/kernel.ts";
import { renameAxes } from "./rewriteComputation.ts";
import { isShortSum } from "./splitReduction.ts";

export interface SiblingOptions {
  readonly adapterClass: "cpu" | "gpu";
  /** Whether somebody adds the sum to what the kernel computes: one kernel then stores their sum alone. */
  readonly meets: () => boolean;
}

/**
 * `computation` under the names of the root's axes, when it reduces over axes of the same extents in the same order, its own
 * axes are among the root's, and it loads one of the kernel's tensors at the same index: conv's bias gradient beside its
 * weight gradient, or two convolutions of one input that have equally many channels. Undefined otherwise.
 */
export function siblingOf(
  computation: Computation,
  loops: readonly [root: Computation, ...others: Computation[]],
  options: SiblingOptions,
): Computation | undefined {
  const [root] = loops;
  if (computation.body.kind !== "reduce" || root.body.kind !== "reduce") return undefined;
  const [over, rootOver] = [computation.body.over, root.body.over];
  if (over.length !== rootOver.length || over.length === 0) return undefined;
  if (over.some((axis, i) => axis.extent !== rootOver[i]?.extent || axis.batch !== rootOver[i]?.batch))
    return undefined;
  const names = new Map(over.map((axis, i) => [axis.name, rootOver[i]?.name ?? axis.name]));
  const loads = loadsOf(computation);
  for (const stage of loops) {
    for (const other of loadsOf(stage)) {
      for (const load of loads) {
        if (load.from !== other.from) continue;
        const unified = unify(load.index, other.index, computation.axes, root.axes, names);
        if (unified !== undefined) return renameAxes(computation, unified);
      }
    }
  }
  // Whatever they read.
  const isAlike =
    computation.axes.length === root.axes.length &&
    computation.axes.every(({ extent, batch }, i) => extent === root.axes[i]?.extent && batch === root.axes[i]?.batch);
  const isSmall = isSmallSum(computation, options.adapterClass) && isSmallSum(root, options.adapterClass);
  if (isAlike && (isSmall || options.meets())) {
    computation.axes.forEach((axis, i) => names.set(axis.name, root.axes[i]?.name ?? axis.name));
    return renameAxes(computation, names);
  }
  return undefined;
}

/** Multiply-adds of a sum over the batch up to which a dispatch costs more than what it computes. */
const smallSum = 1 << 18;

function isSmallSum({ axes, body }: Computation, adapterClass: "cpu" | "gpu"): boolean {
  if (body.kind !== "reduce" || body.over[0]?.batch !== true || !isShortSum(body, adapterClass)) return false;
  return [...axes, ...body.over].reduce((product, axis) => product * axis.extent, 1) <= smallSum;
}

/** Names under which two indices are the same, beyond those already fixed; undefined if there are none. */
function unify(
  index: readonly IndexExpr[],
  rootIndex: readonly IndexExpr[],
  axes: readonly Axis[],
  rootAxes: readonly Axis[],
  fixed: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> | undefined {
  const names = new Map(fixed);
  for (const [dimension, own] of index.entries()) {
    const [position, other] = withoutOffset(own, rootIndex[dimension]);
    if (other === undefined) return undefined;
    if (position.kind === "axis" && other.kind === "axis") {
      const before = names.get(position.name);
      if (before !== undefined ? before !== other.name : !sameExtent(position.name, other.name, axes, rootAxes))
        return undefined;
      names.set(position.name, other.name);
    } else if (printIndex(position) !== printIndex(other)) return undefined;
    else {
      for (const name of axisNames(position)) {
        if (names.has(name)) continue;
        if (!sameExtent(name, name, axes, rootAxes)) return undefined;
        names.set(name, name);
      }
    }
  }
  // What the load does not say, an axis of the other's that nothing has taken: the other's own channels.
  const taken = new Set(names.values());
  for (const [position, { name }] of axes.entries()) {
    if (names.has(name)) continue;
    const other = rootAxes[position]?.name;
    if (other === undefined || taken.has(other) || axes.length !== rootAxes.length) return undefined;
    if (!sameExtent(name, other, axes, rootAxes)) return undefined;
    names.set(name, other);
  }
  return names;
}

/** Two indices without the number that both end in: a slice's start. */
function withoutOffset(index: IndexExpr, other: IndexExpr | undefined): readonly [IndexExpr, IndexExpr | undefined] {
  if (index.kind !== "add" || other?.kind !== "add") return [index, other];
  const [by, otherBy] = [index.right, other.right];
  return by.kind === "int" && otherBy.kind === "int" && by.value === otherBy.value
    ? [index.left, other.left]
    : [index, other];
}

function sameExtent(name: string, rootName: string, axes: readonly Axis[], rootAxes: readonly Axis[]): boolean {
  const [axis, rootAxis] = [axes.find((each) => each.name === name), rootAxes.find((each) => each.name === rootName)];
  return axis !== undefined && axis.extent === rootAxis?.extent && axis.batch === rootAxis.batch;
}
