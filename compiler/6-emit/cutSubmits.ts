/**
 * Where a step's commands are cut, so that none of them keeps an adapter busy for long: a system takes a GPU that does not answer
 * for a few seconds for one that hangs, and a page cannot draw meanwhile.
 */

import type { DispatchPlan } from "../../runtime/plan.ts";

/** Multiply-adds that the slowest adapter of a class does in a second or two. */
const mostWork = { cpu: 1e9, gpu: 1e11 } as const;

/** Of a dispatch: the multiply-adds of one run, and how often it runs, once a slab. */
export interface DispatchWork {
  readonly work: number;
  readonly runs: number;
}

/** Of each dispatch: whether a new submit begins with it, and how many of its slabs are one. */
export function cutSubmits(
  works: readonly DispatchWork[],
  adapterClass: keyof typeof mostWork,
): readonly Pick<DispatchPlan, "beginsSubmit" | "slabsPerSubmit">[] {
  const most = mostWork[adapterClass];
  let sum = 0;
  return works.map(({ work, runs }) => {
    const begins = sum > 0 && sum + work * runs > most;
    const slabsPerSubmit = Math.max(1, Math.floor(most / Math.max(1, work)));
    const isCut = runs > slabsPerSubmit;
    const last = isCut ? ((runs - 1) % slabsPerSubmit) + 1 : runs;
    sum = work * last + (begins || isCut ? 0 : sum);
    return { ...(begins && { beginsSubmit: true as const }), ...(isCut && { slabsPerSubmit }) };
  });
}
