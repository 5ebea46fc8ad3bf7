/** CNN5xxx: recipes and data. Only catalogue entries are exported from here. */
import { defineDiagnostic } from "./defineDiagnostic.ts";

const net = "model Net {\n  input 1 x 28 x 28\n  flatten\n  linear(10)\n}\n";
const train = (body: string): string => `${net}train Net {\n${body}}\n`;

export const unknownRecipeKey = defineDiagnostic<{ readonly key: string; readonly place: string }>({
  code: "CNN5001",
  severity: "error",
  title: "An unknown line of a recipe",
  message: ({ key, place }) => `${place} has no line \`${key}\``,
  explanation:
    "A recipe knows `data`, `loss`, `optimizer`, `schedule`, `init`, `batch`, `epochs`, `seed`, `clip_norm`, " +
    "`accumulate`, `early_stop`, `freeze`, `memory` and `precision`; the braces of `data` know `resize`, `normalize`, " +
    "`subtract` and `augment`.",
  failing: train("  data mnist\n  optimiser sgd(lr: 0.1)\n"),
  mended: train("  data mnist\n  optimizer sgd(lr: 0.1)\n"),
});

export const missingRecipeLine = defineDiagnostic<{ readonly recipe: string; readonly missing: readonly string[] }>({
  code: "CNN5002",
  severity: "error",
  title: "A recipe without data or optimizer",
  message: ({ recipe, missing }) =>
    `${recipe} needs ${missing.map((key) => `\`${key}\``).join(" and ")}, which ${missing.length === 1 ? "is" : "are"} not given`,
  explanation: "`data` and `optimizer` are required; every other line has a default.",
  failing: train("  data mnist\n"),
  mended: train("  data mnist\n  optimizer sgd(lr: 0.1)\n"),
});

export const recipeKeyTwice = defineDiagnostic<{ readonly key: string }>({
  code: "CNN5003",
  severity: "error",
  title: "A line of a recipe given twice",
  message: ({ key }) => `\`${key}\` is given twice in this recipe`,
  explanation: "Each line stands once, but `freeze`, which may name several parts line by line.",
  failing: train("  data mnist\n  optimizer sgd(lr: 0.1)\n  batch 64\n  batch 128\n"),
  mended: train("  data mnist\n  optimizer sgd(lr: 0.1)\n  batch 128\n"),
});

export const unknownRecipeChoice = defineDiagnostic<{ readonly key: string; readonly name: string }>({
  code: "CNN5004",
  severity: "error",
  title: "An unknown optimizer, schedule, data set or the like",
  message: ({ key, name }) => `there is no ${key} called \`${name}\``,
  explanation: "docs/language.md lists the optimizers, schedules, initialisers, losses, data sets and augmentations.",
  failing: train("  data mnist\n  optimizer agd(lr: 0.1)\n"),
  mended: train("  data mnist\n  optimizer sgd(lr: 0.1)\n"),
});

export const recipeLineForm = defineDiagnostic<{ readonly key: string; readonly expected: string }>({
  code: "CNN5005",
  severity: "error",
  title: "A line of a recipe in another form",
  message: ({ key, expected }) => `\`${key}\` is followed by ${expected}`,
  explanation: "Each line is its word and one thing after it: a number, a name, or a name with arguments.",
  failing: train("  data mnist\n  optimizer sgd(lr: 0.1)\n  batch\n"),
  mended: train("  data mnist\n  optimizer sgd(lr: 0.1)\n  batch 64\n"),
});

export const duplicateRecipe = defineDiagnostic<{ readonly model: string; readonly name: string }>({
  code: "CNN5006",
  severity: "error",
  title: "Two recipes of one name",
  message: ({ model, name }) =>
    name === "" ? `model ${model} has two recipes without a name` : `there are two recipes called \`${name}\``,
  explanation:
    "A model has one recipe without a name; further ones are told apart by `as`: `train Net as quick { … }`.",
  failing: `${train("  data mnist\n  optimizer sgd(lr: 0.1)\n")}train Net {\n  data mnist\n  optimizer sgd(lr: 0.2)\n}\n`,
  mended: `${train("  data mnist\n  optimizer sgd(lr: 0.1)\n")}train Net as fast {\n  data mnist\n  optimizer sgd(lr: 0.2)\n}\n`,
});

export const unknownFreeze = defineDiagnostic<{ readonly model: string; readonly name: string }>({
  code: "CNN5007",
  severity: "error",
  title: "Nothing to freeze",
  message: ({ model, name }) => `model ${model} has no parameters under the name \`${name}\``,
  explanation:
    "`freeze stem` keeps the parameters of the layer or block that `as stem` names, or, when the name is of a value, of " +
    "everything that leads to it. Layers without a name have their number: `conv1`.",
  failing: train("  data mnist\n  optimizer sgd(lr: 0.1)\n  freeze stem\n"),
  mended: train("  data mnist\n  optimizer sgd(lr: 0.1)\n  freeze linear1\n"),
});

export const twoScalings = defineDiagnostic<Readonly<Record<never, never>>>({
  code: "CNN5008",
  severity: "error",
  title: "Images normalised twice",
  message: () => "`normalize` and `subtract` cannot both be given",
  explanation: "`normalize` subtracts a mean and divides by a deviation; `subtract` subtracts a mean alone.",
  failing: train(
    "  data mnist {\n    normalize(mean: 0.13, std: 0.31)\n    subtract mean_image\n  }\n  optimizer sgd(lr: 0.1)\n",
  ),
  mended: train("  data mnist {\n    normalize(mean: 0.13, std: 0.31)\n  }\n  optimizer sgd(lr: 0.1)\n"),
});

export const normalizeLengths = defineDiagnostic<{ readonly mean: number; readonly std: number }>({
  code: "CNN5009",
  severity: "error",
  title: "Means and deviations of different numbers",
  message: ({ mean, std }) =>
    `\`mean\` has ${mean} value${mean === 1 ? "" : "s"} and \`std\` ${std}: each has one, or one a channel`,
  explanation: "`normalize` takes one mean and one deviation for all channels, or a tuple of one a channel for both.",
  failing: train(
    "  data mnist {\n    normalize(mean: (0.5, 0.5, 0.5), std: (0.2, 0.2))\n  }\n  optimizer sgd(lr: 0.1)\n",
  ),
  mended: train("  data mnist {\n    normalize(mean: 0.5, std: 0.2)\n  }\n  optimizer sgd(lr: 0.1)\n"),
});

export const classWeightsLength = defineDiagnostic<{
  readonly weights: number;
  readonly classes: number;
  readonly head: string;
}>({
  code: "CNN5010",
  severity: "error",
  title: "Class weights that are not one a class",
  message: ({ weights, classes, head }) =>
    `\`class_weights\` has ${weights} value${weights === 1 ? "" : "s"}, and ${head} has ${classes} classes`,
  explanation: "A loss takes one weight a class, in the classes' order; all heads share them.",
  failing: train("  data mnist\n  loss cross_entropy(class_weights: (1, 2))\n  optimizer sgd(lr: 0.1)\n"),
  mended: train(
    "  data mnist\n  loss cross_entropy(class_weights: (1, 1, 1, 1, 1, 1, 1, 1, 2, 1))\n  optimizer sgd(lr: 0.1)\n",
  ),
});

export const contradictoryArguments = defineDiagnostic<{ readonly contradiction: string }>({
  code: "CNN5011",
  severity: "error",
  title: "Arguments of a recipe that contradict each other",
  message: ({ contradiction }) => contradiction,
  explanation:
    "Each argument is right by itself, but one takes away what another is about: `nesterov` looks ahead along a momentum, " +
    "and a `one_cycle` is as long as `total_steps` or as `epochs` of `steps_per_epoch`.",
  failing: train("  data mnist\n  optimizer sgd(lr: 0.1, nesterov: true)\n"),
  mended: train("  data mnist\n  optimizer sgd(lr: 0.1, momentum: 0.9, nesterov: true)\n"),
});
