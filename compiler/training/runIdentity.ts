/** What a run is, so that one is not taken up by a spec, recipe or data of another: kept in every checkpoint, compared on `--resume`. */
import { createHash } from "node:crypto";
import type { Dataset } from "../datasets/imageSet.ts";
import { isRecord } from "../files/isRecord.ts";
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
  /** A hash of what is computed: layers, attributes and connections, with the names of values in checkpoints of before `layers` was kept. */
  readonly graph: string;
  /** The same without names, which change nothing. */
  readonly layers?: string;
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
    graph: hashOf(dumpGraph(network.graph)),
    layers: hashOf(dumpGraph(network.graph).replace(/ {2}\/\/ .*$/gm, "")),
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

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** How two runs differ. */
export interface RunDifference {
  /** "optimizer lr: 0.1 in the checkpoint, 0.05 now". */
  readonly text: string;
  /** Whether a run can go on with what stands now: the network is the same, and the steps of an epoch too. */
  readonly isAcceptable: boolean;
  /** What losses are of, where they do not compare with those of before: what is computed of the logits, or the images. */
  readonly lossesOf?: "loss" | "data";
}

/** Parts of the recipe that decide which steps there are, or what is trained in them. */
const fixedParts = ["accumulate", "freeze"];

/** What differs between the run that a checkpoint is of and this one; empty when they agree. */
export function identityDifferences(checkpoint: RunIdentity, current: RunIdentity): readonly RunDifference[] {
  const differences: RunDifference[] = [];
  type Value = string | number | undefined;
  const compare = (
    what: string,
    before: Value,
    now: Value,
    isAcceptable = false,
    lossesOf?: RunDifference["lossesOf"],
  ): void => {
    if (before === now) return;
    const text = `${what}: ${before ?? "absent"} in the checkpoint, ${now ?? "absent"} now`;
    differences.push({ text, isAcceptable, ...(lossesOf !== undefined && { lossesOf }) });
  };
  const compareAll = (
    before: Texts,
    now: Texts,
    each: (name: string, before: string | undefined, now: string | undefined) => void,
  ): void => {
    for (const name of new Set([...Object.keys(before), ...Object.keys(now)])) each(name, before[name], now[name]);
  };
  const isSame =
    checkpoint.layers === undefined ? checkpoint.graph === current.graph : checkpoint.layers === current.layers;
  compare("model", checkpoint.model, current.model);
  compare("recipe", checkpoint.recipe || "(plain)", current.recipe || "(plain)", true);
  compare("seed", checkpoint.seed, current.seed);
  compare("batch", checkpoint.batch, current.batch);
  compare("training images", checkpoint.images, current.images);
  compareAll(checkpoint.settings, current.settings, (name, before, now) => {
    compare(`model parameter ${name}`, before, now, isSame);
  });
  compareAll(checkpoint.training, current.training, (name, before, now) => {
    // What one optimizer remembers is nothing to another.
    const isOther = name === "optimizer" && callOf(before)?.name !== callOf(now)?.name;
    const isAcceptable = !isOther && !fixedParts.includes(name);
    compareAll(...partTexts(name, before, now), (part, old, given) => {
      // The test images are not augmented.
      const isMeasured = (name === "loss" || name === "data") && !part.startsWith("data augment");
      compare(part, old, given, isAcceptable, isMeasured ? name : undefined);
    });
  });
  compareAll(checkpoint.parameters, current.parameters, (name, before, now) => {
    compare(`tensor ${name}`, before, now);
  });
  compareAll(checkpoint.data ?? {}, checkpoint.data === undefined ? {} : (current.data ?? {}), (name, before, now) => {
    compare(name, before, now, true, "data");
  });
  if (!isSame && differences.every(({ isAcceptable }) => isAcceptable)) {
    const text = "the layers between the tensors (activations, pooling or their arguments) have changed";
    differences.push({ text, isAcceptable: false });
  }
  return differences;
}

type Texts = Readonly<Record<string, string>>;

interface Call {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** A part of the recipe before and now, number by number where it is the same thing with other numbers. */
function partTexts(name: string, before: string | undefined, now: string | undefined): readonly [Texts, Texts] {
  const [old, given] = [parsed(before), parsed(now)];
  if (isRecord(old) && isRecord(given) && callOf(before)?.name === callOf(now)?.name && old["kind"] === given["kind"]) {
    return [fieldTexts(name, old), fieldTexts(name, given)];
  }
  const whole = (value: unknown): Texts => (value === undefined ? {} : { [name]: valueText(value) });
  return [whole(old), whole(given)];
}

/** An object's fields by their path: "optimizer lr", "data normalize mean". */
function fieldTexts(path: string, fields: Readonly<Record<string, unknown>>): Texts {
  const texts = Object.entries(fields).flatMap(([name, value]) => {
    if (isCall(fields) && name === "name") return [];
    const inner = isCall(fields) && name === "args" ? path : `${path} ${spelled(name)}`;
    return isRecord(value) && !isCall(value) ? Object.entries(fieldTexts(inner, value)) : [[inner, valueText(value)]];
  });
  return Object.fromEntries(texts) as Texts;
}

function valueText(value: unknown): string {
  if (Array.isArray(value)) return `(${value.map(valueText).join(", ")})`;
  if (!isRecord(value)) return String(value);
  const fields = Object.entries(isCall(value) ? value.args : value);
  const text = `(${fields.map(([name, each]) => `${spelled(name)}: ${valueText(each)}`).join(", ")})`;
  return isCall(value) ? `${value.name}${text}` : text;
}

/** As the language writes it: `label_smoothing`. */
function spelled(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function callOf(text: string | undefined): Call | undefined {
  const value = parsed(text);
  return isCall(value) ? value : undefined;
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  } catch {
    // The names behind `freeze` are no JSON.
    return text;
  }
}

function isCall(value: unknown): value is Call {
  return isRecord(value) && typeof value["name"] === "string" && isRecord(value["args"]);
}
