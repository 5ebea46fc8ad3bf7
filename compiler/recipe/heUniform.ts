/** He et al. 2015: the variance 2 / fan_in, drawn evenly. */
import { defineInitialiser } from "./defineRecipePart.ts";
import { heArguments, heWidth } from "./initialiserArguments.ts";

export const heUniform = defineInitialiser({
  name: "he_uniform",
  doc: "uniform within sqrt(6 / (1 + a^2) / fan), biases 0",
  arguments: heArguments,
  weight(parameter, args) {
    const bound = heWidth(6, parameter, args);
    return { kind: "uniform", low: -bound, high: bound };
  },
});
