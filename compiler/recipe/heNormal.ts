/** He et al. 2015: the variance 2 / fan_in, drawn from a normal distribution. */
import { defineInitialiser } from "./defineRecipePart.ts";

export const heNormal = defineInitialiser({
  name: "he_normal",
  doc: "normal, std sqrt(2 / fan_in), biases 0",
  arguments: [],
  weight: ({ fanIn }) => ({ kind: "normal", mean: 0, std: Math.sqrt(2 / fanIn) }),
});
