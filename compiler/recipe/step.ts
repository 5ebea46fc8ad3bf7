/** PyTorch's StepLR: lr * factor^floor(epoch / step_size). */
import { defineSchedule, epochOf, numberArg } from "./defineRecipePart.ts";
import { gammaArgument } from "./scheduleArguments.ts";

export const step = defineSchedule({
  name: "step",
  doc: "times `factor` every `step_size` epochs",
  arguments: [{ name: "step_size", type: "integer", min: 1, doc: "epochs between changes" }, gammaArgument],
  rateAt: (args, lr, time) =>
    lr * numberArg(args, "factor") ** Math.floor(epochOf(time) / numberArg(args, "step_size")),
});
