import { readBytes } from "../files/readText.ts";
import { UserError } from "../files/userError.ts";
import type { CompiledNetwork } from "../ir/output.ts";
import type { Recipe } from "../ir/recipe.ts";
import { evaluateNetwork } from "../training/evaluateNetwork.ts";
import { meanFile, provideMean } from "../training/imageMean.ts";
import { openNetwork } from "../training/openNetwork.ts";
import { percent } from "../training/progressView.ts";
import { compileSpec, type SpecOptions } from "./compileSpec.ts";
import { openData } from "./openData.ts";
import type { Terminal } from "./terminal.ts";

export interface EvalCommandOptions extends SpecOptions {
  readonly weights: string;
  readonly recipe?: string;
  readonly data?: string;
}

/** `cnnc eval`: loss and accuracy of trained weights on the test images. */
export async function evalCommand(file: string, options: EvalCommandOptions, terminal: Terminal): Promise<number> {
  const more = {
    ...(options.recipe === undefined ? {} : { recipe: options.recipe }),
    ownImages: options.data !== undefined,
  };
  const { network: compiled, diagnostics } = compileSpec(file, options, terminal, more);
  const recipe = requireDataRecipe(compiled, file);
  const weights = readBytes(options.weights);
  const { network, dataset } = openData(file, compiled, recipe, options, more);
  const opened = await openNetwork(network.plan, { programs: ["inference", "inferenceBytes"] });
  try {
    await opened.loadWeights(weights);
    await provideMean(opened, dataset, recipe.data, meanFile(options.weights), (text) => terminal.error(`${text}\n`));
    const { loss, correct, count } = await evaluateNetwork(opened, dataset.test);
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
