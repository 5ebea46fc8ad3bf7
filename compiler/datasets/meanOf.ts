/** The mean of a training set that `subtract mean_image` and `subtract mean_channel` take away: pixels from 0 to 1. */
import type { DataRecipe } from "../ir/recipe.ts";
import { imageElements, type ImageSet } from "./imageSet.ts";
import { bilinearTaps, resizePlane } from "./prepareImages.ts";
import { noneCanBeRead, type DamagedPicture } from "./datasetError.ts";
import { readAhead } from "./readAhead.ts";

/** Images that are read at a time, and how many elements of them at most. */
const [mostImages, mostElements] = [256, 2 ** 24] as const;

/**
 * Of the resized images, element by element, or of each channel. Sums are in float64, in the images' order, so that the same
 * set gives the same bits.
 */
export async function meanOf(set: ImageSet, { resize, subtract }: DataRecipe): Promise<Float32Array<ArrayBuffer>> {
  const [rows, columns] = resize ?? [set.height, set.width];
  const { channels, height, width, elements } = set;
  // Resizing is linear: where images are of one size, their sum is resized once.
  const [sumHeight, sumWidth] = set.mixed ? [rows, columns] : [height, width];
  const sums = new Float64Array(channels * sumHeight * sumWidth);
  const order = Uint32Array.from({ length: set.count }, (_, index) => index);
  let seen = 0;
  let lastSkipped: DamagedPicture | undefined;
  const batch = Math.max(1, Math.min(mostImages, Math.floor(mostElements / imageElements(set))));
  for await (const { raw, sizes, count, skipped } of readAhead(set, order, batch)) {
    seen += count;
    lastSkipped = skipped.at(-1) ?? lastSkipped;
    for (let image = 0; image < count; image++) {
      const taps = set.mixed ? ownTaps(sizes.subarray(2 * image), [rows, columns]) : undefined;
      for (let c = 0; c < channels; c++) {
        const start = (image * channels + c) * height * width;
        const plane = raw.subarray(start, start + height * width);
        const own = taps === undefined ? plane : resizePlane(plane, width, ...taps);
        for (let i = 0; i < own.length; i++)
          sums[c * own.length + i] = (sums[c * own.length + i] as number) + (own[i] as number);
      }
    }
  }
  if (seen === 0) throw noneCanBeRead("training", set.count, lastSkipped);
  const scale = seen * (elements === "u8" ? 255 : 1);
  const taps = [bilinearTaps(sumHeight, rows), bilinearTaps(sumWidth, columns)] as const;
  const mean = new Float64Array(channels * rows * columns);
  for (let c = 0; c < channels; c++) {
    const plane = sums.subarray(c * sumHeight * sumWidth, (c + 1) * sumHeight * sumWidth);
    mean.set(resizePlane(plane, sumWidth, ...taps), c * rows * columns);
  }
  if (subtract !== "mean_channel") return Float32Array.from(mean, (sum) => sum / scale);
  return Float32Array.from({ length: channels }, (_, c) => {
    const plane = mean.subarray(c * rows * columns, (c + 1) * rows * columns);
    return plane.reduce((sum, value) => sum + value, 0) / (scale * rows * columns);
  });
}

/** Where an image of its own size is read along each side to be resized. */
function ownTaps(
  [height = 1, width = 1]: ArrayLike<number> & Iterable<number>,
  [rows, columns]: readonly [number, number],
): readonly [ReturnType<typeof bilinearTaps>, ReturnType<typeof bilinearTaps>] {
  return [bilinearTaps(height, rows), bilinearTaps(width, columns)];
}
