/** PyTorch's own default of convolutions and linear layers: weights and biases evenly within 1 / sqrt(fan_in). */
import type { Initial, Parameter } from "../ir/graph.ts";
import { defineInitialiser } from "./defineRecipePart.ts";

function withinFanIn({ fanIn }: Parameter): Initial {
  const bound = 1 / Math.sqrt(fanIn);
  return { kind: "uniform", low: -bound, high: bound };
}

export const pytorch = defineInitialiser({
  name: "pytorch",
  doc: "each layer's own default in PyTorch",
  arguments: [],
  weight: withinFanIn,
  bias: withinFanIn,
});
