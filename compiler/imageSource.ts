/** What the host sends of a recipe's images, as far as it is known without reading any data. */
import { preparationProblem } from "./3-differentiate/preparationGraph.ts";
import type { ImageSource, PreparationLines } from "./3-differentiate/preparationGraph.ts";
import { dataSets } from "./2-check/recipeTables.ts";
import { preparedShape, resizedSize, takesImages } from "./ir/preparedShape.ts";
import type { DataRecipe } from "./ir/recipe.ts";

export type { ImageSource } from "./3-differentiate/preparationGraph.ts";

/** A named set's own images; of others, images that need no resizing for a network that reads `inputShape`. */
export function imageSourceOf(data: DataRecipe, inputShape: readonly number[]): ImageSource {
  if (data.source.kind === "named") {
    const { channels, size } = dataSets[data.source.name];
    return { shape: [channels, size, size], dtype: "u8" };
  }
  const [first = 1, height, width] = inputShape;
  // A vector is a row of values.
  if (height === undefined || width === undefined) return { shape: [1, 1, first], dtype: "u8" };
  return { shape: [first, ...resizedSize([first, height, width], data)], dtype: "u8" };
}

/** Whether the data lines make what the network reads of such images. */
export function givesInput(source: ImageSource, data: PreparationLines, inputShape: readonly number[]): boolean {
  if (preparationProblem(source, data) !== undefined) return false;
  return takesImages(inputShape, preparedShape(source.shape, data));
}
