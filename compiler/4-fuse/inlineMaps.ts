/**
 * In: a graph of maps and reductions without a backward pass. Out: a kernel for each value that must lie in memory, with the
 * maps that lead to it written into its loads. A crop of a resized image so reads the bytes themselves, at the place that
 * the draw decides, and nothing lies in memory in between.
 *
 *   before: a[y] = b[2 y];  c[y] = a[y + draw]
 *   after:  c[y] = b[2 (y + draw)]
 *
 * Kept in memory are sums, and the few numbers of a sample that decide about all its pixels.
 */
import { all, compareIndex, loadsOf, select } from "../ir/expression.ts";
import { indexRule, rewriteScalar, substituteIndex } from "../ir/rewrite.ts";
import type { Computation, IndexExpr, ScalarExpr } from "../ir/expression.ts";
import { InternalCompilerError } from "../ir/diagnostic.ts";
import { elementCount } from "../ir/graph.ts";
import type { Graph, ValueId } from "../ir/graph.ts";
import { namedValue, valueName } from "../ir/kernel.ts";
import type { Kernel, KernelPlan, Roles } from "../ir/kernel.ts";
import type { OpDefinition } from "../ops/defineOp.ts";
import { lowerGraph } from "./lowerGraph.ts";
import { rewriteComputation } from "./rewriteComputation.ts";

export interface InlineOptions {
  readonly ops: ReadonlyMap<string, OpDefinition>;
  readonly batch: number;
}

/** Numbers of a sample up to which they are computed once rather than for each reader. */
const fewNumbers = 16;

/** The kernels of a graph without a backward pass; see above. */
export function inlineMaps(graph: Graph, { ops, batch }: InlineOptions): KernelPlan {
  const inlined = new Map<string, Computation>();
  const kernels: Kernel[] = [];
  const outputs = new Set(graph.heads.map(({ value }) => value));
  const { nodes, types } = lowerGraph(graph, ops, batch);
  for (const { value, op, type, computation: own, origin } of nodes) {
    const computation = rewriteComputation(own, inline, (index) => index);
    if (computation.body.kind === "map" && !outputs.has(value) && elementCount(type) > fewNumbers) {
      inlined.set(valueName(value), computation);
      continue;
    }
    const roles = rolesOf(graph, computation);
    kernels.push({
      name: `k${kernels.length}`,
      stages: [{ value, op, computation, type, stored: true, origin, roles }],
      schedule: { tile: {}, unroll: {}, workgroupSize: 64 },
    });
  }
  return { kernels, aliasOf: new Map(), slabsOf: new Map(), types, scratch: new Map() };

  /** A load of an inlined map becomes the map's formula at the load's place. */
  function inline(expr: ScalarExpr): ScalarExpr | undefined {
    if (expr.kind !== "load") return undefined;
    const index = expr.index.map(indexRule({ scalar: inline }));
    const source = inlined.get(expr.from);
    if (source === undefined) return { ...expr, index };
    const places = new Map<string, IndexExpr>(source.axes.map(({ name }, dimension) => [name, at(index, dimension)]));
    const value = rewriteScalar(source.body.value, { index: (inner) => substituteIndex(inner, places) });
    if (expr.fill === undefined) return value;
    const inside = source.axes.flatMap(({ extent }, dimension) => {
      const place = at(index, dimension);
      return [compareIndex("ge", place, 0), compareIndex("lt", place, extent)];
    });
    return select(all(...inside), value, expr.fill);
  }
}

function at(index: readonly IndexExpr[], dimension: number): IndexExpr {
  const place = index[dimension];
  if (place === undefined) throw new InternalCompilerError("inlineMaps", "a load with too few indices");
  return place;
}

/** What the kernel's bindings are called. */
function rolesOf(graph: Graph, computation: Computation): Roles {
  const named = new Map<ValueId, string>([...graph.inputs, ...graph.states].map(({ value, name }) => [value, name]));
  for (const { output, op } of graph.nodes) named.set(output, op);
  return new Map(loadsOf(computation).map(({ from }) => [from, named.get(namedValue(from)) ?? "value"]));
}
