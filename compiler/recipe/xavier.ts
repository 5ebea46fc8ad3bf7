/** Xavier initialisation (Glorot and Bengio 2010): variance 2 / (fan_in + fan_out). */
import { defineInitialiser } from "./defineRecipePart.ts";

export const xavierUniform = defineInitialiser({
  name: "xavier_uniform",
  doc: "uniform within sqrt(6 / (fan_in + fan_out)), biases 0",
  arguments: [],
  weight({ fanIn, fanOut }) {
    const bound = Math.sqrt(6 / (fanIn + fanOut));
    return { kind: "uniform", low: -bound, high: bound };
  },
});

export const xavierNormal = defineInitialiser({
  name: "xavier_normal",
  doc: "normal, std sqrt(2 / (fan_in + fan_out)), biases 0",
  arguments: [],
  weight: ({ fanIn, fanOut }) => ({ kind: "normal", mean: 0, std: Math.sqrt(2 / (fanIn + fanOut)) }),
});
