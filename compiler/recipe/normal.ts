/** Weights from a normal distribution of a given width. */
import { defineInitialiser, numberArg } from "./defineRecipePart.ts";

export const normal = defineInitialiser({
  name: "normal",
  doc: "normal with the given deviation, biases 0",
  arguments: [
    { name: "std", type: "real", min: 0, doc: "standard deviation" },
    { name: "mean", type: "real", default: 0, doc: "mean" },
  ],
  weight: (_parameter, args) => ({ kind: "normal", mean: numberArg(args, "mean"), std: numberArg(args, "std") }),
});
