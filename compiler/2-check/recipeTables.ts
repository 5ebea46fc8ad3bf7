/** What a recipe's lines may name besides the parts in `recipe/`, with their arguments: the same form as a layer's. */
import type { LayerArgument } from "../ops/defineOp.ts";
import type { RecipePart } from "../recipe/defineRecipePart.ts";

export { initialisers, optimizers, schedules } from "../recipe/index.ts";

export type RecipeTable = ReadonlyMap<string, RecipePart>;

const positive = { min: 0, minExclusive: true } as const;
const share = { min: 0, max: 1 } as const;

function table(...definitions: readonly RecipePart[]): RecipeTable {
  return new Map(definitions.map((definition) => [definition.name, definition]));
}
function define(name: string, doc: string, ...args: readonly LayerArgument[]): RecipePart {
  return { name, doc, arguments: args };
}
function real(name: string, doc: string, rest: Partial<LayerArgument> = {}): LayerArgument {
  return { name, type: "real", doc, ...rest };
}
function whole(name: string, doc: string, rest: Partial<LayerArgument> = {}): LayerArgument {
  return { name, type: "integer", doc, ...rest };
}
function pair(name: string, doc: string, rest: Partial<LayerArgument>): LayerArgument {
  return { name, type: "reals", length: 2, doc, ...positive, ...rest };
}

const classWeights: LayerArgument = {
  name: "class_weights",
  type: "reals",
  min: 0,
  default: [],
  doc: "how much each class counts; all the same unless given",
};

export const losses = table(
  define(
    "cross_entropy",
    "softmax and negative log-likelihood",
    real("label_smoothing", "share spread over all classes", { ...share, maxExclusive: true, default: 0 }),
    classWeights,
  ),
  define("nll", "negative log-likelihood, after `log_softmax`", classWeights),
);

export const augmentations = table(
  define("random_flip", "left to right", real("p", "probability", { ...share, default: 0.5 })),
  define(
    "random_crop",
    "a window at a random place",
    { name: "size", type: "size", doc: "height and width; 0 keeps the image's", min: 0, default: [0, 0] },
    whole("padding", "zeros added on each side first", { min: 0, default: 0 }),
  ),
  define(
    "random_resized_crop",
    "a random part, resized",
    {
      name: "size",
      type: "size",
      doc: "height and width after resizing; 0 keeps the image's",
      min: 0,
      default: [0, 0],
    },
    pair("scale", "smallest and largest share of the area", { max: 1, default: [0.08, 1] }),
    pair("ratio", "smallest and largest width / height", { default: [0.75, 4 / 3] }),
  ),
  define("center_crop", "the middle, in evaluation too", {
    name: "size",
    type: "size",
    doc: "height and width",
    min: 1,
  }),
  define("random_rotation", "by up to `degrees` either way", real("degrees", "largest angle", { min: 0, max: 180 })),
  define(
    "color_jitter",
    "random brightness, contrast and saturation",
    real("brightness", "largest change, as a share", { min: 0, default: 0 }),
    real("contrast", "largest change, as a share", { min: 0, default: 0 }),
    real("saturation", "largest change, as a share", { min: 0, default: 0 }),
  ),
  define(
    "random_erasing",
    "a rectangle of zeros at a random place",
    real("p", "probability", { ...share, default: 0.5 }),
    pair("scale", "smallest and largest share of the area", { max: 1, default: [0.02, 0.33] }),
    pair("ratio", "smallest and largest width / height", { default: [0.3, 3.3] }),
  ),
);

/** Data sets that a name stands for. */
export const namedData = ["fashion_mnist", "mnist", "cifar10", "cifar100"] as const;
export type NamedData = (typeof namedData)[number];

/** What everybody knows of them without reading a file; images are square. */
export const dataSets: Readonly<
  Record<
    NamedData,
    { readonly classes: number; readonly channels: number; readonly size: number; readonly trainImages: number }
  >
> = {
  fashion_mnist: { classes: 10, channels: 1, size: 28, trainImages: 60_000 },
  mnist: { classes: 10, channels: 1, size: 28, trainImages: 60_000 },
  cifar10: { classes: 10, channels: 3, size: 32, trainImages: 50_000 },
  cifar100: { classes: 100, channels: 3, size: 32, trainImages: 50_000 },
};

export const normalizeArguments: readonly LayerArgument[] = [
  { name: "mean", type: "reals", doc: "mean of x / 255, one or one a channel" },
  { name: "std", type: "reals", doc: "deviation of x / 255, one or one a channel", ...positive },
];
export const resizeArgument: LayerArgument = { name: "resize", type: "size", min: 1, doc: "height and width" };
export const earlyStopArguments: readonly LayerArgument[] = [
  whole("patience", "epochs without improvement that are waited", { min: 1, default: 5 }),
];

/** Lines of one number. */
export const numberLines: Readonly<Record<string, LayerArgument>> = {
  batch: whole("batch", "images a step", { min: 1, max: 1_000_000, default: 128 }),
  epochs: whole("epochs", "times through the data", { min: 1, max: 1_000_000, default: 10 }),
  seed: whole("seed", "start of the random numbers", { min: 0, max: 2 ** 32 - 1, default: 0 }),
  clip_norm: real("clip_norm", "largest norm of all gradients together", positive),
  accumulate: whole("accumulate", "batches a step of the optimizer", { min: 1, max: 1_000_000, default: 1 }),
  memory: real("memory", "share of the activations' memory to keep, recomputing the rest", { ...positive, max: 1 }),
};
export const precisions = ["f32", "f16"] as const;
