import { UserError } from "../files/userError.ts";
import { InternalCompilerError } from "../ir/diagnostic.ts";
import type { Recipe } from "../ir/recipe.ts";
import { scheduledRate, type ScheduleTime } from "../recipe/defineRecipePart.ts";
import { schedules } from "../recipe/index.ts";
import type { ScheduleMoment, TrainingOptions } from "./trainNetwork.ts";

/** The momentum of each step, where the schedule moves it; else undefined. */
export function momentumOf({ schedule }: Recipe, epochs: number): NonNullable<TrainingOptions["momentumAt"]> {
  const definition = schedules.get(schedule.name);
  return (at) => definition?.momentumAt?.(schedule.args, timeOf(at, epochs));
}

/** The learning rate of each step by a recipe's schedule, over a run of `epochs`; throws `UserError` without an lr. */
export function rateOf({ optimizer, schedule }: Recipe, epochs: number): TrainingOptions["rateAt"] {
  const base = optimizer.args["lr"];
  if (typeof base !== "number") throw new UserError(`optimizer ${optimizer.name} gives no learning rate lr`);
  const definition = schedules.get(schedule.name);
  if (definition === undefined) throw new InternalCompilerError("rateOf", `no schedule is called ${schedule.name}`);
  return (at) => scheduledRate(definition, schedule.args, base, timeOf(at, epochs));
}

function timeOf({ step, stepsPerEpoch, testLosses, testAccuracies }: ScheduleMoment, epochs: number): ScheduleTime {
  return { step, stepsPerEpoch, epochs, losses: testLosses, accuracies: testAccuracies };
}
