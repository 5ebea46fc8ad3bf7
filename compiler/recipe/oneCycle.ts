/**
 * PyTorch's OneCycleLR, step by step over the whole training: along half a cosine from max_lr / div_factor up to max_lr,
 * then down to the first rate / final_div_factor. The optimizer's own rate does not count.
 */
import { defineSchedule, numberArg } from "./defineRecipePart.ts";

/** From `start` to `end` along half a cosine. */
function anneal(start: number, end: number, share: number): number {
  return end + ((start - end) * (1 + Math.cos(Math.PI * share))) / 2;
}

export const oneCycle = defineSchedule({
  name: "one_cycle",
  doc: "up to `max_lr` and down again, over the whole training",
  arguments: [
    { name: "max_lr", type: "real", min: 0, minExclusive: true, doc: "highest rate" },
    { name: "pct_start", type: "real", min: 0, max: 1, default: 0.3, doc: "share of the training that rises" },
    {
      name: "div_factor",
      type: "real",
      min: 0,
      minExclusive: true,
      default: 25,
      doc: "first rate is max_lr / div_factor",
    },
    {
      name: "final_div_factor",
      type: "real",
      min: 0,
      minExclusive: true,
      default: 1e4,
      doc: "last rate is the first / final_div_factor",
    },
  ],
  rateAt(args, _lr, { step, stepsPerEpoch, epochs }) {
    const [highest, steps] = [numberArg(args, "max_lr"), epochs * stepsPerEpoch];
    const first = highest / numberArg(args, "div_factor");
    const top = numberArg(args, "pct_start") * steps - 1;
    if (step <= top && top > 0) return anneal(first, highest, step / top);
    const last = first / numberArg(args, "final_div_factor");
    return anneal(highest, last, Math.min(1, (step - top) / Math.max(1, steps - 1 - top)));
  },
});
