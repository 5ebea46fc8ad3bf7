/** PyTorch's CosineAnnealingLR: eta_min + (lr - eta_min) * (1 + cos(pi * epoch / T_max)) / 2, up again after T_max epochs. */
import { defineSchedule, epochOf, numberArg } from "./defineRecipePart.ts";

export const cosine = defineSchedule({
  name: "cosine",
  doc: "down half a cosine to `eta_min` within `T_max` epochs",
  arguments: [
    { name: "T_max", type: "integer", min: 1, optional: true, doc: "epochs to the lowest rate; the whole training's" },
    { name: "eta_min", type: "real", min: 0, default: 0, doc: "lowest rate" },
  ],
  rateAt(args, lr, time) {
    const lowest = numberArg(args, "eta_min");
    const share = epochOf(time) / numberArg(args, "T_max", time.epochs);
    return lowest + ((lr - lowest) * (1 + Math.cos(Math.PI * share))) / 2;
  },
});
