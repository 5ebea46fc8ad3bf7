/**
 * PyTorch's ReduceLROnPlateau on the test loss (or, with mode max, on the test accuracy): after more than `patience` epochs in
 * a row that are not better than the best one by the threshold, the rate is multiplied, and `cooldown` epochs do not count.
 */
import { defineSchedule } from "./defineRecipePart.ts";
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
});
