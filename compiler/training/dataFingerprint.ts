/**
 * What a data set looks like, so that a run is not resumed on another one: cheap for any number of images, since of their pixels only
 * a sample is read. Equal for the same files wherever they lie.
 */
import { createHash, type Hash } from "node:crypto";
import { rawBatch, type Dataset, type ImageSet } from "../datasets/imageSet.ts";

/** Images of each half whose pixels are looked at: the first, the last, and others at even distances. */
const sampled = 16;
const shownCharacters = 200;

/** Texts by name, to be compared one by one and shown to people. */
export async function dataFingerprint(dataset: Dataset): Promise<Readonly<Record<string, string>>> {
  const { classNames, train, test } = dataset;
  const { channels, height, width, elements, mixed } = train;
  return {
    "size of the images": `${channels}x${height}x${width} ${elements}${mixed ? ", of several sizes" : ""}`,
    "test images": String(test.count),
    classes: classesText(classNames),
    "labels of the training images (hash)": labelsHash(train),
    "labels of the test images (hash)": labelsHash(test),
    ...(train.files !== undefined && {
      "names and sizes of the training files (hash)": filesHash(train.files),
      "names and sizes of the test files (hash)": filesHash(test.files ?? []),
    }),
    "sampled training images (hash)": await sampleHash(train),
    "sampled test images (hash)": await sampleHash(test),
  };
}

/** The names themselves where they are few, as people compare them best. */
function classesText(names: readonly string[]): string {
  const text = names.join(", ");
  return text.length <= shownCharacters ? text : `${names.length}, of which the names have the hash ${hashed((hash) => hash.update(JSON.stringify(names)))}`; // prettier-ignore
}

function labelsHash({ labels, count }: ImageSet): string {
  return hashed((hash) => {
    const numbers = Uint32Array.from({ length: count }, (_, index) => labels[index] as number);
    hash.update(new Uint8Array(numbers.buffer));
  });
}

function filesHash(files: NonNullable<ImageSet["files"]>): string {
  return hashed((hash) => {
    for (const { name, bytes } of files) hash.update(`${bytes} ${name}\n`);
  });
}

async function sampleHash(set: ImageSet): Promise<string> {
  const count = Math.min(sampled, set.count);
  const indices = Array.from({ length: count }, (_, at) => (count === 1 ? 0 : Math.round((at * (set.count - 1)) / (count - 1)))); // prettier-ignore
  const hash = createHash("sha256");
  for (const index of indices) {
    // One at a time: rooms of large pictures are large.
    const image = rawBatch(set, 1);
    const damaged: string[] = [];
    await set.read([index], image, () => damaged.push("damaged"));
    hash.update(damaged.join());
    hash.update(new Uint8Array(image.sizes.buffer));
    hash.update(new Uint8Array(image.raw.buffer));
  }
  return shortened(hash);
}

function hashed(write: (hash: Hash) => void): string {
  const hash = createHash("sha256");
  write(hash);
  return shortened(hash);
}

/** As much as people can compare; chance alone makes two equal once in 2^48. */
function shortened(hash: Hash): string {
  return hash.digest("hex").slice(0, 12);
}
