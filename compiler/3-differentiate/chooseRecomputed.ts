/**
 * chooseRecomputed: which forward values a step may compute again, in several ways, the cheapest first. What each of them
 * really saves is known when the step has its kernels and its memory.
 *
 * - The **cheap** way: whatever is computed element by element from one kept value, as relu of a batch norm of a convolution is.
 * - **Stretches**: the forward pass is cut where few bytes cross; what crosses is kept, and the rest runs again, stretch by
 *   stretch, from the last cut back to the first. What lies behind the last cut is kept: its backward pass comes first.
 */
import { elementCount, typeOf, typesOf } from "../ir/graph.ts";
import type { GraphNode, TensorType, TrainingGraph, ValueId } from "../ir/graph.ts";
import { termsOfElement } from "./graphBuilder.ts";
import { forwardNodes, viewedBy } from "./recomputeForward.ts";

export interface Recomputed {
  /** The values to compute again. */
  readonly values: ReadonlySet<ValueId>;
  /** Elements of the values that the copies compute, for one sample, each weighted by the terms of its sum. */
  readonly work: number;
}

/** A step that saves no more than this, or a smaller share of what it holds, is not worth the time of computing again unasked. */
const worthwhile = { bytes: 64 * 1024 * 1024, share: 0.1 } as const;

/**
 * What a step computes again without being asked: element by element, from the one value that is kept for the backward pass anyway,
 * as relu of batch norm is from what the norm reads. Empty where that saves little of the bytes that `sizeOf` gives a type.
 */
export function recomputedUnasked(graph: TrainingGraph, sizeOf: (type: TensorType) => number): Recomputed {
  const types = typesOf(graph);
  const forward = forwardNodes(graph);
  const forwardValues = new Set(forward.map(({ output }) => output));
  const storageOf = viewedStorage(graph);
  const backward = graph.nodes.filter(({ output }) => !forwardValues.has(output));
  const read = backward.flatMap((node) => batchedInputs(node, types).map(storageOf));
  const held = new Set(read.filter((value) => forwardValues.has(value)));
  const heads = new Set(graph.heads.map(({ value }) => storageOf(value)));

  // In the order of the forward pass: of each value that may be computed again, the kept one that it is made of.
  const madeOf = new Map<ValueId, ValueId>();
  for (const node of forward) {
    if (viewedBy(node) !== undefined || heads.has(node.output) || termsOfElement(node, types) !== 1) continue;
    const [first, ...others] = batchedInputs(node, types).map(storageOf);
    if (first === undefined || others.some((other) => other !== first)) continue;
    const source = madeOf.get(first) ?? first;
    if (held.has(source)) madeOf.set(node.output, source);
  }
  const bytesOf = (values: Iterable<ValueId>): number =>
    [...values].reduce((sum, value) => sum + sizeOf(typeOf(types, value)), 0);
  const saved = bytesOf([...madeOf.keys()].filter((value) => held.has(value)));
  const isWorthwhile = saved >= worthwhile.bytes && saved >= worthwhile.share * bytesOf(held);
  const values = new Set(isWorthwhile ? madeOf.keys() : []);
  return { values, work: [...values].reduce((sum, value) => sum + elementCount(typeOf(types, value)), 0) };
}

/** The most stretches that are tried. */
const mostStretches = 12;

/** The ways to compute forward values again, the cheapest first. */
export function chooseRecomputed(graph: TrainingGraph): readonly Recomputed[] {
  const types = typesOf(graph);
  const heads = new Set(graph.heads.map(({ value }) => value));
  const nodes = forwardNodes(graph).filter((node) => viewedBy(node) === undefined);
  const candidates = nodes.filter(({ type, output }) => type.batched && !heads.has(output));
  const termsOf = new Map(nodes.map((node) => [node.output, termsOfElement(node, types)]));
  const workOf = new Map(nodes.map(({ output, type }) => [output, (termsOf.get(output) ?? 1) * elementCount(type)]));
  const elementwise = candidates.filter(({ output }) => termsOf.get(output) === 1);
  const ways = [cheapValues(elementwise, types), ...stretchesOf(graph, nodes, candidates)];
  const seen = new Set<string>();
  return ways
    .map((values) => ({ values, work: [...values].reduce((sum, value) => sum + (workOf.get(value) ?? 0), 0) }))
    .filter(({ values }) => {
      const key = [...values].join(" ");
      const isNew = values.size > 0 && !seen.has(key);
      seen.add(key);
      return isNew;
    })
    .sort((a, b) => a.work - b.work);
}

/** What is computed element by element, but for what a sum of two branches leads to: copies of it would reach through all blocks. */
function cheapValues(elementwise: readonly GraphNode[], types: ReadonlyMap<ValueId, TensorType>): ReadonlySet<ValueId> {
  const behindSum = new Set<ValueId>();
  const cheap = new Set<ValueId>();
  for (const node of elementwise) {
    const batched = batchedInputs(node, types);
    if (batched.length > 1 || batched.some((value) => behindSum.has(value))) behindSum.add(node.output);
    else cheap.add(node.output);
  }
  return cheap;
}

/** For two stretches and more: what lies between the cuts into about equal ones, but for the last. */
function stretchesOf(
  graph: TrainingGraph,
  nodes: readonly GraphNode[],
  candidates: readonly GraphNode[],
): readonly ReadonlySet<ValueId>[] {
  const lastUse = lastUses(graph, nodes);
  const sizeOf = new Map(candidates.map(({ output, type }) => [output, elementCount(type)]));
  const total = [...sizeOf.values()].reduce((sum, size) => sum + size, 0);
  return Array.from({ length: mostStretches - 1 }, (_, index) =>
    stretchValues(nodes, sizeOf, lastUse, total / (index + 2)),
  );
}

/** What lies between cuts into stretches of about `share` elements, but for the last stretch. */
function stretchValues(
  nodes: readonly GraphNode[],
  sizeOf: ReadonlyMap<ValueId, number>,
  lastUse: ReadonlyMap<ValueId, number>,
  share: number,
): ReadonlySet<ValueId> {
  const crossing = (position: number): readonly ValueId[] =>
    nodes
      .slice(0, position + 1)
      .flatMap(({ output }) => (sizeOf.has(output) && (lastUse.get(output) ?? -1) > position ? [output] : []));
  const bytes = (values: readonly ValueId[]): number =>
    values.reduce((sum, value) => sum + (sizeOf.get(value) ?? 0), 0);

  const kept = new Set<ValueId>();
  let [since, end] = [0, -1];
  let narrowest: { readonly values: readonly ValueId[]; readonly at: number } | undefined;
  for (const [position, node] of nodes.entries()) {
    since += sizeOf.get(node.output) ?? 0;
    if (since < share * 0.75) continue;
    const values = crossing(position);
    if (narrowest === undefined || bytes(values) <= bytes(narrowest.values)) narrowest = { values, at: position };
    if (since < share * 1.25) continue;
    for (const value of narrowest.values) kept.add(value);
    end = narrowest.at;
    since = nodes.slice(end + 1, position + 1).reduce((sum, { output }) => sum + (sizeOf.get(output) ?? 0), 0);
    narrowest = undefined;
  }
  const before = new Set(nodes.slice(0, end + 1).map(({ output }) => output));
  return new Set([...sizeOf.keys()].filter((value) => before.has(value) && !kept.has(value)));
}

/** Of each forward value: the position of the last forward node that reads it, itself or through a view. */
function lastUses(graph: TrainingGraph, nodes: readonly GraphNode[]): ReadonlyMap<ValueId, number> {
  const storageOf = viewedStorage(graph);
  return new Map(
    nodes.flatMap((node, position) => Object.values(node.inputs).map((value) => [storageOf(value), position] as const)),
  );
}

function batchedInputs(node: GraphNode, types: ReadonlyMap<ValueId, TensorType>): readonly ValueId[] {
  return Object.values(node.inputs).filter((value) => types.get(value)?.batched === true);
}

/** What a value is a view of, through all views between; a value that is none is its own. */
function viewedStorage(graph: TrainingGraph): (value: ValueId) => ValueId {
  const viewed = new Map(
    graph.nodes.flatMap((node) => {
      const of = viewedBy(node);
      return of === undefined ? [] : [[node.output, of] as const];
    }),
  );
  const storageOf = (value: ValueId): ValueId => {
    const of = viewed.get(value);
    return of === undefined ? value : storageOf(of);
  };
  return storageOf;
}
