import { readImages } from "../datasets/imageSet.ts";
import { readBytes } from "../files/readText.ts";
import { UserError } from "../files/userError.ts";
import { softmax } from "../training/metrics.ts";
import { meanFile, provideMean } from "../training/imageMean.ts";
import { openNetwork } from "../training/openNetwork.ts";
import { percent } from "../training/progressView.ts";
import type { CompileOptions } from "../compile.ts";
import { InternalCompilerError } from "../ir/diagnostic.ts";
import type { Recipe } from "../ir/recipe.ts";
import { compileFile, compileSpec, type SpecOptions } from "./compileSpec.ts";
import { openData, sourceOf, type OpenedData } from "./openData.ts";
import { requireDataRecipe } from "./eval.ts";
import { table, type Terminal } from "./terminal.ts";

export interface PredictCommandOptions extends SpecOptions {
  readonly weights: string;
  readonly recipe?: string;
  readonly data?: string;
  readonly images: string;
  readonly top: number;
  /** The `as` name whose value is printed in place of the classes. */
  readonly value?: string;
}

interface Prediction {
  readonly image: number;
  readonly label: string;
  readonly classes: readonly { readonly name: string; readonly probability: number }[];
}

/** `cnnc predict`: the most likely classes of test images, beside what they are. */
export async function predictCommand(
  file: string,
  options: PredictCommandOptions,
  terminal: Terminal,
): Promise<number> {
  const more = {
    ...(options.recipe === undefined ? {} : { recipe: options.recipe }),
    ownImages: options.data !== undefined,
  };
  const { network: compiled, diagnostics } = compileSpec(file, options, terminal, more);
  const recipe = requireDataRecipe(compiled, file);
  const weights = readBytes(options.weights);
  const { network, dataset } = openData(file, compiled, recipe, options, more);
  const indices = parseIndices(options.images, dataset.test.count);
  if (options.value !== undefined) return predictValue(file, { ...options, value: options.value }, { network, dataset }, { recipe, weights, indices, more }, terminal); // prettier-ignore
  const nameOf = (index: number): string => dataset.classNames[index] ?? `class ${index}`;
  const opened = await openNetwork(network.plan, { programs: ["inference", "inferenceBytes"] });
  const predictions: Prediction[] = [];
  try {
    await opened.loadWeights(weights);
    await provideMean(opened, dataset, recipe.data, meanFile(options.weights), (text) => terminal.error(`${text}\n`));
    for (let start = 0; start < indices.length; start += opened.batch) {
      const some = indices.slice(start, start + opened.batch);
      const logits = await opened.logits(await readImages(dataset.test, some));
      some.forEach((image, i) => {
        const probabilities = softmax(logits.subarray(i * opened.classes, (i + 1) * opened.classes));
        const classes = [...probabilities]
          .map((probability, index) => ({ name: nameOf(index), probability }))
          .sort((a, b) => b.probability - a.probability)
          .slice(0, options.top);
        predictions.push({ image, label: nameOf(dataset.test.labels[image] ?? 0), classes });
      });
    }
  } finally {
    opened.close();
  }
  if (options.json === true)
    terminal.out(`${JSON.stringify({ name: network.name, predictions, diagnostics }, null, 2)}\n`);
  else {
    const rows = predictions.map(({ image, label, classes }) => [
      `image ${image}`,
      ...classes.map(({ name, probability }) => `${name} ${percent(probability)}`),
      label === classes[0]?.name ? "right" : `wrong: it is ${label}`,
    ]);
    terminal.out(
      table(
        rows,
        (rows[0] ?? []).map(() => "left" as const),
      ),
    );
  }
  return 0;
}

/** Prints the value at a name for each image, as JSON: its shape, and its numbers row by row. */
async function predictValue(
  file: string,
  options: PredictCommandOptions & { readonly value: string },
  { network: whole, dataset }: OpenedData,
  { recipe, weights, indices, more }: PredictedImages,
  terminal: Terminal,
): Promise<number> {
  const { value } = options;
  const names = [...whole.graph.named.keys()];
  if (!names.includes(value)) {
    const known = names.length === 0 ? "`as NAME` in the spec names one" : `it names ${names.join(", ")}`;
    throw new UserError(`--value ${value}: ${whole.name} names no such value; ${known}`, 2);
  }
  const { network } = compileFile(file, options, { ...more, imageSource: sourceOf(dataset.train), value });
  if (network === undefined) throw new InternalCompilerError("predict", `${file} compiles to its end only`);
  const opened = await openNetwork(network.plan, { programs: ["inference", "inferenceBytes"] });
  try {
    await opened.loadWeights(weights);
    await provideMean(opened, dataset, recipe.data, meanFile(options.weights), (text) => terminal.error(`${text}\n`));
    const images: { readonly image: number; readonly values: readonly number[] }[] = [];
    for (let start = 0; start < indices.length; start += opened.batch) {
      const some = indices.slice(start, start + opened.batch);
      const values = await opened.logits(await readImages(dataset.test, some));
      const size = values.length / some.length;
      some.forEach((image, i) => images.push({ image, values: [...values.subarray(i * size, (i + 1) * size)] }));
    }
    terminal.out(`${JSON.stringify({ name: network.name, value, shape: network.plan.outputShape, images })}\n`);
  } finally {
    opened.close();
  }
  return 0;
}

interface PredictedImages {
  readonly recipe: Recipe;
  readonly weights: Uint8Array<ArrayBuffer>;
  readonly indices: readonly number[];
  readonly more: Partial<CompileOptions>;
}

/** "3", "0-9" or "1,5,7-8" as indices below `count`. */
function parseIndices(text: string, count: number): readonly number[] {
  return text.split(",").flatMap((part) => {
    const match = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part);
    if (match === null) throw new UserError(`--images ${text}: expected image numbers such as 3, 0-9 or 1,5,7`, 2);
    const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
    if (last < first) throw new UserError(`--images ${text}: ${first}-${last} runs backwards`, 2);
    if (last >= count) throw new UserError(`--images ${text}: the test images are 0 to ${count - 1}`, 2);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
