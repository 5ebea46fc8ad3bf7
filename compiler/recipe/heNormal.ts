/** He et al. 2015: the variance 2 / fan_in, drawn from a normal distribution. */
import { defineInitialiser } from "./defineRecipePart.ts";
import { heArguments, heWidth } from "./initialiserArguments.ts";

export const heNormal = defineInitialiser({
  name: "he_normal",
  doc: "normal, std sqrt(2 / (1 + a^2) / fan), biases 0",
  arguments: heArguments,
  weight: (parameter, args) => ({ kind: "normal", mean: 0, std: heWidth(2, parameter, args) }),
});
