/**
 * Stochastic gradient descent, as PyTorch has it:
 *
 *   g = gradient + weight_decay * w
 *   v = momentum * v + (1 - dampening) * g      (v = g in the first step)
 *   w = w - lr * (v, or g + momentum * v with nesterov, or g without momentum)
 */
import { add, compare, mul, select, sub, uniform } from "../ir/expression.ts";
import { defineOptimizer, here, numberArg } from "./defineRecipePart.ts";
import { learningRate, momentumArgument, penalizedGradient, uniformsOf, weightDecay } from "./optimizerArguments.ts";

export const sgd = defineOptimizer({
  name: "sgd",
  doc: "stochastic gradient descent, with momentum where it is given",
  arguments: [
    learningRate(),
    momentumArgument,
    { name: "dampening", type: "real", default: 0, doc: "share of the gradient that the momentum leaves out" },
    weightDecay(),
    { name: "nesterov", type: "boolean", default: false, doc: "look ahead along the momentum" },
  ],
  check({ nesterov, momentum, dampening }) {
    if (nesterov !== true) return undefined;
    if (momentum === 0) return "`nesterov` looks ahead along a momentum, and `momentum` is 0";
    return dampening === 0 ? undefined : `\`nesterov\` takes no \`dampening\`, found ${String(dampening)}`;
  },
  states: (args) => (numberArg(args, "momentum", 0) === 0 ? [] : ["momentum"]),
  uniforms: (args) => uniformsOf(args, ["lr", "momentum", "weight_decay"]),
  update(args) {
    const gradient = penalizedGradient(args);
    const step = (direction: typeof gradient) => sub(here("parameter"), mul(uniform("lr"), direction));
    if (numberArg(args, "momentum", 0) === 0) return { parameter: step(gradient), states: {} };
    const dampening = numberArg(args, "dampening", 0);
    const kept = mul(uniform("momentum"), here("momentum"));
    // The momentum starts at 0, so without dampening the first step needs no case of its own.
    const momentum =
      dampening === 0
        ? add(kept, gradient)
        : select(compare("eq", uniform("step"), 0), gradient, add(kept, mul(gradient, 1 - dampening)));
    const direction = args["nesterov"] === true ? add(gradient, mul(uniform("momentum"), momentum)) : momentum;
    return { parameter: step(direction), states: { momentum } };
  },
});
