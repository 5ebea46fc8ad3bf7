import { DatasetError } from "../datasets/datasetError.ts";
import type { Dataset } from "../datasets/imageSet.ts";
import { preparationProblem, type ImageSource, type PreparationLines } from "../3-differentiate/preparationGraph.ts";
import { UserError } from "../files/userError.ts";
import { givesInput } from "../imageSource.ts";
import { formatShape } from "../ir/graph.ts";
import { preparedShape } from "../ir/preparedShape.ts";
import type { CompiledNetwork } from "../ir/output.ts";
import type { Recipe } from "../ir/recipe.ts";

/** The recipe of a network that is to be trained; throws `UserError` where there is none or it asks for what is not there. */
export function requireRecipe(network: CompiledNetwork, file: string): Recipe {
  const { recipe } = network;
  if (recipe === undefined || network.plan.training === undefined) {
    throw new UserError(
      `${file} has no recipe for ${network.name}: add \`train ${network.name} { data fashion_mnist  optimizer sgd(lr: 0.1) }\``,
    );
  }
  return recipe;
}

/** Throws `DatasetError` where the prepared images or the classes are not what the network takes. */
export function checkFits(
  network: CompiledNetwork,
  dataset: Dataset,
  source: ImageSource,
  preparation: PreparationLines,
): void {
  const { inputShape, outputShape } = network.plan;
  const problem = preparationProblem(source, preparation);
  if (problem !== undefined) throw new DatasetError(problem);
  const shape = preparedShape(source.shape, preparation);
  if (!givesInput(source, preparation, inputShape)) {
    const [channels, ...sides] = inputShape;
    const canResize = inputShape.length === 3 && channels === shape[0];
    const channelsLast = inputShape.length === 3 && shape[2] === channels && shape[0] === sides[0];
    const resize = inputShape[1] === inputShape[2] ? String(inputShape[1]) : `(${inputShape.slice(1).join(", ")})`;
    throw new DatasetError(
      `${network.name} takes images of ${formatShape(inputShape)}, but the data set's are ${formatShape(shape)}` +
        (canResize ? `: \`resize ${resize}\` in the recipe's data makes them fit` : "") +
        (channelsLast ? ": channels come first; save np.moveaxis(array, -1, 1)" : ""),
    );
  }
  const [classes = 0] = outputShape;
  if (classes < dataset.classNames.length) {
    const { length } = dataset.classNames;
    const canSet = network.settings.some(({ name, value }) => name === "classes" && Number(value) === classes);
    throw new DatasetError(
      `${network.name} has ${classes} classes, but the data set has ${length}${canSet ? `: --set classes=${length} makes them fit` : ""}`,
    );
  }
}
