/** mean.safetensors beside a run's weights: the mean of the training images that its recipe subtracts. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeSafetensors } from "cnnc/runtime";
import type { NetworkPlan } from "../../runtime/plan.ts";
import type { Dataset } from "../datasets/imageSet.ts";
import { meanOf } from "../datasets/meanOf.ts";
import { readBytes } from "../files/readText.ts";
import { UserError } from "../files/userError.ts";
import { writeAtomically } from "../files/writeAtomically.ts";
import type { DataRecipe } from "../ir/recipe.ts";
import type { OpenNetwork } from "./openNetwork.ts";
import { readTensors } from "./plainWeights.ts";

const tensorName = "mean";

/** The file that belongs to weights or a run's folder of that path. */
export function meanFile(weights: string): string {
  return join(dirname(weights), "mean.safetensors");
}

/** Where the mean of a recipe's training images is to be had. */
export interface MeanSource {
  /** Opens the data; asked only where there is no such file. */
  readonly dataset: () => Dataset;
  readonly data: DataRecipe;
  /** Where it was written, or will be. */
  readonly file: string;
  readonly note: (text: string) => void;
}

/**
 * Gives the network the mean that its recipe subtracts, and returns it: the one in the file, or else that of the training images, which
 * then is written there. Undefined, and nothing done, where the recipe subtracts none.
 */
export async function provideMean(
  { network }: Pick<OpenNetwork, "network">,
  source: MeanSource,
): Promise<Float32Array<ArrayBuffer> | undefined> {
  const mean = await imageMean(network.plan, source);
  if (mean !== undefined) network.setImageMean(mean);
  return mean;
}

/** Weights in a file. */
export interface WeightsFile {
  readonly path: string;
  readonly content: Uint8Array<ArrayBuffer>;
}

/**
 * Loads weights with the mean of their training images: the one that they hold, or else `source`'s, which is returned. Throws
 * `UserError` with the file where they do not fit.
 */
export async function loadWithMean(
  opened: Pick<OpenNetwork, "network">,
  { path, content }: WeightsFile,
  source: MeanSource,
): Promise<Float32Array<ArrayBuffer> | undefined> {
  const { network } = opened;
  const before = network.imageMean;
  await network.load(content).catch((error: unknown) => {
    throw new UserError(`${path}: ${(error as Error).message}`, 1, { cause: error });
  });
  return network.imageMean === before ? provideMean(opened, source) : undefined;
}

async function imageMean(
  { preparation }: NetworkPlan,
  { dataset, data, file, note }: MeanSource,
): Promise<Float32Array<ArrayBuffer> | undefined> {
  const place = preparation?.mean;
  if (data.subtract === undefined || place === undefined) return undefined;
  if (existsSync(file)) return readMean(file, place.shape);
  const { train } = dataset();
  note(`computing the mean of ${train.count} training images`);
  const mean = await meanOf(train, data);
  const tensor = { dtype: "F32", shape: place.shape, values: mean } as const;
  writeAtomically(file, writeSafetensors(new Map([[tensorName, tensor]]), { format: "pt", kind: data.subtract }));
  return mean;
}

function readMean(file: string, shape: readonly number[]): Float32Array<ArrayBuffer> {
  const tensor = readTensors(file, readBytes(file)).tensors.get(tensorName);
  if (tensor?.dtype !== "F32" || tensor.shape.join() !== shape.join()) {
    throw new UserError(
      `${file} holds no mean of ${shape.join(" x ")} values; delete it, and it is computed from the training images`,
    );
  }
  return new Float32Array(tensor.bytes.slice().buffer);
}
