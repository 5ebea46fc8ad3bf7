/** Bytes to what a network reads: pixel / 255, resized, normalised, as float32 in NCHW. */
import { preparedShape } from "../ir/preparedShape.ts";
import type { DataRecipe } from "../ir/recipe.ts";
import { DatasetError } from "./datasetError.ts";
import { imageElements, imageShape, readImages, type ImageSet } from "./imageSet.ts";

export type Preparation = Pick<DataRecipe, "resize" | "normalize">;

/** One output position of a bilinear resize: between input `low` and `high`, `weight` of the way. */
export interface Tap {
  readonly low: number;
  readonly high: number;
  readonly weight: number;
}

/**
 * The images at `indices`, prepared on the host: indices.length x channels x height x width. Computed in float64, rounded
 * once: what the kernels are measured against.
 */
export async function prepareImages(
  set: ImageSet,
  indices: ArrayLike<number>,
  preparation: Preparation,
): Promise<Float32Array<ArrayBuffer>> {
  const { raw: pixels } = await readImages(set, indices);
  const [channels, height, width] = preparedShape(imageShape(set), preparation);
  const [means, deviations] = normalization(preparation, channels);
  const planeSize = set.height * set.width;
  const prepared = new Float32Array(indices.length * imageElements({ channels, height, width }));
  const rows = bilinearTaps(set.height, height);
  const columns = bilinearTaps(set.width, width);
  let at = 0;
  for (let i = 0; i < indices.length; i++) {
    for (let channel = 0; channel < channels; channel++) {
      const plane = (i * channels + channel) * planeSize;
      const mean = means[channel] as number;
      const deviation = deviations[channel] as number;
      const resized = resizePlane(pixels.subarray(plane, plane + planeSize), set.width, rows, columns);
      for (const value of resized) prepared[at++] = (value / 255 - mean) / deviation;
    }
  }
  return prepared;
}

/** One channel at the places of `rows` and `columns`; a row of it has `width` elements. */
export function resizePlane(
  plane: ArrayLike<number>,
  width: number,
  rows: readonly Tap[],
  columns: readonly Tap[],
): Float64Array {
  const resized = new Float64Array(rows.length * columns.length);
  let at = 0;
  for (const row of rows) {
    const [upper, lower] = [row.low * width, row.high * width];
    for (const { low, high, weight } of columns) {
      const above = mix(plane[upper + low] as number, plane[upper + high] as number, weight);
      const below = mix(plane[lower + low] as number, plane[lower + high] as number, weight);
      resized[at++] = mix(above, below, row.weight);
    }
  }
  return resized;
}

function mix(from: number, to: number, weight: number): number {
  return from * (1 - weight) + to * weight;
}

/** Half-pixel centres: output i lies at (i + 0.5) * in / out - 0.5 of the input, clamped at the border; no antialiasing. */
export function bilinearTaps(inputSize: number, outputSize: number): readonly Tap[] {
  return Array.from({ length: outputSize }, (_, i) => {
    const position = Math.min(Math.max(((i + 0.5) * inputSize) / outputSize - 0.5, 0), inputSize - 1);
    const low = Math.floor(position);
    return { low, high: Math.min(low + 1, inputSize - 1), weight: position - low };
  });
}

/** Mean and standard deviation of each channel; one value given serves all of them. */
function normalization({ normalize }: Preparation, channels: number): readonly [readonly number[], readonly number[]] {
  const forChannels = (what: string, values: readonly number[] | undefined, otherwise: number): readonly number[] => {
    if (values === undefined) return new Array<number>(channels).fill(otherwise);
    if (values.length === 1) return new Array<number>(channels).fill(values[0] as number);
    if (values.length === channels) return values;
    throw new DatasetError(
      `normalize gives ${values.length} values for ${what}, but the images have ${channels} channels`,
    );
  };
  return [forChannels("mean", normalize?.mean, 0), forChannels("std", normalize?.std, 1)];
}
