/** The schedules that are tried for one kernel, in turn: first those listed by the cost model, then variants of the best so far. */
import {
  fitsKernel,
  listSchedules,
  mostPartsOf,
  optionsFor,
  scheduleText,
  sharedInQuads,
  variantsOf,
} from "../4-fuse/listSchedules.ts";
import { stagedSchedules } from "../4-fuse/shareReads.ts";
import { isFloat } from "../ir/graph.ts";
import { namedValue } from "../ir/kernel.ts";
import type { Schedule, ScheduleRequest } from "../ir/kernel.ts";

export interface Candidates {
  /** The next to be tried, when `best` is the fastest so far; undefined when there is none left. */
  next(best: Schedule | undefined): Schedule | undefined;
}

export interface CandidateOptions {
  readonly adapterClass: "cpu" | "gpu";
  /** Whether the device has subgroups. */
  readonly hasSubgroups: boolean;
  /** Whether it is a software adapter: barriers cost it so much, in its compiler too, that workgroup memory is not tried. */
  readonly software: boolean;
}

/** Schedules that are listed for a kernel, before variants of the best. */
export const candidatesPerKernel = 14;
const stagedVariants = 2;

/** Candidates for a kernel that has the schedule `own` now. */
export function createCandidates(request: ScheduleRequest, own: Schedule, asked: CandidateOptions): Candidates {
  const { kernel, isCut, typeOf } = request;
  const { adapterClass, hasSubgroups, software } = asked;
  const options = optionsFor(request, adapterClass, hasSubgroups);
  const seen = new Set<string>();
  const isNew = (schedule: Schedule): boolean => {
    const text = scheduleText(schedule);
    // Sums in parts that a second kernel adds must stay so.
    if (seen.has(text) || (isCut && schedule.split === undefined)) return false;
    seen.add(text);
    return true;
  };
  /** The same tiles with or without loads that several invocations share. */
  const sharing = (schedule: Schedule): readonly Schedule[] => {
    const root = kernel.stages[0]?.computation.body;
    if (root?.kind !== "reduce" || root.combine !== "sum") return [];
    const { quads, ...plain } = schedule;
    const staged = software ? [] : stagedSchedules(kernel, schedule, ({ from }) => isFloat(typeOf(namedValue(from))));
    const shared = [...staged.slice(0, stagedVariants), ...(quads === undefined ? [] : [plain]), ...sharedInQuads(schedule, kernel, options)]; // prettier-ignore
    // A text in quads may be longer than one without.
    return shared.filter((each) => fitsKernel(each, kernel, options));
  };
  let queue: Schedule[] | undefined;
  let isRefined = false;
  return {
    next(best) {
      if (queue === undefined) {
        // All others are compared with its own.
        isNew(own);
        queue = listSchedules(kernel, options, candidatesPerKernel).filter(isNew);
      }
      const from = best ?? own;
      if (queue.length === 0 && !isRefined) {
        isRefined = true;
        queue = [...variantsOf(from, mostPartsOf(kernel, options)), ...sharing(from)].filter(isNew);
      }
      return queue.shift();
    },
  };
}
