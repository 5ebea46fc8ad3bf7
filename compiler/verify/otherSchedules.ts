/** Schedules as a tuner might find them, for checks that a network computes the same by each. */
import { listSchedules, optionsFor } from "../4-fuse/listSchedules.ts";
import type { Schedule } from "../ir/kernel.ts";
import type { CompiledNetwork } from "../ir/output.ts";
import { networkUnits } from "../tune/networkUnits.ts";

/**
 * Of every kernel another of the schedules that `cnnc tune` would try for it, of `count`; the cost model's own is at turn 0. With
 * `quads` those that share loads in quads are among them.
 */
export function otherSchedules(
  network: CompiledNetwork,
  turn: number,
  count: number,
  quads = false,
): ReadonlyMap<string, Schedule> {
  return new Map(
    [...networkUnits(network).values()].flatMap(({ key, request, dispatches }) => {
      const listed = listSchedules(request.kernel, optionsFor(request, "cpu", quads), count);
      // A sum whose parts a second kernel adds stays in parts.
      const usable = dispatches.length > 1 ? listed.filter(({ split }) => split !== undefined) : listed;
      const schedule = usable[turn % usable.length];
      return schedule === undefined ? [] : [[key, schedule] as const];
    }),
  );
}
