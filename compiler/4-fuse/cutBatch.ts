/**
 * A batch whose values no binding can hold, cut in slabs of samples. Everything after is planned for one slab; a kernel that spans the
 * batch runs once a slab, on that slab's values, and one that sums over it adds each slab's sum to those before. So equal layers
 * share a kernel whatever the batch, and the compiler's work does not grow with it.
 */
import { computed, iadd, idx, substituteIndex, uniform } from "../ir/expression.ts";
import type { ScalarExpr } from "../ir/expression.ts";
import { typesOf } from "../ir/graph.ts";
import type { Graph } from "../ir/graph.ts";
import type { BatchSlabs } from "../ir/kernel.ts";
import { valueBytes } from "../ir/program.ts";
import type { TensorProgram } from "../ir/program.ts";
import { rewriteComputation } from "./rewriteComputation.ts";

/** Words of the step's block beside `sampleCount`, which is the slab's own: the samples of all slabs, and the slab's first one. */
const [allSamples, firstSample] = [uniform("samples"), uniform("first")];

/** How the batch of a network's graphs is cut; undefined where all their values fit a binding. One sample of each must. */
export function cutBatch(graphs: readonly Graph[], batch: number, bindingBytes: number): BatchSlabs | undefined {
  const types = graphs.flatMap((graph) => [...typesOf(graph).values()]);
  const samples = types.flatMap((type) => (type.batched ? [valueBytes(type, 1)] : []));
  const most = Math.floor(bindingBytes / Math.max(1, ...samples));
  if (most === 0 || batch <= most) return undefined;
  const least = Math.ceil(batch / most);
  // Slabs that are all full waste no memory; a few more of them cost little.
  const full = Array.from({ length: Math.floor(least / 2) + 1 }, (_, more) => least + more);
  const count = full.find((each) => batch % each === 0) ?? least;
  const rows = Math.ceil(batch / count);
  return { count: Math.ceil(batch / rows), rows };
}

/**
 * The program as it is computed for one slab of `n`: means are over the samples of all slabs, and random numbers are drawn by the
 * sample's number in the whole batch.
 */
export function countSamples(program: TensorProgram, batch: number): TensorProgram {
  const first = computed(firstSample, 0, batch - 1);
  const byAxis = new Map([["n", iadd(idx({ name: "n", extent: batch }), first)]]);
  const inBatch = (expr: ScalarExpr): ScalarExpr | undefined => {
    if (expr.kind === "uniform" && expr.name === "count") return allSamples;
    if (expr.kind !== "random") return undefined;
    return { ...expr, counter: substituteIndex(expr.counter, byAxis) };
  };
  const nodes = program.nodes.map((node) => ({
    ...node,
    computation: rewriteComputation(node.computation, inBatch, (index) => index),
  }));
  return { ...program, nodes };
}
