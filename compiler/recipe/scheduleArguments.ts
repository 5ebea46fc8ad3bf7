/** Arguments that schedules share. */
import type { LayerArgument } from "../ir/argument.ts";

export const factorArgument: LayerArgument = {
  name: "factor",
  type: "real",
  min: 0,
  minExclusive: true,
  default: 0.1,
  doc: "what the rate is multiplied by",
};

/** The same where PyTorch calls it gamma. */
export const gammaArgument: LayerArgument = { ...factorArgument, alias: "gamma" };
