/**
 * PyTorch's ReduceLROnPlateau on the test loss: an epoch is better when its loss is below best * (1 - threshold); after more
 * than `patience` epochs in a row that are not, the rate is multiplied, and `cooldown` epochs do not count.
 */
import { defineSchedule, numberArg } from "./defineRecipePart.ts";
import { factorArgument } from "./scheduleArguments.ts";

/** Changes of the rate smaller than this are not made. */
const smallestChange = 1e-8;

export const reduceOnPlateau = defineSchedule({
  name: "reduce_on_plateau",
  doc: "times `factor` when the loss has not fallen for `patience` epochs",
  arguments: [
    factorArgument,
    { name: "patience", type: "integer", min: 0, default: 10, doc: "epochs without improvement that are waited" },
    { name: "threshold", type: "real", min: 0, default: 1e-4, doc: "relative improvement that counts" },
    { name: "cooldown", type: "integer", min: 0, default: 0, doc: "epochs after a change that do not count" },
    { name: "min_lr", type: "real", min: 0, default: 0, doc: "lowest rate" },
  ],
  rateAt(args, lr, { losses }) {
    const [patience, cooldown] = [numberArg(args, "patience"), numberArg(args, "cooldown")];
    let [rate, best, waited, cooling] = [lr, Infinity, 0, 0];
    for (const loss of losses) {
      if (loss < best * (1 - numberArg(args, "threshold"))) [best, waited] = [loss, 0];
      else waited++;
      if (cooling > 0) [cooling, waited] = [cooling - 1, 0];
      if (waited <= patience) continue;
      const reduced = Math.max(rate * numberArg(args, "factor"), numberArg(args, "min_lr"));
      if (rate - reduced > smallestChange) rate = reduced;
      [cooling, waited] = [cooldown, 0];
    }
    return rate;
  },
});
