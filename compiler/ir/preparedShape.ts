/** preparedShape.ts: the shape of a recipe's images once they are resized and cropped, and whether a network reads it. */
import { shapeElements } from "./graph.ts";
import type { DataRecipe, RecipeCall } from "./recipe.ts";

/** Channels, height and width. */
export type ImageShape = readonly [number, number, number];

/** The shape of one prepared image out of `source`, the shape of one as it comes. */
export function preparedShape(source: ImageShape, data: Partial<Pick<DataRecipe, "resize" | "augment">>): ImageShape {
  const size = (data.augment ?? []).reduce((before, call) => sizeAfter(call, before), resizedSize(source, data));
  return [source[0], ...size];
}

/** Height and width after resizing. */
export function resizedSize(source: ImageShape, { resize }: Pick<DataRecipe, "resize">): readonly [number, number] {
  return resize ?? [source[1], source[2]];
}

/** Height and width after an augmentation. */
export function sizeAfter(call: RecipeCall, before: readonly [number, number]): readonly [number, number] {
  return cropSize(call) ?? before;
}

/** The size that an augmentation cuts images to; undefined where it keeps theirs, as a crop without a size does. */
export function cropSize({ args }: RecipeCall): readonly [number, number] | undefined {
  const size = args["size"];
  return Array.isArray(size) && size[0] > 0 ? [size[0] as number, size[1] as number] : undefined;
}

/** Whether a network that reads `inputShape` takes such images; a vector takes their elements in order. */
export function takesImages(inputShape: readonly number[], image: ImageShape): boolean {
  return inputShape.length === 1 ? inputShape[0] === shapeElements(image) : inputShape.join() === image.join();
}
