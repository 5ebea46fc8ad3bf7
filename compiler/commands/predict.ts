import { rawBatch, readWhole, type RawBatch } from "../datasets/imageSet.ts";
import { UserError } from "../files/userError.ts";
import type { CompiledNetwork } from "../ir/output.ts";
import { className, greatest, softmax } from "../training/metrics.ts";
import { percent } from "../training/progressView.ts";
import {
  classNamesOf, compileForData, compileTrained, openClassifier, type Classifier, type TrainedOptions, type TrainedSpec,
} from "./openClassifier.ts"; // prettier-ignore
import { checkValue } from "./checkValue.ts";
import { compileFor } from "./openData.ts";
import { openPictures } from "./openPictures.ts";
import { table, type Terminal } from "./terminal.ts";

export interface PredictCommandOptions extends TrainedOptions {
  /** Numbers of test images; the first ten where neither they nor pictures are given. */
  readonly images?: string;
  readonly top: number;
  /** The `as` name or path whose value is printed in place of the classes. */
  readonly value?: string;
}

const firstImages = "0-9";

/** What is predicted: pictures, or test images. */
interface Inputs {
  /** The network with the program that prepares these images. */
  readonly network: CompiledNetwork;
  readonly classNames: readonly string[];
  batches(count: number): AsyncIterable<{ readonly images: RawBatch; readonly items: readonly Item[] }>;
}

/** One of them, as the output names it. */
interface Item {
  readonly title: string;
  readonly json: Readonly<Record<string, unknown>>;
  /** The right class, where it is known. */
  readonly label?: string;
}

interface Failure {
  readonly file: string;
  readonly reason: string;
}

/** `cnnc predict`: the most likely classes of pictures, or of test images beside what they are; 1 where a file is bad. */
export async function predictCommand(
  file: string,
  pictures: readonly string[],
  options: PredictCommandOptions,
  terminal: Terminal,
): Promise<number> {
  if (pictures.length > 0 && options.images !== undefined)
    throw new UserError("--images chooses test images; leave it out where picture files are given", 2);
  if (options.value !== undefined && options.weights.length > 1) {
    const count = options.weights.length;
    throw new UserError(`--value prints a value of one network, and ${count} weights files were given`, 2);
  }
  const trained = compileTrained(file, options, terminal);
  if (options.value !== undefined) checkValue(trained.compiled.graph, options.value);
  // Compiled again with the value as its output, where one is asked for.
  const spec = options.value === undefined ? trained : { ...trained, more: { ...trained.more, value: options.value } };
  const failed: Failure[] = [];
  const fail = (path: string, reason: string): void => {
    failed.push({ file: path, reason });
    terminal.error(`${terminal.errorColours.red("error")}: ${reason}\n`);
  };
  const inputs =
    pictures.length > 0
      ? pictureInputs(pictures, spec, options, { failed: fail, note: (text) => terminal.error(`${text}\n`) })
      : testInputs(spec, options, fail);
  const results: Result[] = [];
  if (inputs !== undefined) {
    const classifier = await openClassifier(inputs.network, spec, terminal);
    try {
      await predictInputs(inputs, classifier, results);
    } finally {
      classifier.close();
    }
  }
  const name = trained.compiled.name;
  const rest = { ...((pictures.length > 0 || failed.length > 0) && { failed }), diagnostics: trained.diagnostics };
  if (options.value !== undefined) {
    const shape = inputs?.network.plan.outputShape ?? [];
    const images = results.map(({ item, row }) => ({ ...item.json, values: [...row] }));
    terminal.out(`${JSON.stringify({ name, value: options.value, shape, images, ...rest })}\n`);
  } else {
    const ranked = results.map(({ item, row }) => ({
      item,
      classes: rank(row, inputs?.classNames ?? [], options.top),
    }));
    if (options.json === true) {
      const predictions = ranked.map(({ item, classes }) => ({ ...item.json, classes }));
      terminal.out(`${JSON.stringify({ name, predictions, ...rest }, null, 2)}\n`);
    } else terminal.out(predictionTable(ranked));
  }
  return failed.length > 0 ? 1 : 0;
}

interface Result {
  readonly item: Item;
  /** Its logits, or its value. */
  readonly row: Float32Array | Float64Array;
}

async function predictInputs(inputs: Inputs, classifier: Classifier, results: Result[]): Promise<void> {
  for await (const { images, items } of inputs.batches(classifier.batch)) {
    const values = await classifier.logits(images);
    const size = values.length / items.length;
    items.forEach((item, index) => results.push({ item, row: values.subarray(index * size, (index + 1) * size) }));
  }
}

interface RankedClass {
  readonly name: string;
  readonly class: number;
  readonly probability: number;
}

function rank(logits: ArrayLike<number>, names: readonly string[], top: number): readonly RankedClass[] {
  const probabilities = softmax(logits);
  return greatest(logits, top).map((index) => ({
    name: className(names, index),
    class: index,
    probability: probabilities[index] as number,
  }));
}

function predictionTable(ranked: readonly { readonly item: Item; readonly classes: readonly RankedClass[] }[]): string {
  const rows = ranked.map(({ item: { title, label }, classes }) => [
    title,
    ...classes.map(({ name, probability }) => `${name} ${percent(probability)}`),
    ...(label === undefined ? [] : [label === classes[0]?.name ? "right" : `wrong: it is ${label}`]),
  ]);
  return table(
    rows,
    (rows[0] ?? []).map(() => "left" as const),
  );
}

/** Pictures need no data set: names and mean are in the files beside the weights. Undefined where none can be read. */
function pictureInputs(
  paths: readonly string[],
  spec: TrainedSpec,
  options: PredictCommandOptions,
  notes: Parameters<typeof openPictures>[3],
): Inputs | undefined {
  const pictures = openPictures(paths, spec.compiled, spec.recipe, notes);
  if (pictures === undefined) return undefined;
  return {
    network: compileFor(spec.file, spec.compiled, pictures.source, options, spec.more),
    classNames: classNamesOf(spec, options.data),
    async *batches(count) {
      for await (const { paths: read, images } of pictures.batches(count)) {
        yield { images, items: read.map((path) => ({ title: path, json: { file: path } })) };
      }
    },
  };
}

function testInputs(
  spec: TrainedSpec,
  options: PredictCommandOptions,
  fail: (path: string, reason: string) => void,
): Inputs {
  const { test, classNames } = spec.dataset();
  const indices = parseIndices(options.images ?? firstImages, test.count);
  return {
    network: compileForData(spec, options),
    classNames,
    async *batches(count) {
      for (let start = 0; start < indices.length; start += count) {
        const asked = indices.slice(start, start + count);
        const { images, indices: some, skipped } = await readWhole(test, asked, rawBatch(test, asked.length));
        for (const { path, message } of skipped) fail(path, message);
        const items = Array.from(some, (image) => {
          const label = className(classNames, test.labels[image] ?? 0);
          return { title: `image ${image}`, json: { image, label }, label };
        });
        if (items.length > 0) yield { images, items };
      }
    },
  };
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
