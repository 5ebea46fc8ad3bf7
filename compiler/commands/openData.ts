/** From a recipe to its images, and to the network compiled for them as they are. */
import { dirname } from "node:path";
import type { CompileOptions } from "../compile.ts";
import type { Dataset, ImageSet } from "../datasets/imageSet.ts";
import { openDataset } from "../datasets/openDataset.ts";
import type { ImageSource } from "../imageSource.ts";
import { InternalCompilerError } from "../ir/diagnostic.ts";
import type { CompiledNetwork } from "../ir/output.ts";
import type { Recipe } from "../ir/recipe.ts";
import { checkFits } from "../training/checkTrainable.ts";
import { compileFile, type SpecOptions } from "./compileSpec.ts";
import { shapeElements } from "../ir/graph.ts";

export interface OpenedData {
  /** The same network, with the program that prepares these images. */
  readonly network: CompiledNetwork;
  readonly dataset: Dataset;
}

/**
 * Bytes of a batch's images at most: what every adapter binds at once (and three such batches lie in the host's memory). Pictures for which
 * that is too little are made smaller while they are read.
 */
const batchBytes = 128 * 1024 * 1024;

/** Opens the data of a recipe; throws `DatasetError` where it cannot be read or is not what the network takes. */
export function openData(
  file: string,
  compiled: CompiledNetwork,
  recipe: Recipe,
  options: SpecOptions & { readonly data?: string },
  more: Partial<CompileOptions>,
): OpenedData {
  const dataset = openRecipeData(file, compiled, recipe, options.data);
  const source = sourceOf(dataset.train);
  checkFits(compiled, dataset, source, recipe.data);
  return { network: compileFor(file, compiled, source, options, more), dataset };
}

/** The data of a recipe as its files hold it; throws `DatasetError` where it cannot be read. */
export function openRecipeData(
  file: string,
  { plan }: CompiledNetwork,
  recipe: Recipe,
  directory: string | undefined,
): Dataset {
  return openDataset(recipe.data.source, {
    base: dirname(file),
    channels: channelsOf(plan),
    classes: shapeElements(plan.outputShape),
    roomPixels: roomPixelsOf(plan),
    ...(directory !== undefined && { directory }),
  });
}

/** The network with the program that prepares such images, `compiled` itself where it has that. */
export function compileFor(
  file: string,
  compiled: CompiledNetwork,
  source: ImageSource,
  options: SpecOptions,
  more: Partial<CompileOptions>,
): CompiledNetwork {
  const { preparation } = compiled.plan;
  const isKnown =
    more.value === undefined &&
    more.fuse !== false &&
    preparation?.sourceShape.join() === source.shape.join() &&
    preparation.sourceType === source.dtype &&
    (preparation.sizes !== undefined) === (source.mixed === true);
  if (isKnown) return compiled;
  const { network } = compileFile(file, options, { ...more, imageSource: source });
  if (network === undefined)
    throw new InternalCompilerError("openData", `${file} compiles for one kind of images only`);
  return network;
}

/** Channels that a network reads of a picture: a vector is made of one. */
export function channelsOf({ inputShape }: CompiledNetwork["plan"]): number {
  return inputShape.length === 3 ? (inputShape[0] ?? 1) : 1;
}

/** Pixels that each image of a batch has room for. */
export function roomPixelsOf(plan: CompiledNetwork["plan"]): number {
  return Math.floor(batchBytes / (plan.batch * channelsOf(plan)));
}

/** What the host sends of a set's images. */
export function sourceOf({ channels, height, width, elements, mixed }: ImageSet): ImageSource {
  return { shape: [channels, height, width], dtype: elements, mixed };
}
