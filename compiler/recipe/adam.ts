/** Adam (Kingma and Ba 2015), bias-corrected; weight decay joins the gradient, as in PyTorch: w = w - lr * direction. */
import { mul, sub, uniform } from "../ir/expression.ts";
import { amsgradArgument, betasArgument, betaUniforms, momentsOf, momentStates } from "./adamMoments.ts";
import { defineOptimizer, here } from "./defineRecipePart.ts";
import { epsArgument, learningRate, penalizedGradient, uniformsOf, weightDecay } from "./optimizerArguments.ts";

export const adam = defineOptimizer({
  name: "adam",
  doc: "Adam, bias-corrected",
  arguments: [learningRate(1e-3), betasArgument, epsArgument, weightDecay(), amsgradArgument],
  states: momentStates,
  uniforms: (args) => [...uniformsOf(args, ["lr", "weight_decay"]), ...betaUniforms(args)],
  update(args) {
    const { states, direction } = momentsOf(penalizedGradient(args), args);
    return { parameter: sub(here("parameter"), mul(uniform("lr"), direction)), states };
  },
});
