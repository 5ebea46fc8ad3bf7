/** From a run's folder to what its report shows. What cannot be had (data that moved, no adapter) is left out with the reason. */
import { openRecipeData, sourceOf } from "../commands/openData.ts";
import { summarizeGraph } from "../commands/summarize.ts";
import { summarizeMemory } from "../commands/summarizeMemory.ts";
import { formatCount } from "../commands/terminal.ts";
import type { Dataset } from "../datasets/imageSet.ts";
import { UserError } from "../files/userError.ts";
import { NoAdapterError } from "../node/adapter.ts";
import type { ValueId } from "../ir/graph.ts";
import type { CompiledNetwork } from "../ir/output.ts";
import { checkFits } from "../training/checkTrainable.ts";
import { loadWithMean, meanFile } from "../training/imageMean.ts";
import { className, greatest, softmax } from "../training/metrics.ts";
import { openNetwork, type OpenNetwork } from "../training/openNetwork.ts";
import { readRun, runFiles, type RunDescription, type RunFiles } from "../training/runFiles.ts";
import { readLog } from "../training/trainingLog.ts";
import { chosenImage } from "./chosenImage.ts";
import { diagramOf } from "./diagram.ts";
import { evaluateRun } from "./evaluateRun.ts";
import { firstFilters } from "./firstFilters.ts";
import { readCurves } from "./readCurves.ts";
import { isAbsent, type Absent, type FeatureMaps, type ReportData, type Summary } from "./reportData.ts";
import { runFacts } from "./runFacts.ts";
import { compileRun, type RunNetwork } from "./runNetwork.ts";
import { readRunWeights, type RunWeights } from "./runWeights.ts";
import { shownValues } from "./shownValues.ts";

export interface CollectOptions {
  /** Number of a test image, or a file. */
  readonly image: string;
  /** Names of the values whose maps are shown. */
  readonly values: readonly string[];
  /** A weights file in place of the run's own. */
  readonly weights?: string;
  /** Where the data are, if not where the run found them. */
  readonly data?: string;
  /** How many mistakes are shown at most. */
  readonly mistakes: number;
  readonly note: (text: string) => void;
}

/** What several parts of the report are made of. */
interface Trained {
  readonly files: RunFiles;
  readonly run: RunDescription;
  readonly compiled: RunNetwork;
  /** Those whose maps are shown. */
  readonly values: ReturnType<typeof shownValues>;
  readonly weights: RunWeights;
  /** Opens the run's data, once; throws `DatasetError`. */
  readonly dataset: () => Dataset;
  readonly options: CollectOptions;
}

/** Maps of a layer that are shown. */
const mostMaps = 32;

/** Reads a run as far as it is complete; throws `UserError` where there is none, or where an option names what is not there. */
export async function collectReport(directory: string, options: CollectOptions): Promise<ReportData> {
  const files = runFiles(directory);
  const run = readRun(directory);
  const entries = readLog(files.log);
  const known = { facts: runFacts(run, entries), curves: readCurves(entries) };
  const compiled = await attempt(options, () => compileRun(run));
  if (isAbsent(compiled)) {
    const { absent } = compiled;
    return { ...known, evaluation: { absent }, filters: { absent }, featureMaps: { absent }, diagram: { absent }, summary: { absent } }; // prettier-ignore
  }
  const described = { ...known, diagram: diagramOf(compiled.graph), summary: summaryOf(compiled) };
  // Before the minutes that an evaluation may take.
  const values = shownValues(compiled.graph, options.values);
  const weights = readRunWeights(files, entries, options.weights);
  if (weights === undefined) {
    const absent = "The run has not written weights yet.";
    return { ...described, evaluation: { absent }, filters: { absent }, featureMaps: { absent } };
  }
  let opened: Dataset | undefined;
  const dataset = (): Dataset =>
    (opened ??= openRecipeData(run.file, compiled.network, compiled.recipe, options.data ?? run.dataDirectory ?? undefined)); // prettier-ignore
  const trained: Trained = { files, run, compiled, values, weights, dataset, options };
  const featureMaps = await attempt(options, () => collectMaps(trained));
  const evaluation = await attempt(options, () => evaluate(trained));
  const filters = firstFilters(compiled.graph, weights.description, weights.tensor);
  return { ...described, evaluation, filters, featureMaps };
}

/** What a part gives, or why it cannot be shown; mistakes in the command line are thrown on. */
async function attempt<T>({ note }: CollectOptions, part: () => T | Promise<T>): Promise<T | Absent> {
  try {
    return await part();
  } catch (error) {
    const isExpected = error instanceof UserError || error instanceof NoAdapterError;
    if (!isExpected || (error instanceof UserError && error.exitCode === 2)) throw error;
    note(`left out of the report: ${error.message}`);
    return { absent: error.message };
  }
}

function summaryOf({ network }: RunNetwork): Summary {
  const { graph, settings } = network;
  const layers = summarizeGraph(graph, settings);
  const blocks = summarizeGraph(graph, settings, 1);
  const hasBlocks = blocks.layers.length < layers.layers.length;
  return { layers, blocks: hasBlocks ? blocks : undefined, memory: summarizeMemory(network) };
}

async function evaluate(trained: Trained): Promise<ReportData["evaluation"]> {
  const { run, compiled, weights, dataset, options } = trained;
  const { test, classNames } = dataset();
  const source = sourceOf(test);
  checkFits(compiled.network, dataset(), source, compiled.recipe.data);
  const network = compiled.giving(logitsOf(compiled), source, run.batch);
  options.note(`classifying ${formatCount(test.count)} test images with ${weights.description}`);
  const found = await withNetwork(network, trained, (opened) =>
    evaluateRun(opened, test, classNames, options.mistakes, ({ message }) => options.note(`skipped: ${message}`)),
  );
  return { weights: weights.description, classNames, ...found };
}

async function collectMaps(trained: Trained): Promise<FeatureMaps | Absent> {
  const { compiled, values, weights, dataset, options } = trained;
  if (values.length === 0) return { absent: "No value of this network is an image of channels, height and width." };
  const { name: image, images, source, picture } = await chosenImage(options.image, compiled, dataset, options.note);
  const layers: FeatureMaps["layers"][number][] = [];
  for (const { name, value, shape } of values) {
    const [channels, height, width] = shape;
    const all = await withNetwork(compiled.giving(value, source, 1), trained, ({ network }) => network.predict(images));
    const size = height * width;
    const maps = Array.from({ length: Math.min(channels, mostMaps) }, (_, c) => all.slice(c * size, (c + 1) * size));
    layers.push({ name, channels, height, width, maps });
  }
  const network = compiled.giving(logitsOf(compiled), source, 1);
  const probabilities = softmax(await withNetwork(network, trained, (opened) => opened.network.predict(images)));
  const { classNames } = trained.run.dataset;
  const predicted = greatest(probabilities, 3).map((index) => ({
    name: className(classNames, index),
    probability: probabilities[index] as number,
  }));
  return { image, picture, weights: weights.description, predicted, layers };
}

function logitsOf({ graph }: RunNetwork): ValueId {
  const [main] = graph.heads;
  if (main === undefined) throw new UserError(`${graph.name} has no output`);
  return main.value;
}

/** Opens a network with the run's weights for as long as `use` takes. */
async function withNetwork<T>(
  network: CompiledNetwork,
  { files, compiled, weights, dataset, options }: Trained,
  use: (opened: OpenNetwork) => Promise<T>,
): Promise<T> {
  const opened = await openNetwork(network.plan, { programs: ["inference", "inferenceBytes"] });
  try {
    const source = {
      ...{ dataset, data: compiled.recipe.data, note: options.note },
      file: meanFile(options.weights ?? files.weights),
    };
    await loadWithMean(opened, { path: weights.path, content: weights.file }, source);
    return await use(opened);
  } finally {
    opened.close();
  }
}
