/** The image whose feature maps are shown: one of the test images, or a file. */
import { openPictures } from "../commands/openPictures.ts";
import { sourceOf } from "../commands/openData.ts";
import { readImages, type Dataset, type RawBatch } from "../datasets/imageSet.ts";
import { UserError } from "../files/userError.ts";
import type { ImageSource } from "../imageSource.ts";
import { pictureOf } from "./evaluateRun.ts";
import type { Picture } from "./reportData.ts";
import type { RunNetwork } from "./runNetwork.ts";

export interface ChosenImage {
  /** "test image 7, a Sneaker", or the file's name. */
  readonly name: string;
  readonly images: RawBatch;
  readonly source: ImageSource;
  readonly picture: Picture;
}

/** Reads the image that `--image` names: a number of a test image, or a PNG or JPEG file; throws `UserError`. */
export async function chosenImage(
  asked: string,
  { network, recipe }: RunNetwork,
  dataset: () => Dataset,
  note: (text: string) => void,
): Promise<ChosenImage> {
  if (/^\d+$/.test(asked)) {
    const { test, classNames } = dataset();
    const index = Number(asked);
    if (index >= test.count) throw new UserError(`--image ${asked}: the test images are 0 to ${test.count - 1}`, 2);
    const images = await readImages(test, [index]);
    const label = test.labels[index] ?? 0;
    return {
      name: `test image ${index}, of class ${classNames[label] ?? label}`,
      ...{ images, source: sourceOf(test), picture: pictureOf(test, images) },
    };
  }
  const problems: string[] = [];
  const failed = (_: string, reason: string): unknown => problems.push(reason);
  const pictures = openPictures([asked], network, recipe, { failed, note });
  for await (const { images } of pictures?.batches(1) ?? []) {
    const { source } = pictures as NonNullable<typeof pictures>;
    const [channels, height, width] = source.shape;
    return { name: asked, images, source, picture: pictureOf({ channels, height, width }, images) };
  }
  throw new UserError(`--image: ${problems.join("; ") || `${asked} could not be read`}`, 2);
}
