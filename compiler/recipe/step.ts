/** PyTorch's StepLR. */
import { defineSchedule } from "./defineRecipePart.ts";
import { gammaArgument } from "./scheduleArguments.ts";

export const step = defineSchedule({
  name: "step",
  doc: "times `factor` every `step_size` epochs",
  arguments: [{ name: "step_size", type: "integer", min: 1, doc: "epochs between changes" }, gammaArgument],
});
