/** What a run is, so that one is not taken up by a spec, recipe or data of another: kept in every checkpoint, compared on `--resume`. */
import { createHash } from "node:crypto";
import type { Dataset } from "../datasets/imageSet.ts";
import { dumpGraph, formatShape } from "../ir/graph.ts";
import type { CompiledNetwork } from "../ir/output.ts";
import type { Recipe } from "../ir/recipe.ts";
import { dataFingerprint } from "./dataFingerprint.ts";

/** What a run was started with: two runs that agree in all of it give the same losses. */
export interface RunIdentity {
  readonly model: string;
  readonly recipe: string;
  /** Model parameters as text. */
  readonly settings: Readonly<Record<string, string>>;
  /** Shape of each trainable tensor. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly seed: number;
  readonly batch: number;
  readonly images: number;
  /** A hash of what is computed: layers, attributes and connections. */
  readonly graph: string;
  /** Optimizer, schedule, loss and data preparation as text. */
  readonly training: Readonly<Record<string, string>>;
  /** What the data look like; absent in checkpoints of before it was kept. */
  readonly data?: Readonly<Record<string, string>>;
}

/** What a run by this recipe on these data is. */
export async function identityOf(
  network: CompiledNetwork,
  recipe: Recipe,
  dataset: Dataset,
  { seed, epochs }: { readonly seed: number; readonly epochs: number },
): Promise<RunIdentity> {
  const text = (value: unknown): string => JSON.stringify(value);
  return {
    model: network.name,
    recipe: recipe.name,
    settings: Object.fromEntries(network.settings.map(({ name, value }) => [name, value])),
    parameters: Object.fromEntries(network.plan.parameters.map(({ name, shape }) => [name, formatShape(shape)])),
    seed,
    batch: network.plan.batch,
    images: dataset.train.count,
    graph: createHash("sha256").update(dumpGraph(network.graph)).digest("hex"),
    training: {
      optimizer: text(recipe.optimizer),
      schedule: text(recipe.schedule),
      // The rate of these depends on how long the whole run is.
      ...(["cosine", "one_cycle"].includes(recipe.schedule.name) && { epochs: String(epochs) }),
      loss: text(recipe.loss),
      init: text(recipe.init),
      ...(recipe.clipNorm !== undefined && { clip_norm: text(recipe.clipNorm) }),
      ...(recipe.accumulate > 1 && { accumulate: text(recipe.accumulate) }),
      ...(recipe.precision !== "f32" && { precision: text(recipe.precision) }),
      ...(recipe.freeze.length > 0 && { freeze: recipe.freeze.join(" ") }),
      data: text(recipe.data),
    },
    data: await dataFingerprint(dataset),
  };
}

/** What differs between the run that a checkpoint is of and this one, as phrases; empty when they agree. */
export function identityDifferences(checkpoint: RunIdentity, current: RunIdentity): readonly string[] {
  const differences: string[] = [];
  const compare = (what: string, before: string | number | undefined, now: string | number | undefined): void => {
    if (before === now) return;
    differences.push(`${what}: ${before ?? "absent"} in the checkpoint, ${now ?? "absent"} now`);
  };
  compare("model", checkpoint.model, current.model);
  compare("recipe", checkpoint.recipe || "(plain)", current.recipe || "(plain)");
  compare("seed", checkpoint.seed, current.seed);
  compare("batch", checkpoint.batch, current.batch);
  compare("training images", checkpoint.images, current.images);
  for (const [part, what] of [
    ["settings", "model parameter "],
    ["training", ""],
    ["parameters", "tensor "],
  ] as const) {
    const names = new Set([...Object.keys(checkpoint[part]), ...Object.keys(current[part])]);
    for (const name of names) compare(`${what}${name}`, checkpoint[part][name], current[part][name]);
  }
  for (const [name, before] of Object.entries(checkpoint.data ?? {})) compare(name, before, current.data?.[name]);
  if (differences.length === 0 && checkpoint.graph !== current.graph) {
    differences.push("the layers between the tensors (activations, pooling or their arguments) have changed");
  }
  return differences;
}
