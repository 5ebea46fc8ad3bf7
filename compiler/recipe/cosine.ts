/** PyTorch's CosineAnnealingLR over the whole training: eta_min + (lr - eta_min) * (1 + cos(pi * epoch / epochs)) / 2. */
import { defineSchedule, epochOf, numberArg } from "./defineRecipePart.ts";

export const cosine = defineSchedule({
  name: "cosine",
  doc: "down half a cosine to `eta_min` at the last epoch",
  arguments: [{ name: "eta_min", type: "real", min: 0, default: 0, doc: "rate at the end" }],
  rateAt(args, lr, time) {
    const lowest = numberArg(args, "eta_min");
    return lowest + ((lr - lowest) * (1 + Math.cos((Math.PI * epochOf(time)) / time.epochs))) / 2;
  },
});
