/** What a recipe's lines may name, with their arguments: the same form as a layer's. */
import type { LayerArgument } from "../ops/defineOp.ts";

export interface RecipeDefinition {
  readonly name: string;
  readonly doc: string;
  readonly arguments: readonly LayerArgument[];
}
export type RecipeTable = ReadonlyMap<string, RecipeDefinition>;

const positive = { min: 0, minExclusive: true } as const;
const share = { min: 0, max: 1 } as const;

function table(...definitions: readonly RecipeDefinition[]): RecipeTable {
  return new Map(definitions.map((definition) => [definition.name, definition]));
}
function define(name: string, doc: string, ...args: readonly LayerArgument[]): RecipeDefinition {
  return { name, doc, arguments: args };
}
function real(name: string, doc: string, rest: Partial<LayerArgument> = {}): LayerArgument {
  return { name, type: "real", doc, ...rest };
}
function whole(name: string, doc: string, rest: Partial<LayerArgument> = {}): LayerArgument {
  return { name, type: "integer", doc, ...rest };
}

const rate = real("lr", "learning rate", positive);
const decay = real("weight_decay", "L2 penalty on every parameter", { min: 0, default: 0 });
const eps = real("eps", "added to the denominator", { ...positive, default: 1e-8 });
const betas: LayerArgument = {
  name: "betas",
  type: "reals",
  doc: "decay of the running mean and of the running square",
  default: [0.9, 0.999],
  min: 0,
  max: 1,
  maxExclusive: true,
};

export const optimizers = table(
  define(
    "sgd",
    "stochastic gradient descent, with momentum where it is given",
    rate,
    real("momentum", "share of the last step that is kept", { ...share, maxExclusive: true, default: 0 }),
    decay,
    { name: "nesterov", type: "boolean", doc: "look ahead along the momentum", default: false },
  ),
  define("adam", "Adam, bias-corrected", { ...rate, default: 1e-3 }, betas, eps, decay),
  define("adamw", "Adam with decoupled weight decay", { ...rate, default: 1e-3 }, betas, eps, {
    ...decay,
    default: 1e-2,
  }),
  define(
    "rmsprop",
    "RMSprop",
    { ...rate, default: 1e-2 },
    real("alpha", "decay of the running square", { ...share, maxExclusive: true, default: 0.99 }),
    eps,
    decay,
    real("momentum", "share of the last step that is kept", { ...share, maxExclusive: true, default: 0 }),
  ),
);

const warmup = real("warmup", "epochs over which the rate rises from 0", { min: 0, default: 0 });
const factor = real("factor", "what the rate is multiplied by", { ...positive, default: 0.1 });

export const schedules = table(
  define("constant", "the rate as given", warmup),
  define("step", "times `factor` every `step_size` epochs", whole("step_size", "epochs between changes", { min: 1 }), factor, warmup), // prettier-ignore
  define(
    "multi_step",
    "times `factor` after each epoch of `milestones`",
    { name: "milestones", type: "integers", doc: "epochs after which the rate changes", min: 1 },
    factor,
    warmup,
  ),
  define("cosine", "down half a cosine to `eta_min` at the last epoch", real("eta_min", "rate at the end", { min: 0, default: 0 }), warmup), // prettier-ignore
  define(
    "one_cycle",
    "up to `max_lr` and down again, over the whole training",
    real("max_lr", "highest rate", positive),
    real("pct_start", "share of the training that rises", { ...share, default: 0.3 }),
    real("div_factor", "first rate is max_lr / div_factor", { ...positive, default: 25 }),
    real("final_div_factor", "last rate is the first / final_div_factor", { ...positive, default: 1e4 }),
    warmup,
  ),
  define(
    "reduce_on_plateau",
    "times `factor` when the loss has not fallen for `patience` epochs",
    factor,
    whole("patience", "epochs without improvement that are waited", { min: 0, default: 10 }),
    real("threshold", "relative improvement that counts", { min: 0, default: 1e-4 }),
    whole("cooldown", "epochs after a change that do not count", { min: 0, default: 0 }),
    real("min_lr", "lowest rate", { min: 0, default: 0 }),
    warmup,
  ),
);

export const initialisers = table(
  define("pytorch", "each layer's own default in PyTorch"),
  define("xavier_uniform", "uniform within sqrt(6 / (fan_in + fan_out)), biases 0"),
  define("xavier_normal", "normal, std sqrt(2 / (fan_in + fan_out)), biases 0"),
  define("he_uniform", "uniform within sqrt(6 / fan_in), biases 0"),
  define("he_normal", "normal, std sqrt(2 / fan_in), biases 0"),
  define("normal", "normal with the given deviation, biases 0", real("std", "standard deviation", { min: 0 })),
);

export const losses = table(
  define(
    "cross_entropy",
    "softmax and negative log-likelihood",
    real("label_smoothing", "share spread over all classes", { ...share, maxExclusive: true, default: 0 }),
  ),
  define("nll", "negative log-likelihood, after `log_softmax`"),
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
    { name: "scale", type: "reals", doc: "smallest and largest share of the area", ...positive, max: 1, default: [0.08, 1] }, // prettier-ignore
    { name: "ratio", type: "reals", doc: "smallest and largest width / height", ...positive, default: [0.75, 4 / 3] },
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
    { name: "scale", type: "reals", doc: "smallest and largest share of the area", ...positive, max: 1, default: [0.02, 0.33] }, // prettier-ignore
    { name: "ratio", type: "reals", doc: "smallest and largest width / height", ...positive, default: [0.3, 3.3] },
  ),
);

/** Data sets that a name stands for. */
export const namedData = ["fashion_mnist", "mnist", "cifar10", "cifar100"] as const;

export const normalizeArguments: readonly LayerArgument[] = [
  { name: "mean", type: "reals", doc: "mean of x / 255, one or one a channel" },
  { name: "std", type: "reals", doc: "deviation of x / 255, one or one a channel", ...positive },
];
export const resizeArgument: LayerArgument = { name: "resize", type: "size", min: 1, doc: "height and width" };
export const earlyStopArguments: readonly LayerArgument[] = [
  whole("patience", "epochs without improvement that are waited", { min: 1 }),
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
