/**
 * RMSprop, as PyTorch has it:
 *
 *   g = gradient + weight_decay * w,  s = alpha * s + (1 - alpha) * g^2,  d = g / (sqrt(s) + eps)
 *   centered: m = alpha * m + (1 - alpha) * g, and s - m^2 in place of s below the root
 *   v = momentum * v + d,  w = w - lr * (v, or d without momentum)
 */
import { add, div, max, mul, sqrt, sub, uniform } from "../ir/expression.ts";
import type { RecipeArgs } from "./defineRecipePart.ts";
import { defineOptimizer, here, numberArg } from "./defineRecipePart.ts";
import {
  epsArgument, learningRate, momentumArgument, penalizedGradient, uniformsOf, weightDecay,
} from "./optimizerArguments.ts"; // prettier-ignore

const hasMomentum = (args: RecipeArgs): boolean => numberArg(args, "momentum", 0) !== 0;

export const rmsprop = defineOptimizer({
  name: "rmsprop",
  doc: "RMSprop",
  arguments: [
    learningRate(1e-2),
    {
      name: "alpha",
      type: "real",
      min: 0,
      max: 1,
      maxExclusive: true,
      default: 0.99,
      doc: "decay of the running square",
    },
    epsArgument,
    weightDecay(),
    momentumArgument,
    { name: "centered", type: "boolean", default: false, doc: "take the running mean out of the running square" },
  ],
  states: (args) => [
    "square",
    ...(args["centered"] === true ? ["mean"] : []),
    ...(hasMomentum(args) ? ["momentum"] : []),
  ],
  uniforms: (args) => uniformsOf(args, ["lr", "momentum", "weight_decay"]),
  update(args) {
    const [gradient, alpha] = [penalizedGradient(args), numberArg(args, "alpha")];
    const square = add(mul(here("square"), alpha), mul(mul(gradient, gradient), 1 - alpha));
    const mean = add(mul(here("mean"), alpha), mul(gradient, 1 - alpha));
    const centered = args["centered"] === true;
    // Rounding may leave the difference just below 0.
    const spread = centered ? max(sub(square, mul(mean, mean)), 0) : square;
    const scaled = div(gradient, add(sqrt(spread), numberArg(args, "eps")));
    const momentum = add(mul(uniform("momentum"), here("momentum")), scaled);
    const direction = hasMomentum(args) ? momentum : scaled;
    return {
      parameter: sub(here("parameter"), mul(uniform("lr"), direction)),
      states: { square, ...(centered && { mean }), ...(hasMomentum(args) && { momentum }) },
    };
  },
});
