/** Rewritings of one computation that keep its elements: other names for what it loads, an axis cut in several. */
import { iadd, idiv, imod, imul, idx, rewriteScalar, substituteIndex } from "../ir/expression.ts";
import type { Axis, Computation, IndexExpr, ScalarExpr } from "../ir/expression.ts";

/** The computation with every scalar and index expression rewritten. */
export function rewriteComputation(
  computation: Computation,
  scalar: (expr: ScalarExpr) => ScalarExpr | undefined,
  index: (expr: IndexExpr) => IndexExpr,
): Computation {
  const again = (expr: ScalarExpr): ScalarExpr => rewriteScalar(expr, { scalar, index });
  const { body } = computation;
  if (body.kind === "map") return { ...computation, body: { ...body, value: again(body.value) } };
  return { ...computation, body: { ...body, value: again(body.value), finish: again(body.finish) } };
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
      return { ...expr, from: to, index: [expr.index[0] as IndexExpr, ...cutIndex(position, shape)] };
    },
    (expr) => expr,
  );
  return possible ? renamed : undefined;
}

/** A linear index cut into one of `shape`, row-major. */
function cutIndex(linear: IndexExpr, shape: readonly number[]): readonly IndexExpr[] {
  return shape.map((size, dimension) => {
    const inner = shape.slice(dimension + 1).reduce((product, each) => product * each, 1);
    const outer = inner === 1 ? linear : idiv(linear, inner);
    return dimension === 0 ? outer : imod(outer, size);
  });
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
