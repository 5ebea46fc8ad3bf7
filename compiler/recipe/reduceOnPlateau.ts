/**
 * PyTorch's ReduceLROnPlateau on the test loss (or, with mode max, on the test accuracy): after more than `patience` epochs in
 * a row that are not better than the best one by the threshold, the rate is multiplied, and `cooldown` epochs do not count.
 */
import { defineSchedule, numberArg } from "./defineRecipePart.ts";
import type { RecipeArgs } from "./defineRecipePart.ts";
import { factorArgument } from "./scheduleArguments.ts";

export const reduceOnPlateau = defineSchedule({
  name: "reduce_on_plateau",
  doc: "times `factor` when the loss has not fallen for `patience` epochs",
  arguments: [
    {
      name: "mode",
      type: "word",
      default: "min",
      words: ["min", "max"],
      doc: "`min` watches the test loss, `max` the test accuracy",
    },
    { ...factorArgument, max: 1, maxExclusive: true },
    { name: "patience", type: "integer", min: 0, default: 10, doc: "epochs without improvement that are waited" },
    { name: "threshold", type: "real", min: 0, default: 1e-4, doc: "improvement that counts" },
    {
      name: "threshold_mode",
      type: "word",
      default: "rel",
      words: ["rel", "abs"],
      doc: "whether the threshold is a share of the best or a difference from it",
    },
    { name: "cooldown", type: "integer", min: 0, default: 0, doc: "epochs after a change that do not count" },
    { name: "min_lr", type: "real", min: 0, default: 0, doc: "lowest rate" },
    { name: "eps", type: "real", min: 0, default: 1e-8, doc: "changes of the rate up to this are not made" },
  ],
  rateAt(args, lr, { losses, accuracies }) {
    const isLoss = args["mode"] === "min";
    const [patience, cooldown] = [numberArg(args, "patience"), numberArg(args, "cooldown")];
    let [rate, best, waited, cooling] = [lr, isLoss ? Infinity : -Infinity, 0, 0];
    for (const value of isLoss ? losses : accuracies) {
      const bar = barOf(best, args);
      if (isLoss ? value < bar : value > bar) [best, waited] = [value, 0];
      else waited++;
      if (cooling > 0) [cooling, waited] = [cooling - 1, 0];
      if (waited <= patience) continue;
      const reduced = Math.max(rate * numberArg(args, "factor"), numberArg(args, "min_lr"));
      if (rate - reduced > numberArg(args, "eps")) rate = reduced;
      [cooling, waited] = [cooldown, 0];
    }
    return rate;
  },
});

/** What a value must pass to be better than the best so far. */
function barOf(best: number, args: RecipeArgs): number {
  const threshold = numberArg(args, "threshold") * (args["mode"] === "min" ? -1 : 1);
  return args["threshold_mode"] === "rel" ? best * (1 + threshold) : best + threshold;
}
