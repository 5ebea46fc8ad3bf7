/** Finds and reads the data that a recipe names. Nothing is ever downloaded. */
import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { DataSource } from "../ir/recipe.ts";
import { DatasetError } from "./datasetError.ts";
import { subset, type Dataset, type ImageSet } from "./imageSet.ts";
import { readArrays } from "./readArrays.ts";
import { cifarClasses, findCifar, readCifar, type CifarName } from "./readCifar.ts";
import { readImageFolder } from "./readImageFolder.ts";
import { holdsImageSets, readImageSet } from "./readImageSet.ts";
import { splitByHash } from "./splitByHash.ts";

export interface OpenOptions {
  /** `--data DIR`: where the files are; wins over every other place. */
  readonly directory?: string;
  /** The folder that paths in the recipe start from: the spec's own. */
  readonly base?: string;
  /** Channels that the network reads, for pictures. */
  readonly channels?: number;
  /** Classes that the network tells apart, for labels that no data set's name bounds. */
  readonly classes?: number;
  /** Pixels of a picture's room, which is that of the largest, at most: larger ones are made smaller while they are read. */
  readonly roomPixels?: number;
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

/** The names of the classes of a data set that always has the same ones; undefined where its files say. */
export function knownClassNames(source: DataSource): readonly string[] | undefined {
  return source.kind === "named" && source.name in named
    ? named[source.name as keyof typeof named].classNames
    : undefined;
}

/** Reads both halves of a recipe's data; throws `DatasetError` where it cannot be found, read or is damaged. */
export function openDataset(source: DataSource, options: OpenOptions = {}): Dataset {
  switch (source.kind) {
    case "named":
      return source.name === "cifar10" || source.name === "cifar100"
        ? openCifar(source.name, options)
        : openIdx(source.name, options);
    case "images":
      return openFolder(source.directory, sourceName(source), options);
    case "arrays":
      return openArrays(source.images, source.labels, sourceName(source), options);
  }
}

function openIdx(name: keyof typeof named, options: OpenOptions): Dataset {
  const definition = named[name];
  const { directory, note } = findDirectory(name, definition, options.directory);
  const classes = definition.classNames.length;
  const train = readImageSet(directory, "train", classes);
  const test = readImageSet(directory, "test", classes);
  if (train.height !== test.height || train.width !== test.width) {
    throw new DatasetError(
      `${directory}: the train images are ${train.height}x${train.width}, the test images ${test.height}x${test.width}`,
    );
  }
  return { description: describe(name, directory + note, train, test), classNames: definition.classNames, train, test };
}

function openCifar(name: CifarName, options: OpenOptions): Dataset {
  const installed = `/usr/share/datasets/${name}`;
  if (options.directory !== undefined) requireDirectory(options.directory);
  const directory = findCifar(name, options.directory ?? installed);
  if (directory === undefined) {
    throw new DatasetError(
      `${name} was not found in ${options.directory ?? installed}: unpack its binary version (${name === "cifar10" ? "cifar-10-binary.tar.gz" : "cifar-100-binary.tar.gz"}), and say where it is with --data DIR`,
    );
  }
  const [train, test] = [readCifar(name, directory, "train"), readCifar(name, directory, "test")];
  const classNames = cifarClasses(name, directory);
  return { description: describe(name, directory, train, test), classNames, train, test };
}

function openFolder(path: string, name: string, options: OpenOptions): Dataset {
  const directory = options.directory ?? resolve(options.base ?? ".", path);
  requireDirectory(directory);
  const { channels = 3, roomPixels = 2 ** 20 } = options;
  const { classNames, train, test, notes } = readImageFolder(directory, { channels, roomPixels });
  checkSplit(directory, train.count + test.count);
  const classes = `${classNames.length} classes`;
  const description = [`${describe(name, directory, train, test)}, ${classes}`, ...notes].join("\n");
  return { description, classNames, train, test };
}

function openArrays(images: string, labels: string, name: string, options: OpenOptions): Dataset {
  const at = (path: string): string => resolve(options.directory ?? options.base ?? ".", path);
  if (options.directory !== undefined) requireDirectory(options.directory);
  const classes = options.classes ?? 2 ** 32;
  const all = readArrays(at(images), at(labels), classes);
  checkSplit(at(images), all.count);
  const split = splitByHash(Array.from({ length: all.count }, (_, index) => String(index)));
  const [train, test] = [subset(all, split.train), subset(all, split.test)];
  const known = options.classes ?? Array.from(all.labels).reduce((most, label) => Math.max(most, label + 1), 0);
  const classNames = Array.from({ length: known }, (_, index) => String(index));
  return { description: describe(name, at(images), train, test), classNames, train, test };
}

/** Images that are not split by the set itself: each half gets one at least, where there are two. */
function checkSplit(path: string, count: number): void {
  if (count < 2) throw new DatasetError(`${path}: it holds a single image; training and validation need one each`);
}

function describe(name: string, where: string, train: ImageSet, test: ImageSet): string {
  return `${name} from ${where}: ${train.count} train and ${test.count} test images`;
}

function requireDirectory(directory: string, before = ""): void {
  if (!existsSync(directory)) throw new DatasetError(`${before}${directory}: there is no such directory`);
  if (!statSync(directory).isDirectory())
    throw new DatasetError(`${before}${directory}: it is a file, not a directory`);
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
    requireDirectory(given, "--data ");
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
