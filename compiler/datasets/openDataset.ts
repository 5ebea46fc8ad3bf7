/** Finds and reads the data that a recipe names. Nothing is ever downloaded. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DataSource } from "../ir/recipe.ts";
import { DatasetError } from "./datasetError.ts";
import type { Dataset } from "./imageSet.ts";
import { holdsImageSets, readImageSet } from "./readImageSet.ts";

export interface OpenOptions {
  /** `--data DIR`: where the files are; wins over every other place. */
  readonly directory?: string;
}

interface NamedDataset {
  /** Where distributions install it. */
  readonly installed: string;
  /** Folder of the images that ship with the compiler, from its root. */
  readonly shipped?: string;
  readonly howToGet: string;
  readonly classNames: readonly string[];
}

const named: Readonly<Record<"fashion_mnist" | "mnist", NamedDataset>> = {
  fashion_mnist: {
    installed: "/usr/share/datasets/fashion-mnist",
    shipped: "specs/data/fashion-mnist",
    howToGet: "Debian's package dataset-fashion-mnist installs it there",
    classNames: [
      "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ], // prettier-ignore
  },
  mnist: {
    installed: "/usr/share/datasets/mnist",
    howToGet: "its four IDX files (train-images-idx3-ubyte.gz and so on) can lie in any folder",
    classNames: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
  },
};

/** Folder of the images that ship with the compiler; they serve wherever the full set is not needed. */
export function shippedFashionMnist(): string {
  return join(packageRoot(), "specs/data/fashion-mnist");
}

/** Reads both halves of a recipe's data; throws `DatasetError` where it cannot be found, read or is not supported. */
export function openDataset(source: DataSource, options: OpenOptions = {}): Dataset {
  const name = sourceName(source);
  if (source.kind !== "named" || (source.name !== "fashion_mnist" && source.name !== "mnist")) {
    throw new DatasetError(
      `training on ${name} is not supported yet: this version reads fashion_mnist and mnist (an MNIST-like set of your own: --data DIR)`,
    );
  }
  const definition = named[source.name];
  const { directory, note } = findDirectory(source.name, definition, options.directory);
  const classes = definition.classNames.length;
  const train = readImageSet(directory, "train", classes);
  const test = readImageSet(directory, "test", classes);
  if (train.height !== test.height || train.width !== test.width) {
    throw new DatasetError(
      `${directory}: the train images are ${train.height}x${train.width}, the test images ${test.height}x${test.width}`,
    );
  }
  const description = `${name} from ${directory}${note}: ${train.count} train and ${test.count} test images`;
  return { description, classNames: definition.classNames, train, test };
}

/** The data set as the recipe writes it. */
export function sourceName(source: DataSource): string {
  switch (source.kind) {
    case "named":
      return source.name;
    case "images":
      return `images(${JSON.stringify(source.directory)})`;
    case "arrays":
      return `arrays(${JSON.stringify(source.images)}, ${JSON.stringify(source.labels)})`;
  }
}

function findDirectory(
  name: string,
  { installed, shipped, howToGet }: NamedDataset,
  given: string | undefined,
): { readonly directory: string; readonly note: string } {
  if (given !== undefined) {
    if (!existsSync(given)) throw new DatasetError(`--data ${given}: there is no such directory`);
    return { directory: given, note: "" };
  }
  if (holdsImageSets(installed)) return { directory: installed, note: "" };
  if (shipped !== undefined) {
    const directory = join(packageRoot(), shipped);
    if (holdsImageSets(directory)) return { directory, note: " (the subset that ships with cnnc)" };
  }
  throw new DatasetError(`${name} was not found in ${installed}: ${howToGet}; or say where it is with --data DIR`);
}

/** The folder that holds package.json: two levels up in a checkout, three from dist/. */
function packageRoot(): string {
  const here = fileURLToPath(new URL(".", import.meta.url));
  const candidates = [join(here, "../.."), join(here, "../../..")];
  return candidates.find((folder) => existsSync(join(folder, "package.json"))) ?? join(here, "../..");
}
