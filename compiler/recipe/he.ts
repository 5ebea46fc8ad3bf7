/** He initialisation (He et al. 2015, "Delving Deep into Rectifiers"): variance 2 / fan_in. */
import { defineInitialiser } from "./defineRecipePart.ts";

export const heUniform = defineInitialiser({
  name: "he_uniform",
  doc: "uniform within sqrt(6 / fan_in), biases 0",
  arguments: [],
  weight({ fanIn }) {
    const bound = Math.sqrt(6 / fanIn);
    return { kind: "uniform", low: -bound, high: bound };
  },
});

export const heNormal = defineInitialiser({
  name: "he_normal",
  doc: "normal, std sqrt(2 / fan_in), biases 0",
  arguments: [],
  weight: ({ fanIn }) => ({ kind: "normal", mean: 0, std: Math.sqrt(2 / fanIn) }),
});
