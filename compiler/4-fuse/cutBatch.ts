/**
 * A batch whose values no binding can hold, or that would keep a slow adapter busy for long with one kernel, cut in slabs of samples.
 * Everything after is planned for one slab; a kernel that spans the batch runs once a slab, on that slab's values, and one that sums
 * over it adds each slab's sum to those before. So equal layers share a kernel whatever the batch, and the compiler's work does not
 * grow with it.
 */
import { computed, iadd, idx, uniform } from "../ir/expression.ts";
import { substituteIndex } from "../ir/rewrite.ts";
import type { ScalarExpr } from "../ir/expression.ts";
import { multiplyAddsOf, typesOf } from "../ir/graph.ts";
import type { Graph } from "../ir/graph.ts";
import type { BatchSlabs } from "../ir/kernel.ts";
import { bindingAlignmentBytes } from "../ir/memory.ts";
import { valueBytes } from "../ir/program.ts";
import type { TensorProgram } from "../ir/program.ts";
import { rewriteComputation } from "./rewriteComputation.ts";

/** Words of the step's block beside `sampleCount`, which is the slab's own: the samples of all slabs, and the slab's first one. */
const [allSamples, firstSample] = [uniform("samples"), uniform("first")];

/**
 * Multiply-adds of one run of a kernel, at most: what the slowest adapter of a class does in a few seconds. No submit can be
 * shorter than that, wherever a step is cut (`6-emit/cutSubmits.ts`). Those of a single sample are not cut.
 */
const mostWork = { cpu: 2e9, gpu: 1e11 } as const;

/** What an adapter can do with a batch. */
export interface BatchLimits {
  readonly bindingBytes: number;
  readonly adapterClass: keyof typeof mostWork;
}

/**
 * How the batch of a network, and of its training step, is cut; undefined where all their values fit a binding, and no kernel runs for
 * long. One sample of each must fit.
 */
export function cutBatch(
  network: Graph,
  step: Graph | undefined,
  batch: number,
  { bindingBytes, adapterClass }: BatchLimits,
): BatchSlabs | undefined {
  const graphs = step === undefined ? [network] : [network, step];
  const types = graphs.flatMap((graph) => [...typesOf(graph).values()]);
  const samples = types.flatMap((type) => (type.batched ? [valueBytes(type, 1)] : []));
  const holding = Math.floor(bindingBytes / Math.max(1, ...samples));
  if (holding === 0) return undefined;
  const working = Math.floor(mostWork[adapterClass] / Math.max(1, longestWork(network)));
  const most = Math.min(holding, Math.max(1, working));
  if (batch <= most) return undefined;
  const rows = rowsOfSlab(batch, most, holding, imagesPeriod(network));
  return rows >= batch ? undefined : { count: Math.ceil(batch / rows), rows };
}

/**
 * Samples of a slab: at most `most` where `period` divides some such number, at most `holding` in any case. Slabs of a multiple of
 * `period` images lie behind each other in one piece, into which images are prepared.
 */
function rowsOfSlab(batch: number, most: number, holding: number, period: number): number {
  const least = Math.ceil(batch / most);
  // Slabs that are all full waste no memory; a few more of them cost little.
  const counts = Array.from({ length: Math.floor(least / 2) + 1 }, (_, more) => least + more);
  const full = counts.filter((count) => batch % count === 0).map((count) => batch / count);
  const fullInPeriods = full.find((rows) => rows % period === 0);
  if (fullInPeriods !== undefined) return fullInPeriods;
  const even = Math.ceil(batch / least);
  const inPeriods = [Math.ceil(even / period) * period, Math.floor(most / period) * period];
  const fitting = inPeriods.find((rows) => rows > 0 && rows <= most);
  return fitting ?? (period <= holding ? period : (full[0] ?? even));
}

/** Of how many images the bytes are a multiple of what bindings must begin at. */
function imagesPeriod({ inputs }: Graph): number {
  const images = inputs.find(({ name }) => name === "images");
  const bytes = images === undefined ? bindingAlignmentBytes : valueBytes(images.type, 1);
  let period = 1;
  while ((bytes * period) % bindingAlignmentBytes !== 0) period *= 2;
  return period;
}

/**
 * The most multiply-adds for one sample that a layer with weights has. Its gradients' kernels have as many: those of a strided
 * convolution write no more taps, though they pass over more.
 */
function longestWork({ nodes, parameters }: Graph): number {
  const parameterOf = new Map(parameters.map((parameter) => [parameter.value, parameter]));
  return Math.max(0, ...nodes.map((node) => multiplyAddsOf(node, parameterOf)));
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
