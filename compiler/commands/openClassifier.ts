/** Trained weights, ready to classify: what `cnnc eval` and `cnnc predict` share. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { averageLogits } from "cnnc/runtime";
import type { CompileOptions } from "../compile.ts";
import type { Dataset } from "../datasets/imageSet.ts";
import { knownClassNames } from "../datasets/openDataset.ts";
import type { JsonDiagnostic } from "../diagnostics/render.ts";
import { readBytes } from "../files/readText.ts";
import { UserError } from "../files/userError.ts";
import { shapeElements } from "../ir/graph.ts";
import type { CompiledNetwork } from "../ir/output.ts";
import type { Recipe } from "../ir/recipe.ts";
import { checkFits } from "../training/checkTrainable.ts";
import type { ClassifyingNetwork } from "../training/evaluateNetwork.ts";
import { loadWithMean, meanFile, type WeightsFile } from "../training/imageMean.ts";
import { readNames, torchvisionHint } from "../training/initialWeights.ts";
import { openNetwork } from "../training/openNetwork.ts";
import { plainWeights } from "../training/plainWeights.ts";
import { renamedWeights } from "../training/renamedWeights.ts";
import { readRun, runFiles } from "../training/runFiles.ts";
import { compileSpec, type SpecOptions } from "./compileSpec.ts";
import { compileFor, openRecipeData, sourceOf } from "./openData.ts";
import type { Terminal } from "./terminal.ts";

export interface TrainedOptions extends SpecOptions {
  /** Several are an ensemble. */
  readonly weights: readonly string[];
  /** How their tensors are named, where not as the spec's: "torchvision", or a JSON file of names. */
  readonly names?: string;
  readonly data?: string;
}

/** A spec with what its weights were trained by. */
export interface TrainedSpec {
  readonly file: string;
  readonly compiled: CompiledNetwork;
  readonly recipe: Recipe;
  /** What the spec is compiled with, for compiling it again. */
  readonly more: Partial<CompileOptions>;
  readonly weights: readonly WeightsFile[];
  readonly diagnostics: readonly JsonDiagnostic[];
  /** Opens the recipe's data, once; throws `DatasetError`. */
  readonly dataset: () => Dataset;
}

/** A network with its weights on an adapter; of several weights, the ensemble, which averages their probabilities. */
export interface Classifier extends ClassifyingNetwork {
  /** The adapter in words. */
  readonly description: string;
  /** Frees the device; safe to call twice. */
  close(): void;
}

/** Compiles a spec and reads the weights; the recipe may be any, trainable or not. */
export function compileTrained(file: string, options: TrainedOptions, terminal: Terminal): TrainedSpec {
  const more = { ownImages: options.data !== undefined, inferenceOnly: true };
  const { network: compiled, diagnostics } = compileSpec(file, options, terminal, more);
  const { recipe } = compiled;
  if (recipe === undefined) {
    throw new UserError(
      `${file} has no recipe for ${compiled.name}, so nothing says which data it is for: add \`train ${compiled.name} { data fashion_mnist  optimizer sgd(lr: 0.1) }\``,
    );
  }
  const names = options.names === undefined ? undefined : readNames(options.names);
  const weights = options.weights.map((path) => {
    const content = plainWeights(readBytes(path));
    return { path, content: names === undefined ? content : renamedWeights(compiled, { path, content }, names) };
  });
  let opened: Dataset | undefined;
  const dataset = (): Dataset => (opened ??= openRecipeData(file, compiled, recipe, options.data));
  return { file, compiled, recipe, more, weights, diagnostics, dataset };
}

/** The network with the program that prepares its data set's images; throws `DatasetError` where they are not what it takes. */
export function compileForData(
  { file, compiled, recipe, more, dataset }: TrainedSpec,
  options: SpecOptions,
): CompiledNetwork {
  const source = sourceOf(dataset().train);
  checkFits(compiled, dataset(), source, recipe.data);
  return compileFor(file, compiled, source, options, more);
}

/**
 * Opens `network`, which is compiled from the spec for the images to come. Every weights file is loaded once before anything is
 * computed; throws `UserError` with the file and the parameter that does not fit.
 */
export async function openClassifier(
  network: CompiledNetwork,
  { recipe, weights, dataset }: TrainedSpec,
  terminal: Terminal,
): Promise<Classifier> {
  const note = (text: string): void => terminal.error(`${text}\n`);
  const opened = await openNetwork(network.plan, { programs: ["inference", "inferenceBytes"] });
  try {
    const members: Member[] = [];
    for (const { path, content } of weights) {
      const source = { dataset, data: recipe.data, file: meanFile(path), note };
      const mean = await loadWithMean(opened, { path, content }, source).catch((error: unknown) => {
        if (!(error instanceof UserError)) throw error;
        throw new UserError(error.message + torchvisionHint(network.plan, content), 1, { cause: error });
      });
      members.push({ content, mean });
    }
    const { batch, classes, description, close } = opened;
    if (members.length === 1) {
      const { logits, batchesAtOnce = 1 } = opened;
      return { batch, classes, description, close, logits, batchesAtOnce };
    }
    // One after another in the same buffers: an ensemble of any size takes the memory of one network. Many batches at a time, since
    // each time all weights are loaded anew.
    const batchBytes = shapeElements(network.plan.preparation?.sourceShape ?? network.plan.inputShape) * 4 * batch;
    const atATime = Math.max(1, Math.floor(ensembleBytes / batchBytes)) * batch;
    const logits: Classifier["logits"] = async (images) => {
      const all: Float32Array[] = [];
      for (const member of members) {
        await opened.network.load(member.content);
        if (member.mean !== undefined) opened.network.setImageMean(member.mean);
        all.push(await opened.network.predict(images));
      }
      return averageLogits(all, classes);
    };
    return { batch: atATime, classes, description, close, logits };
  } catch (error) {
    opened.close();
    throw error;
  }
}

/** Bytes of images that the members of an ensemble see one after another. */
const ensembleBytes = 64 * 1024 * 1024;

interface Member {
  readonly content: Uint8Array<ArrayBuffer>;
  /** The mean of its training images, where its recipe subtracts one and the weights hold none. */
  readonly mean: Float32Array<ArrayBuffer> | undefined;
}

/**
 * The classes' names for weights whose data need not be there: those in run.json beside the weights or above, or the data set's;
 * numbers where neither is.
 */
export function classNamesOf(
  { compiled, recipe, weights, dataset }: TrainedSpec,
  data: string | undefined,
): readonly string[] {
  if (data !== undefined) return dataset().classNames;
  const beside = dirname(weights[0]?.path ?? "");
  // A checkpoint lies in a folder of the run's.
  const directory = [beside, join(beside, "..")].find((folder) => existsSync(runFiles(folder).run));
  const attempts = [
    () => {
      if (directory === undefined) return undefined;
      const { model, dataset: described } = readRun(directory);
      return model === compiled.name ? described.classNames : undefined;
    },
    () => knownClassNames(recipe.data.source),
    () => dataset().classNames,
  ];
  for (const attempt of attempts) {
    try {
      const names = attempt();
      if (names !== undefined) return names;
    } catch (error) {
      // A name is no reason not to predict.
      if (!(error instanceof UserError)) throw error;
    }
  }
  return [];
}
