import { UserError } from "../files/userError.ts";
import type { Recipe } from "../ir/recipe.ts";
import type { TrainingOptions } from "./trainNetwork.ts";

/** The learning rate of each step by a recipe's schedule, over a run of `epochs`; throws `UserError` for one that is not there yet. */
export function rateOf(recipe: Recipe, _epochs: number): TrainingOptions["rateAt"] {
  const base = recipe.optimizer.args["lr"];
  if (typeof base !== "number") throw new UserError(`optimizer ${recipe.optimizer.name} gives no learning rate lr`);
  if (recipe.schedule.name !== "constant") throw new UserError(`schedule ${recipe.schedule.name} is not supported yet`);
  return () => base;
}
