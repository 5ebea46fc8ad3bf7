/** The schedules that are tried for one kernel, in turn: first those listed by the cost model, then variants of the best so far. */
import { listSchedules, mostPartsOf, scheduleText, variantsOf } from "../4-fuse/listSchedules.ts";
import type { ScheduleOptions } from "../4-fuse/chooseSchedule.ts";
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

const [candidatesPerKernel, stagedVariants] = [14, 2];

/** Candidates for a kernel that has the schedule `own` now: where it shares its loads in quads, they do, too. */
export function createCandidates(request: ScheduleRequest, own: Schedule, asked: CandidateOptions): Candidates {
  const { kernel, splittable, isCut, lineBudget, typeOf } = request;
  const { adapterClass, hasSubgroups, software } = asked;
  const isPacked = (name: string): boolean => typeOf(namedValue(name)).packed === true;
  const options: ScheduleOptions = { adapterClass, splittable, lineBudget, isPacked };
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
    const { subgroups, ...plain } = schedule;
    if (subgroups === true) return [plain];
    const staged = software ? [] : stagedSchedules(kernel, schedule, ({ from }) => isFloat(typeOf(namedValue(from))));
    return [...staged.slice(0, stagedVariants), ...(hasSubgroups ? [inQuads(schedule)] : [])];
  };
  let queue: Schedule[] | undefined;
  let chosen: Schedule | undefined;
  let isRefined = false;
  return {
    next(best) {
      if (queue === undefined) {
        const plain = listSchedules(kernel, options, candidatesPerKernel);
        const listed = own.subgroups === true ? plain.map(inQuads) : plain;
        [chosen] = listed;
        // The first is the cost model's own, which all others are compared with.
        queue = listed.filter((schedule) => isNew(schedule) && schedule !== chosen);
      }
      const from = best ?? chosen;
      if (queue.length === 0 && !isRefined && from !== undefined) {
        isRefined = true;
        queue = [...variantsOf(from, mostPartsOf(kernel, options)), ...sharing(from)].filter(isNew);
      }
      return queue.shift();
    },
  };
}

function inQuads(schedule: Schedule): Schedule {
  return { ...schedule, subgroups: true };
}
