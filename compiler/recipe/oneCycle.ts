/**
 * PyTorch's OneCycleLR, step by step over the whole training: from max_lr / div_factor up to max_lr, then down to the first rate /
 * final_div_factor; in three phases, down to the first rate as long as it went up, and on from there. The optimizer's own rate
 * does not count. Momentum (Adam's first beta) goes the other way: from max_momentum down to base_momentum and back up.
 * With total_steps, or epochs and steps_per_epoch, the cycle has a length of its own; a training that is longer keeps its last rate.
 */
import type { LayerArgument } from "../ir/argument.ts";
import { defineSchedule } from "./defineRecipePart.ts";

function divisor(name: string, standard: number, doc: string): LayerArgument {
  return { name, type: "real", min: 0, minExclusive: true, default: standard, doc };
}

export const oneCycle = defineSchedule({
  name: "one_cycle",
  doc: "up to `max_lr` and down again, over the whole training; momentum the other way",
  arguments: [
    { name: "max_lr", type: "real", min: 0, minExclusive: true, doc: "highest rate" },
    { name: "total_steps", type: "integer", min: 1, optional: true, doc: "steps of the cycle" },
    { name: "epochs", type: "integer", min: 1, optional: true, doc: "epochs of the cycle" },
    { name: "steps_per_epoch", type: "integer", min: 1, optional: true, doc: "steps that count as an epoch" },
    { name: "pct_start", type: "real", min: 0, max: 1, default: 0.3, doc: "share of the training that rises" },
    { name: "anneal_strategy", type: "word", default: "cos", words: ["cos", "linear"], doc: "the curve between them" },
    { name: "cycle_momentum", type: "boolean", default: true, doc: "move the momentum, where there is one" },
    { name: "base_momentum", type: "real", min: 0, max: 1, default: 0.85, doc: "momentum at the highest rate" },
    { name: "max_momentum", type: "real", min: 0, max: 1, default: 0.95, doc: "momentum at the first and last rate" },
    divisor("div_factor", 25, "first rate is max_lr / div_factor"),
    divisor("final_div_factor", 1e4, "last rate is the first / final_div_factor"),
    { name: "three_phase", type: "boolean", default: false, doc: "down to the first rate before the last phase" },
  ],
  check(args) {
    const isTwice = args["total_steps"] !== undefined && (args["epochs"] ?? args["steps_per_epoch"]) !== undefined;
    return isTwice
      ? "`total_steps` gives the length of the cycle, and `epochs` and `steps_per_epoch` give it again"
      : undefined;
  },
});
