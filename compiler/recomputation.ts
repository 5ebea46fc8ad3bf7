/** Steps that compute forward values again for their backward pass: how the pipeline comes to one. */
import { chooseRecomputed, recomputedUnasked } from "./3-differentiate/chooseRecomputed.ts";
import { recomputeForward } from "./3-differentiate/recomputeForward.ts";
import { heldForBackward } from "./5-plan/heldForBackward.ts";
import type { TensorType, TrainingGraph } from "./ir/graph.ts";
import type { ProgramPlan, Recomputation } from "./ir/output.ts";

/** A training step, and the elements that it computes again for one image. */
export interface LeanGraph {
  readonly graph: TrainingGraph;
  readonly work: number;
}

/** The step with what is worth computing again unasked; `sizeOf` is a value's bytes for a whole batch. */
export function leanUnasked(graph: TrainingGraph, sizeOf: (type: TensorType) => number): LeanGraph {
  const { values, work } = recomputedUnasked(graph, sizeOf);
  return { graph: values.size === 0 ? graph : recomputeForward(graph, values), work };
}

interface Planned {
  readonly training: { readonly graph: TrainingGraph; readonly program: ProgramPlan };
}

/** The cheapest step that holds at most a share of what the plain one does; the leanest of all where none does. */
export function holdingAtMost<T extends Planned>(
  share: number,
  plain: T,
  plan: (candidate: TrainingGraph) => T,
): T & { readonly recomputation: Recomputation } {
  const { graph, program } = plain.training;
  const wholeBytes = heldForBackward(program);
  let leanest = { ...plain, recomputation: { heldBytes: wholeBytes, wholeBytes, work: 0 } };
  if (share >= 1) return leanest;
  for (const { values, work } of chooseRecomputed(graph)) {
    const planned = plan(recomputeForward(graph, values));
    const heldBytes = heldForBackward(planned.training.program);
    if (heldBytes < leanest.recomputation.heldBytes) {
      leanest = { ...planned, recomputation: { heldBytes, wholeBytes, work } };
    }
    if (heldBytes <= share * wholeBytes) break;
  }
  return leanest;
}
