/** A run's recipe line by line, as the language writes it; lines that change nothing are left out. */
import { counted, formatCount } from "../commands/terminal.ts";
import type { Recipe, RecipeCall } from "../ir/recipe.ts";
import type { RunDescription } from "../training/runFiles.ts";

/** Tensors that a line names one by one. */
const namedTensors = 12;

type Row = readonly [name: string, value: string];

export function recipeRows(run: RunDescription): readonly Row[] {
  const { accumulate, batch, clipNorm, data, earlyStopPatience, freeze = [], memory, precision } = run;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ["Optimizer", callText(run.optimizer)],
    ["Gradients", clipNorm === undefined ? undefined : `clip_norm ${clipNorm}`],
    ["Rate schedule", callText(run.schedule)],
    ["Loss", lossText(run.loss)],
    ["Initial weights", callText(run.init)],
    ["Frozen", frozenText(freeze)],
    ["Batch", accumulate > 1 ? `${batch} images, ${accumulate} batches a step (accumulate ${accumulate})` : `${batch} images`],
    ["Epochs", String(run.epochs)],
    ["Early stop", earlyStopPatience === undefined ? undefined : `after ${counted(earlyStopPatience, "epoch")} without a lower test loss`],
    ["Precision", precision === undefined || precision === "f32" ? undefined : `${precision}: activations and their gradients in two bytes`],
    ["Memory", memory === undefined ? undefined : `${memory.share} of the activations kept for the backward pass`],
    ["Seed", String(run.seed)],
    ["Data", run.dataset.description],
    ["Preparation", preparationText(data)],
    ["Augmentation", lines(data.augment.map(callText))],
  ]; // prettier-ignore
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
}

/** "sgd(lr: 0.1, momentum: 0.9)"; arguments that are off are left out. */
function callText({ name, args }: RecipeCall): string {
  const isOff = (value: unknown): boolean => value === false || value === 0 || (Array.isArray(value) && value.every((each) => each === 0)); // prettier-ignore
  const given = Object.entries(args).filter(([key, value]) => key === "lr" || !isOff(value));
  return withArguments(name, given);
}

function withArguments(name: string, args: readonly (readonly [string, unknown])[]): string {
  if (args.length === 0) return name;
  const text = (value: unknown): string => (Array.isArray(value) ? `(${value.join(", ")})` : String(value));
  return `${name}(${args.map(([key, value]) => `${key}: ${text(value)}`).join(", ")})`;
}

function lossText(loss: Recipe["loss"]): string {
  const smoothing = loss.kind === "cross_entropy" ? loss.labelSmoothing : 0;
  return withArguments(loss.kind, [
    ...(smoothing === 0 ? [] : [["label_smoothing", smoothing] as const]),
    ...(loss.classWeights === undefined ? [] : [["class_weights", loss.classWeights] as const]),
  ]);
}

function frozenText(names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const more = names.length - namedTensors;
  return `${names.slice(0, namedTensors).join(", ")}${more > 0 ? ` and ${formatCount(more)} more tensors` : ""}`;
}

function preparationText({ resize, normalize, subtract }: Recipe["data"]): string | undefined {
  const numbers = (values: readonly number[]): unknown => (values.length === 1 ? values[0] : values);
  return lines([
    ...(resize === undefined ? [] : [`resize ${resize.join(" x ")}`]),
    ...(normalize === undefined ? [] : [withArguments("normalize", [["mean", numbers(normalize.mean)], ["std", numbers(normalize.std)]])]),
    ...(subtract === undefined ? [] : [`subtract ${subtract}`]),
  ]); // prettier-ignore
}

function lines(texts: readonly string[]): string | undefined {
  return texts.length === 0 ? undefined : texts.join("\n");
}
