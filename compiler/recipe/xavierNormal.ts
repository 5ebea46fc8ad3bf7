/** Glorot and Bengio 2010: the variance 2 / (fan_in + fan_out), drawn from a normal distribution. */
import { defineInitialiser } from "./defineRecipePart.ts";

export const xavierNormal = defineInitialiser({
  name: "xavier_normal",
  doc: "normal, std sqrt(2 / (fan_in + fan_out)), biases 0",
  arguments: [],
  weight: ({ fanIn, fanOut }) => ({ kind: "normal", mean: 0, std: Math.sqrt(2 / (fanIn + fanOut)) }),
});
