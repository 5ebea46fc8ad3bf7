/**
 * The parts of a compiled network that a tuner measures by themselves: its distinct kernels, each with the dispatches that compute it
 * and how often a step does so.
 */
import { scheduleKey } from "../4-fuse/scheduleKernels.ts";
import type { Schedule, ScheduleRequest } from "../ir/kernel.ts";
import type { CompiledNetwork } from "../ir/output.ts";
import type { DispatchPlan } from "../../runtime/plan.ts";
import { runsOf } from "../../runtime/programs.ts";

export type TunedProgram = "training" | "inference";

export interface TunedUnit {
  /** What names it in `Choices.schedules`. */
  readonly key: string;
  readonly program: TunedProgram;
  /** The layers of its first use. */
  readonly label: string;
  readonly request: ScheduleRequest;
  /** The schedule that it has in this network. */
  readonly schedule: Schedule;
  /** Of its first use: the kernel itself, and the one that adds its parts where it was cut in two. */
  readonly dispatches: readonly DispatchPlan[];
  /** Uses in one step. */
  readonly uses: number;
}

/** The units of both programs, by program and key, in the order of their first use. */
export function networkUnits(network: CompiledNetwork): ReadonlyMap<string, TunedUnit> {
  const units = new Map<string, TunedUnit>();
  for (const program of ["training", "inference"] as const) {
    const kernels = network[program]?.kernels;
    if (kernels === undefined) continue;
    const dispatches = network.plan[program]?.dispatches ?? [];
    for (let index = 0; index < dispatches.length; index++) {
      const [kernel, dispatch] = [kernels.kernels[index], dispatches[index]];
      const request = kernel && kernels.requests?.get(kernel.stages);
      if (kernel === undefined || dispatch === undefined || request === undefined) continue;
      // The sums of a kernel that was cut in two stand before the kernel that adds them.
      const own = dispatches.slice(index, index + (request.isCut ? 2 : 1));
      if (request.isCut) index++;
      const key = scheduleKey(request.signature, request.splittable);
      const known = units.get(unitName(program, key));
      const unit = {
        key,
        program,
        label: dispatch.label,
        request,
        schedule: kernel.schedule,
        dispatches: own,
        uses: runsOf(network.plan, dispatch),
      };
      units.set(unitName(program, key), known === undefined ? unit : { ...known, uses: known.uses + unit.uses });
    }
  }
  return units;
}

/** What names a unit among those of a network. */
export function unitName(program: TunedProgram, key: string): string {
  return `${program} ${key}`;
}
