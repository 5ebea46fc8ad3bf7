/** Glorot and Bengio 2010: the variance 2 / (fan_in + fan_out), drawn evenly. */
import { defineInitialiser } from "./defineRecipePart.ts";
import { xavierArguments, xavierWidth } from "./initialiserArguments.ts";

export const xavierUniform = defineInitialiser({
  name: "xavier_uniform",
  doc: "uniform within gain * sqrt(6 / (fan_in + fan_out)), biases 0",
  arguments: xavierArguments,
  weight(parameter, args) {
    const bound = xavierWidth(6, parameter, args);
    return { kind: "uniform", low: -bound, high: bound };
  },
});
