/** Arguments that initialisers share, under PyTorch's names. */
import type { LayerArgument } from "../ir/argument.ts";
import type { Parameter } from "../ir/graph.ts";
import type { RecipeArgs } from "./defineRecipePart.ts";
import { numberArg } from "./defineRecipePart.ts";

const gainArgument: LayerArgument = {
  name: "gain",
  type: "real",
  min: 0,
  minExclusive: true,
  default: 1,
  doc: "factor of the deviation",
};

const slopeArgument: LayerArgument = {
  name: "a",
  type: "real",
  default: 0,
  doc: "negative slope of the rectifier that follows",
};

const modeArgument: LayerArgument = {
  name: "mode",
  type: "word",
  default: "fan_in",
  words: ["fan_in", "fan_out"],
  doc: "whose variance stays: of the values, or of their gradients",
};

export const xavierArguments: readonly LayerArgument[] = [gainArgument];
export const heArguments: readonly LayerArgument[] = [slopeArgument, modeArgument];

/** What a width is of: 2 gives the deviation of a normal distribution, 6 the bound of an even one with the same variance. */
type Numerator = 2 | 6;

/** Glorot and Bengio 2010: gain * sqrt(numerator / (fan_in + fan_out)). */
export function xavierWidth(numerator: Numerator, { fanIn, fanOut }: Parameter, args: RecipeArgs): number {
  return numberArg(args, "gain") * Math.sqrt(numerator / (fanIn + fanOut));
}

/** He et al. 2015: sqrt(numerator / (1 + a^2) / fan), of fan_in or fan_out. */
export function heWidth(numerator: Numerator, { fanIn, fanOut }: Parameter, args: RecipeArgs): number {
  return Math.sqrt(numerator / (1 + numberArg(args, "a") ** 2) / (args["mode"] === "fan_out" ? fanOut : fanIn));
}
