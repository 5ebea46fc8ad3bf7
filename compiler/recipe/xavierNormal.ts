/** Glorot and Bengio 2010: the variance 2 / (fan_in + fan_out), drawn from a normal distribution. */
import { defineInitialiser } from "./defineRecipePart.ts";
import { xavierArguments, xavierWidth } from "./initialiserArguments.ts";

export const xavierNormal = defineInitialiser({
  name: "xavier_normal",
  doc: "normal, std gain * sqrt(2 / (fan_in + fan_out)), biases 0",
  arguments: xavierArguments,
  weight: (parameter, args) => ({ kind: "normal", mean: 0, std: xavierWidth(2, parameter, args) }),
});
