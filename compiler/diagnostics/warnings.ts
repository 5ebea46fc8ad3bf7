/** CNN6xxx: warnings. Only catalogue entries are exported from here. */
import { defineDiagnostic } from "./defineDiagnostic.ts";

export * from "./silencing.ts";

const recipe = "train Net {\n  data mnist\n  optimizer sgd(lr: 0.1)\n}\n";

/** A model of MNIST's images with its recipe; the lines stand before its end. */
function net(lines: string, train = recipe, end = "  linear(10)\n"): string {
  return `model Net {\n  input 1 x 28 x 28\n${lines}${end}}\n${train}`;
}

export const headWithoutLoss = defineDiagnostic<{ readonly head: string }>({
  code: "CNN6001",
  severity: "warning",
  title: "A head without a loss",
  message: ({ head }) => `head ${head} weighs 0 in the loss, so nothing trains it`,
  explanation:
    "The training loss is the sum of every head's loss times its weight, and heads are dropped from inference: one of " +
    "weight 0 is computed for nothing, and its layers keep their initial values.",
  failing: net("  flatten\n  head aux weight 0 { linear(10) }\n"),
  mended: net("  flatten\n  head aux weight 0.3 { linear(10) }\n"),
});

export const layersWithoutLoss = defineDiagnostic<{ readonly last: string; readonly parameters: number }>({
  code: "CNN6002",
  severity: "warning",
  title: "Layers that no loss reaches",
  message: ({ last, parameters }) =>
    `nothing uses the result of ${last}, so no loss trains the ${parameters} parameters that lead to it alone`,
  explanation:
    "`from` leaves the current value behind. What neither the model's end nor a `head` depends on keeps its initial " +
    "values. An auxiliary classifier is written as a `head`.",
  failing: net("  flatten as x -> linear(10)\n  from x\n"),
  mended: net("  flatten as x\n  head aux { linear(10) }\n"),
});

export const softmaxBeforeLoss = defineDiagnostic<{
  readonly layer: string;
  readonly end: string;
  readonly classes: number;
}>({
  code: "CNN6003",
  severity: "warning",
  title: "Softmax before cross_entropy",
  message: ({ layer, end, classes }) =>
    layer === "softmax"
      ? `${end} ends with softmax, and \`loss cross_entropy\` applies softmax again: its loss cannot fall below ${leastLoss(classes)}`
      : `${end} ends with log_softmax, which \`loss cross_entropy\` computes itself`,
  explanation:
    "`cross_entropy` takes logits and holds softmax already. Of probabilities, which lie between 0 and 1, it makes nearly " +
    "equal ones again, and training stalls; of `log_softmax` it makes the same loss by more work. `nll` is the loss " +
    "that takes `log_softmax`.",
  failing: net("  flatten\n", recipe, "  linear(10) -> softmax\n"),
  mended: net("  flatten\n"),
});

/** Cross entropy of the surest probabilities, 1 and 0, taken as logits. */
function leastLoss(classes: number): string {
  return Math.log(1 + (classes - 1) / Math.E).toFixed(2);
}

export const nllWithoutLogSoftmax = defineDiagnostic<{ readonly end: string; readonly layer: string }>({
  code: "CNN6004",
  severity: "warning",
  title: "nll without log_softmax",
  message: ({ end, layer }) => `\`loss nll\` takes logarithms of probabilities, but ${end} ends with ${layer}`,
  explanation:
    "`nll` is minus the value of the right class. Without `log_softmax` before it that value has no bound, so the loss " +
    "falls for ever while nothing is learnt.",
  failing: net("  flatten\n", recipe.replace("optimizer", "loss nll\n  optimizer")),
  mended: net("  flatten\n", recipe.replace("optimizer", "loss nll\n  optimizer"), "  linear(10) -> log_softmax\n"),
});

export const dropoutAfterLastLayer = defineDiagnostic<{
  readonly dropout: string;
  readonly end: string;
  readonly last: string;
}>({
  code: "CNN6005",
  severity: "warning",
  title: "Dropout after the last layer",
  message: ({ dropout, end, last }) => `${dropout} stands after ${last}, the last layer of ${end}: it drops logits`,
  explanation:
    "Dropout takes features away so that the next layer learns not to depend on single ones. After the last layer it " +
    "sets the right class's logit itself to 0 now and then, and the loss learns nothing from that.",
  failing: net("  flatten\n", recipe, "  linear(10) -> dropout(0.5)\n"),
  mended: net("  flatten\n", recipe, "  dropout(0.5) -> linear(10)\n"),
});

export const batchNormOfOne = defineDiagnostic<{
  readonly layer: string;
  readonly batch: number;
  readonly values: number;
  readonly lastOf?: number;
}>({
  code: "CNN6006",
  severity: "warning",
  title: "Batch norm at batch 1",
  message: ({ layer, batch, values, lastOf }) => {
    if (lastOf !== undefined) {
      return `the last batch of an epoch holds 1 of the ${lastOf} images (batch ${batch}), where ${layer} has 1 value a channel to normalise`;
    }
    return values === 1
      ? `at batch 1, ${layer} has 1 value a channel to normalise: its result is the same for every image`
      : `at batch 1, ${layer} normalises each image by itself (${values} values a channel), unlike in inference`;
  },
  explanation:
    "Batch norm takes mean and variance over the batch, and their running averages in inference. Of one image they say " +
    "nothing of the data; where a channel has one value they take it away altogether, which PyTorch refuses to do. " +
    "`group_norm` and `layer_norm` do not look at the batch.",
  failing: net(
    "  conv(8, kernel: 3) -> batch_norm -> relu -> global_avg_pool -> flatten\n",
    recipe.replace("}", "  batch 1\n}"),
  ),
  mended: net(
    "  conv(8, kernel: 3) -> batch_norm -> relu -> global_avg_pool -> flatten\n",
    recipe.replace("}", "  batch 32\n}"),
  ),
});

export const vanishingGradient = defineDiagnostic<{
  readonly layer: string;
  readonly activations: string;
  readonly share: number;
}>({
  code: "CNN6007",
  severity: "warning",
  title: "A gradient that vanishes",
  message: ({ layer, activations, share }) =>
    `the gradient of ${layer} passes ${activations} activations on its way back, which leave about 1/${share} of it`,
  explanation:
    "Activations that saturate scale a gradient down: sigmoid to at most 1/4, hard_sigmoid to at most 1/6, tanh to 0.6 " +
    "in the mean. Along the easiest way from a loss to each layer the factors are multiplied, and a layer that less " +
    "than 1/1000 reaches (five sigmoids, fourteen tanh) hardly learns. A shortcut past them, a normalisation among them " +
    "or an auxiliary head ends the chain; `relu` and its kin scale nothing down.",
  failing: net("  flatten\n  repeat 5 { linear(32) -> sigmoid }\n"),
  mended: net("  flatten\n  repeat 5 { linear(32) -> relu }\n"),
});

export const classCount = defineDiagnostic<{
  readonly model: string;
  readonly logits: number;
  readonly data: string;
  readonly classes: number;
}>({
  code: "CNN6008",
  severity: "warning",
  title: "Another number of classes than the data set's",
  message: ({ model, logits, data, classes }) => `${data} has ${classes} classes, but ${model} ends with ${logits}`,
  explanation:
    "A model ends with one logit a class. With fewer, labels have no logit and training refuses to start; more are " +
    "trained towards nothing. mnist, fashion_mnist and cifar10 have 10 classes, cifar100 has 100.",
  failing: net("  flatten\n", recipe, "  linear(100)\n"),
  mended: net("  flatten\n"),
});

export const imageShape = defineDiagnostic<{
  readonly model: string;
  readonly input: string;
  readonly data: string;
  readonly images: string;
}>({
  code: "CNN6009",
  severity: "warning",
  title: "Another input than the data set's images",
  message: ({ model, input, data, images }) => `${data} gives images of ${images}, but ${model} takes ${input}`,
  explanation:
    "Training refuses to start where the prepared images are not what the model takes. mnist and fashion_mnist are " +
    "1x28x28, cifar10 and cifar100 3x32x32; `resize` and the crops of `augment` change height and width. A vector " +
    "takes images of as many values.",
  failing: net("  flatten\n", "train Net {\n  data cifar10\n  optimizer sgd(lr: 0.1)\n}\n"),
  mended:
    "model Net {\n  input 3 x 32 x 32\n  flatten\n  linear(10)\n}\ntrain Net {\n  data cifar10\n  optimizer sgd(lr: 0.1)\n}\n",
});
