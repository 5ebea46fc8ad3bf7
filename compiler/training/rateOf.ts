import { UserError } from "../files/userError.ts";
import type { Recipe } from "../ir/recipe.ts";
import { scheduledMomentum, scheduledRate, type ScheduleTime } from "../../runtime/schedules.ts";
import type { ScheduleMoment, TrainingOptions } from "./trainNetwork.ts";

/** The momentum of each step, where the schedule moves it; else undefined. */
export function momentumOf(
  { schedule: { name, args } }: Recipe,
  epochs: number,
): NonNullable<TrainingOptions["momentumAt"]> {
  return (at) => scheduledMomentum({ ...args, name }, timeOf(at, epochs));
}

/** The learning rate of each step by a recipe's schedule, over a run of `epochs`; throws `UserError` without an lr. */
export function rateOf({ optimizer, schedule: { name, args } }: Recipe, epochs: number): TrainingOptions["rateAt"] {
  const base = optimizer.args["lr"];
  if (typeof base !== "number") throw new UserError(`optimizer ${optimizer.name} gives no learning rate lr`);
  return (at) => scheduledRate({ ...args, name }, base, timeOf(at, epochs));
}

function timeOf({ step, stepsPerEpoch, testLosses, testAccuracies }: ScheduleMoment, epochs: number): ScheduleTime {
  return { step, stepsPerEpoch, epochs, losses: testLosses, accuracies: testAccuracies };
}
