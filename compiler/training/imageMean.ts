/** mean.safetensors beside a run's weights: the mean of the training images that its recipe subtracts. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseSafetensors, writeSafetensors } from "cnnc/runtime";
import type { NetworkPlan } from "../../runtime/plan.ts";
import type { Dataset } from "../datasets/imageSet.ts";
import { meanOf } from "../datasets/meanOf.ts";
import { readBytes } from "../files/readText.ts";
import { UserError } from "../files/userError.ts";
import { writeAtomically } from "../files/writeAtomically.ts";
import type { DataRecipe } from "../ir/recipe.ts";
import type { OpenNetwork } from "./openNetwork.ts";

const tensorName = "mean";

/** The file that belongs to weights or a run's folder of that path. */
export function meanFile(weights: string): string {
  return join(dirname(weights), "mean.safetensors");
}

/**
 * Gives the network the mean that its recipe subtracts: the one in `file`, or else that of the training images, which then is
 * written there. Does nothing where the recipe subtracts none.
 */
export async function provideMean(
  { network }: OpenNetwork,
  dataset: Dataset,
  data: DataRecipe,
  file: string,
  note: (text: string) => void,
): Promise<void> {
  const mean = await imageMean(network.plan, () => dataset, data, file, note);
  if (mean !== undefined) network.setImageMean(mean);
}

/** That mean; undefined where the recipe subtracts none. The data set is opened only where there is no such file. */
export async function imageMean(
  { preparation }: NetworkPlan,
  openDataset: () => Dataset,
  data: DataRecipe,
  file: string,
  note: (text: string) => void,
): Promise<Float32Array<ArrayBuffer> | undefined> {
  const place = preparation?.mean;
  if (data.subtract === undefined || place === undefined) return undefined;
  if (existsSync(file)) return readMean(file, place.shape);
  const { train } = openDataset();
  note(`computing the mean of ${train.count} training images`);
  const mean = await meanOf(train, data);
  const tensor = { dtype: "F32", shape: place.shape, values: mean } as const;
  writeAtomically(file, writeSafetensors(new Map([[tensorName, tensor]]), { format: "pt", kind: data.subtract }));
  return mean;
}

function readMean(file: string, shape: readonly number[]): Float32Array<ArrayBuffer> {
  const bytes = readBytes(file);
  let tensor;
  try {
    tensor = parseSafetensors(bytes).tensors.get(tensorName);
  } catch (error) {
    throw new UserError(`${file} is damaged: ${(error as Error).message}`, 1, { cause: error });
  }
  if (tensor?.dtype !== "F32" || tensor.shape.join() !== shape.join()) {
    throw new UserError(
      `${file} holds no mean of ${shape.join(" x ")} values; delete it, and it is computed from the training images`,
    );
  }
  return new Float32Array(tensor.bytes.slice().buffer);
}
