/** He et al. 2015: the variance 2 / fan_in, drawn evenly. */
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
