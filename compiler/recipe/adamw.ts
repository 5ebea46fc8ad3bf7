/** Adam with decoupled weight decay (Loshchilov and Hutter 2019): w = w * (1 - lr * weight_decay) - lr * direction. */
import { mul, sub, uniform } from "../ir/expression.ts";
import { amsgradArgument, betasArgument, betaUniforms, momentsOf, momentStates } from "./adamMoments.ts";
import { defineOptimizer, here, numberArg } from "./defineRecipePart.ts";
import { epsArgument, learningRate, uniformsOf, weightDecay } from "./optimizerArguments.ts";

export const adamw = defineOptimizer({
  name: "adamw",
  doc: "Adam with decoupled weight decay",
  arguments: [
    learningRate(1e-3),
    betasArgument,
    epsArgument,
    weightDecay(1e-2, "every parameter shrinks by this share of the learning rate"),
    amsgradArgument,
  ],
  states: momentStates,
  uniforms: (args) => [...uniformsOf(args, ["lr", "weight_decay"]), ...betaUniforms(args)],
  update(args) {
    const { states, direction } = momentsOf(here("gradient"), args);
    const decays = numberArg(args, "weight_decay", 0) !== 0;
    const kept = decays
      ? mul(here("parameter"), sub(1, mul(uniform("lr"), uniform("weight_decay"))))
      : here("parameter");
    return { parameter: sub(kept, mul(uniform("lr"), direction)), states };
  },
});
