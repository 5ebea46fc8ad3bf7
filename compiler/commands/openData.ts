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

export interface OpenedData {
  /** The same network, with the program that prepares these images. */
  readonly network: CompiledNetwork;
  readonly dataset: Dataset;
}

/** Bytes of a batch's images that the GPU is to hold at most: larger pictures are made smaller while they are read. */
const batchBytes = 128 * 1024 * 1024;

/** Opens the data of a recipe; throws `DatasetError` where it cannot be read or is not what the network takes. */
export function openData(
  file: string,
  compiled: CompiledNetwork,
  recipe: Recipe,
  options: SpecOptions & { readonly data?: string },
  more: Partial<CompileOptions>,
): OpenedData {
  const { inputShape, outputShape, batch } = compiled.plan;
  const [channels = 1] = inputShape.length === 3 ? inputShape : [1];
  const dataset = openDataset(recipe.data.source, {
    base: dirname(file),
    channels,
    classes: outputShape.reduce((product, size) => product * size, 1),
    largestSide: Math.floor(Math.sqrt(batchBytes / (batch * channels))),
    ...(options.data !== undefined && { directory: options.data }),
  });
  const source = sourceOf(dataset.train);
  checkFits(compiled, dataset, source, recipe.data);
  const { preparation } = compiled.plan;
  const isKnown =
    preparation?.sourceShape.join() === source.shape.join() &&
    preparation.sourceType === source.dtype &&
    (preparation.sizes !== undefined) === source.mixed;
  if (isKnown) return { network: compiled, dataset };
  const { network } = compileFile(file, options, { ...more, imageSource: source });
  if (network === undefined)
    throw new InternalCompilerError("openData", `${file} compiles for one kind of images only`);
  return { network, dataset };
}

/** What the host sends of a set's images. */
export function sourceOf({ channels, height, width, elements, mixed }: ImageSet): ImageSource {
  return { shape: [channels, height, width], dtype: elements, mixed };
}
