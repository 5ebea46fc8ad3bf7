import type { DataRecipe } from "../ir/recipe.ts";
import { imageElements, rawBatch, readWhole, type ImageSet } from "./imageSet.ts";

/** Images that are looked at. */
const looked = 64;
/** Bytes as numbers reach beyond 127 in any set of pictures; numbers that a network is to see stay far below, this side of 16 once normalized. */
const [brightByte, mostNormalized] = [127, 16];

/**
 * A warning where the first images of a set are numbers from 0 to 255, that is bytes that nobody divided by 255, and the recipe's
 * `normalize` does not make them small either. Undefined for bytes themselves, for any number below 0, and where they cannot be read.
 */
export async function warnOfByteNumbers(
  set: ImageSet,
  { normalize }: Pick<DataRecipe, "normalize">,
): Promise<string | undefined> {
  if (set.elements !== "f32") return undefined;
  const indices = Uint32Array.from({ length: Math.min(looked, set.count) }, (_, index) => index);
  // The training itself says what is wrong with the file.
  const read = await readWhole(set, indices, rawBatch(set, indices.length)).catch(() => undefined);
  if (read === undefined) return undefined;
  const { raw } = read.images;
  let [least, greatest] = [Infinity, -Infinity];
  for (const value of raw) [least, greatest] = [Math.min(least, value), Math.max(greatest, value)];
  if (!(least >= 0 && greatest > brightByte && greatest <= 255)) return undefined;
  if (normalize !== undefined && greatestNormalized(set, raw, normalize) <= mostNormalized) return undefined;
  const whole = raw.every((value) => Number.isInteger(value));
  return (
    `warning: the training images look like bytes stored as float32: the first ${indices.length} hold numbers from ${round(least)} to ${round(greatest)}, ` +
    `and a network learns badly from such large ones. Divide them by 255${whole ? ", or save them as uint8, which is divided by 255 here" : ""}` +
    (normalize === undefined
      ? "; or normalize them: `normalize(mean: 127.5, std: 127.5)` in the braces of `data`"
      : "; the recipe's `normalize` is one for numbers from 0 to 1")
  );
}

/** Four digits say enough. */
function round(value: number): number {
  return Number(value.toPrecision(4));
}

function greatestNormalized(
  set: ImageSet,
  raw: ArrayLike<number>,
  { mean, std }: NonNullable<DataRecipe["normalize"]>,
): number {
  const plane = imageElements(set) / set.channels;
  const ofChannel = (list: readonly number[], channel: number): number => list[channel % list.length] as number;
  let greatest = 0;
  for (let i = 0; i < raw.length; i++) {
    const channel = Math.floor(i / plane) % set.channels;
    greatest = Math.max(greatest, Math.abs(((raw[i] as number) - ofChannel(mean, channel)) / ofChannel(std, channel)));
  }
  return greatest;
}
