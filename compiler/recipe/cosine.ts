/** PyTorch's CosineAnnealingLR: up again after T_max epochs. */
import { defineSchedule } from "./defineRecipePart.ts";

export const cosine = defineSchedule({
  name: "cosine",
  doc: "down half a cosine to `eta_min` within `T_max` epochs",
  arguments: [
    { name: "T_max", type: "integer", min: 1, optional: true, doc: "epochs to the lowest rate; the whole training's" },
    { name: "eta_min", type: "real", min: 0, default: 0, doc: "lowest rate" },
  ],
});
