import { openDataset } from "../datasets/openDataset.ts";
import { readBytes } from "../files/readText.ts";
import { UserError } from "../files/userError.ts";
import type { CompiledNetwork } from "../ir/output.ts";
import type { Recipe } from "../ir/recipe.ts";
import { checkFits } from "../training/checkTrainable.ts";
import { evaluateNetwork } from "../training/evaluateNetwork.ts";
import { openNetwork } from "../training/openNetwork.ts";
import { percent } from "../training/progressView.ts";
import { compileSpec, type SpecOptions } from "./compileSpec.ts";
import type { Terminal } from "./terminal.ts";

export interface EvalCommandOptions extends SpecOptions {
  readonly weights: string;
  readonly recipe?: string;
  readonly data?: string;
}

/** `cnnc eval`: loss and accuracy of trained weights on the test images. */
export async function evalCommand(file: string, options: EvalCommandOptions, terminal: Terminal): Promise<number> {
  const { network, diagnostics } = compileSpec(file, options, terminal, {
    ...(options.recipe === undefined ? {} : { recipe: options.recipe }),
    ownImages: options.data !== undefined,
  });
  const recipe = requireDataRecipe(network, file);
  const weights = readBytes(options.weights);
  const dataset = openDataset(recipe.data.source, options.data === undefined ? {} : { directory: options.data });
  checkFits(network, dataset, recipe.data);
  const opened = await openNetwork(network.plan, { programs: ["inference"] });
  try {
    await opened.loadWeights(weights);
    const { loss, correct, count } = await evaluateNetwork(opened, dataset.test, recipe.data);
    const accuracy = correct / count;
    if (options.json === true) {
      terminal.out(
        `${JSON.stringify({ name: network.name, loss, accuracy, correct, count, adapter: opened.description, diagnostics })}\n`,
      );
    } else {
      terminal.error(`${dataset.description}\nadapter: ${opened.description}\n`);
      terminal.out(`test loss ${loss.toFixed(4)}\ntest accuracy ${percent(accuracy)} (${correct} of ${count})\n`);
    }
    return 0;
  } finally {
    opened.close();
  }
}

/** The recipe, for its data; any will do, trainable or not. */
export function requireDataRecipe(network: CompiledNetwork, file: string): Recipe {
  if (network.recipe !== undefined) return network.recipe;
  throw new UserError(
    `${file} has no recipe for ${network.name}, so nothing says which data it is for: add \`train ${network.name} { data fashion_mnist  optimizer sgd(lr: 0.1) }\``,
  );
}
