/** PyTorch's MultiStepLR. */
import { defineSchedule } from "./defineRecipePart.ts";
import { gammaArgument } from "./scheduleArguments.ts";

export const multiStep = defineSchedule({
  name: "multi_step",
  doc: "times `factor` after each epoch of `milestones`",
  arguments: [
    { name: "milestones", type: "integers", min: 1, doc: "epochs after which the rate changes" },
    gammaArgument,
  ],
});
