/** The recipe of a conformance case, written in the language itself: what is verified is what users get. */
import type { CaseLoss, CaseOptimizer, ComputationCase, TrainingCase } from "./caseFile.ts";

/** The name of the recipe that is added to a spec; no spec has one of that name. */
export const caseRecipeName = "conformance_case_recipe";

/** The most images of one step of a case. */
export function caseBatch(test: ComputationCase | TrainingCase): number {
  if (test.kind === "training") return Math.max(...test.data.batches.map(([start, end]) => end - start));
  return test.inputs[0]?.shape[0] ?? 1;
}

/** The text of a recipe for a model with a case's loss, optimizer and batch. The rate of each step is set at run time. */
export function caseRecipeText(model: string, test: ComputationCase | TrainingCase): string {
  const optimizer = test.kind === "training" ? optimizerText(test.optimizer) : "sgd(lr: 1)";
  return [
    "",
    `train ${model} as ${caseRecipeName} {`,
    "  data fashion_mnist",
    `  loss ${lossText(test.loss)}`,
    `  optimizer ${optimizer}`,
    `  batch ${caseBatch(test)}`,
    "}",
    "",
  ].join("\n");
}

function lossText(loss: CaseLoss): string {
  switch (loss.kind) {
    case "dot":
      return "cross_entropy"; // Replaced by the dot product at compile time.
    case "nll":
      return "nll";
    case "cross_entropy":
      return `cross_entropy(label_smoothing: ${loss.label_smoothing})`;
  }
}

function optimizerText(optimizer: CaseOptimizer): string {
  const { lr, weight_decay: decay } = optimizer;
  if (optimizer.kind === "sgd") {
    return `sgd(lr: ${lr}, momentum: ${optimizer.momentum}, weight_decay: ${decay}, nesterov: ${optimizer.nesterov})`;
  }
  const [beta1, beta2] = optimizer.betas;
  return `adam(lr: ${lr}, betas: (${beta1}, ${beta2}), eps: ${optimizer.eps}, weight_decay: ${decay})`;
}

/** The learning rate of a case's step, from 0. */
export function caseRate({ optimizer, schedule }: TrainingCase, step: number): number {
  return schedule === undefined ? optimizer.lr : optimizer.lr * schedule.gamma ** Math.floor(step / schedule.step_size);
}
