/** Rewritings of one computation that keep its elements: other names for what it loads, an axis cut in several. */
import { iadd, idiv, imod, imul, idx } from "../ir/expression.ts";
import { rewriteScalar, substituteIndex } from "../ir/rewrite.ts";
import type { Axis, Computation, IndexExpr, ScalarExpr } from "../ir/expression.ts";

/** The computation with every scalar and index expression rewritten; itself where none is. */
export function rewriteComputation(
  computation: Computation,
  scalar: (expr: ScalarExpr) => ScalarExpr | undefined,
  index: (expr: IndexExpr) => IndexExpr,
): Computation {
  const rules = { scalar, index };
  const { body } = computation;
  const value = rewriteScalar(body.value, rules);
  if (body.kind === "map") return value === body.value ? computation : { ...computation, body: { ...body, value } };
  const finish = rewriteScalar(body.finish, rules);
  if (value === body.value && finish === body.finish) return computation;
  return { ...computation, body: { ...body, value, finish } };
}

/**
 * Loads of `from` become loads of `to`. With `shape` (of one sample), `to` has another shape with the same elements: a
 * vector's index is cut into that shape's, and undefined comes back where a load's index cannot be.
 */
export function renameLoads(
  computation: Computation,
  from: string,
  to: string,
  shape?: readonly number[],
): Computation | undefined {
  let possible = true;
  const { axes, body } = computation;
  const extents = new Map(
    [...axes, ...(body.kind === "reduce" ? body.over : [])].map((axis) => [axis.name, axis.extent]),
  );
  const renamed = rewriteComputation(
    computation,
    (expr) => {
      if (expr.kind !== "load" || expr.from !== from) return undefined;
      if (shape === undefined || expr.index.length === shape.length + 1) return { ...expr, from: to };
      const position = expr.index[1];
      if (expr.index.length !== 2 || position === undefined || expr.fill !== undefined) {
        possible = false;
        return undefined;
      }
      return { ...expr, from: to, index: [expr.index[0] as IndexExpr, ...cutIndex(position, shape, extents)] };
    },
    (expr) => expr,
  );
  return possible ? renamed : undefined;
}

/**
 * A linear index cut into one of `shape`, row-major. One that was put together from axes of that shape falls into them again,
 * also where a tile reaches past the end of an axis, so that a quotient of what is there would not fold.
 */
function cutIndex(
  linear: IndexExpr,
  shape: readonly number[],
  extents: ReadonlyMap<string, number>,
): readonly IndexExpr[] {
  const size = shape.at(-1);
  if (size === undefined || shape.length === 1) return [linear];
  const outer = shape.slice(0, -1);
  if (linear.kind === "add" && linear.left.kind === "mul" && linear.left.by === size && linear.right.kind === "axis") {
    const inner = extents.get(linear.right.name);
    if (inner === size) return [...cutIndex(linear.left.of, outer, extents), linear.right];
  }
  return [...cutIndex(idiv(linear, size), outer, extents), imod(linear, size)];
}

/** The last axis, of `extent` elements, replaced by several whose extents multiply to it; undefined if it is another. */
export function splitLastAxis(computation: Computation, extent: number, by: readonly Axis[]): Computation | undefined {
  const last = computation.axes.at(-1);
  if (last?.extent !== extent || last.batch === true) return undefined;
  const linear = by.reduce<IndexExpr | undefined>(
    (outer, axis) => (outer === undefined ? idx(axis) : iadd(imul(outer, axis.extent), axis)),
    undefined,
  );
  const replacement = new Map([[last.name, linear ?? idx(0)]]);
  const taken = new Set(
    [...computation.axes.slice(0, -1), ...(computation.body.kind === "reduce" ? computation.body.over : [])].map(
      (axis) => axis.name,
    ),
  );
  if (by.some((axis) => taken.has(axis.name))) return undefined;
  const rewritten = rewriteComputation(
    computation,
    () => undefined,
    (expr) => substituteIndex(expr, replacement),
  );
  return { ...rewritten, axes: [...computation.axes.slice(0, -1), ...by] };
}

/** The computation with its axes under other names, those of its reduction included. */
export function renameAxes(computation: Computation, names: ReadonlyMap<string, string>): Computation {
  const replacement = new Map<string, IndexExpr>([...names].map(([from, to]) => [from, { kind: "axis", name: to }]));
  const rename = (axis: Axis): Axis => ({ ...axis, name: names.get(axis.name) ?? axis.name });
  const rewritten = rewriteComputation(
    computation,
    () => undefined,
    (expr) => substituteIndex(expr, replacement),
  );
  const { body } = rewritten;
  return {
    axes: computation.axes.map(rename),
    body: body.kind === "map" ? body : { ...body, over: body.over.map(rename) },
  };
}
