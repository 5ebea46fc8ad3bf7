import { affineOf, rangeOf, variableAffine } from "../ir/affine.ts";
import type { Range } from "../ir/affine.ts";
import type { Computation, IndexExpr } from "../ir/expression.ts";

/** What an index can be, whatever the axes of its computation are. */
export function indexRange(index: IndexExpr, { axes, body }: Computation): Range {
  const all = [...axes, ...(body.kind === "reduce" ? body.over : [])];
  const ranges = new Map<string, Range>(all.map((axis) => [axis.name, { low: 0, high: axis.extent - 1 }]));
  const bindings = new Map(all.map((axis) => [axis.name, variableAffine(axis.name)]));
  return rangeOf(affineOf(index, bindings, ranges), ranges);
}

/** Whether an index stays in [0, extent). */
export function isWithin(index: IndexExpr, extent: number, computation: Computation): boolean {
  const { low, high } = indexRange(index, computation);
  return low >= 0 && high < extent;
}
