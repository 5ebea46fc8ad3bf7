/** PyTorch's MultiStepLR: lr * factor^(milestones that the epoch has reached). */
import { defineSchedule, epochOf, numberArg } from "./defineRecipePart.ts";
import { gammaArgument } from "./scheduleArguments.ts";

export const multiStep = defineSchedule({
  name: "multi_step",
  doc: "times `factor` after each epoch of `milestones`",
  arguments: [
    { name: "milestones", type: "integers", min: 1, doc: "epochs after which the rate changes" },
    gammaArgument,
  ],
  rateAt(args, lr, time) {
    const milestones = args["milestones"];
    if (!Array.isArray(milestones)) throw new TypeError("argument milestones is not a list");
    const reached = (milestones as readonly number[]).filter((milestone) => milestone <= epochOf(time)).length;
    return lr * numberArg(args, "factor") ** reached;
  },
});
