/**
 * A `train` definition in, a recipe with its defaults out. Its expressions see the model's parameters, so that a recipe may
 * say `resize size`.
 */
import { wrongArgument } from "../diagnostics/names.ts";
import {
  classWeightsLength,
  missingRecipeLine,
  recipeKeyTwice,
  recipeLineForm,
  unknownRecipeKey,
} from "../diagnostics/recipes.ts";
import { didYouMean } from "../diagnostics/suggest.ts";
import type { RecipeEntry, TrainDefinition } from "../ir/ast.ts";
import { typesOf } from "../ir/graph.ts";
import type { Graph } from "../ir/graph.ts";
import type { Recipe, RecipeCall } from "../ir/recipe.ts";
import { checkData } from "./checkData.ts";
import { checkFreeze } from "./checkFreeze.ts";
import type { CheckContext } from "./context.ts";
import { evaluate } from "./evaluate.ts";
import { recipeArguments, recipeCall, recipeNumber, type RecipePlace } from "./recipeLines.ts";
import { earlyStopArguments, initialisers, losses, numberLines, optimizers, precisions, schedules } from "./recipeTables.ts"; // prettier-ignore
import type { Scope } from "./scope.ts";
import { describeValue } from "./values.ts";

const callLines = { loss: losses, optimizer: optimizers, schedule: schedules, init: initialisers } as const;
const recipeKeys = [
  "data",
  ...Object.keys(callLines),
  ...Object.keys(numberLines),
  "early_stop",
  "freeze",
  "precision",
];

/** The recipe; undefined after a diagnostic. Without a graph (a recipe not in use) the names to freeze are not looked up. */
export function checkRecipe(
  train: TrainDefinition,
  parameters: Scope,
  graph: Graph | undefined,
  context: CheckContext,
): Recipe | undefined {
  const place: RecipePlace = { at: { scope: parameters, arriving: "nothing" }, context };
  const before = context.diagnostics.length;
  const lines = linesByKey(train, context);
  const data = lines.get("data");
  const optimizer = lines.get("optimizer");
  const missing = ["data", "optimizer"].filter((key) => !lines.has(key));
  if (missing.length > 0) {
    const recipe = train.name === undefined ? `the recipe of ${train.model.text}` : `recipe ${train.name.text}`;
    context.report(missingRecipeLine.at(train.model.span, { recipe, missing }));
  }
  const call = (key: keyof typeof callLines): RecipeCall | undefined => {
    const entry = lines.get(key);
    return entry === undefined ? undefined : recipeCall(entry, key, callLines[key], place);
  };
  const number = (key: string): number | undefined => {
    const entry = lines.get(key);
    const definition = numberLines[key];
    return entry === undefined || definition === undefined ? undefined : recipeNumber(entry, definition, place);
  };
  const checkedData = data === undefined ? undefined : checkData(data, place);
  const checkedOptimizer = optimizer === undefined ? undefined : call("optimizer");
  const loss = call("loss");
  const weights = classWeights(loss, lines.get("loss"), graph, place);
  const schedule = call("schedule");
  const init = call("init");
  const numbers = Object.fromEntries(Object.keys(numberLines).map((key) => [key, number(key)]));
  const earlyStop = earlyStopPatience(lines.get("early_stop"), place);
  const precision = checkPrecision(lines.get("precision"), place);
  const freezes = train.entries.filter(({ key }) => key.text === "freeze");
  const freeze = freezes.flatMap((entry) => checkFreeze(entry, graph, place));
  if (checkedData === undefined || checkedOptimizer === undefined || context.diagnostics.length > before)
    return undefined;
  return {
    model: train.model.text,
    name: train.name?.text ?? "",
    data: checkedData,
    loss: {
      ...(loss?.name === "nll"
        ? { kind: "nll" }
        : { kind: "cross_entropy", labelSmoothing: Number(loss?.args["label_smoothing"] ?? 0) }),
      ...(weights.length > 0 && { classWeights: weights }),
    },
    optimizer: checkedOptimizer,
    schedule: schedule ?? { name: "constant", args: { warmup: 0 } },
    init: init ?? { name: "pytorch", args: {} },
    batch: numbers["batch"] ?? 128,
    epochs: numbers["epochs"] ?? 10,
    seed: numbers["seed"] ?? 0,
    ...(numbers["clip_norm"] !== undefined && { clipNorm: numbers["clip_norm"] }),
    accumulate: numbers["accumulate"] ?? 1,
    ...(earlyStop !== undefined && { earlyStopPatience: earlyStop }),
    freeze: [...new Set(freeze)],
    ...(numbers["memory"] !== undefined && {
      memory: { share: numbers["memory"], span: lines.get("memory")?.span ?? train.span },
    }),
    precision,
  };
}

/** The lines by their words; unknown words and words given twice are reported. */
function linesByKey(train: TrainDefinition, context: CheckContext): ReadonlyMap<string, RecipeEntry> {
  const lines = new Map<string, RecipeEntry>();
  for (const entry of train.entries) {
    const { text: key, span } = entry.key;
    if (key === "") continue;
    if (!recipeKeys.includes(key)) {
      context.report(unknownRecipeKey.at(span, { key, place: "a recipe" }, { help: didYouMean(key, recipeKeys) }));
      // A misspelt `optimizer` is not missing as well.
      const meant = recipeKeys.find((known) => didYouMean(key, [known]) !== undefined);
      if (meant !== undefined && !lines.has(meant)) lines.set(meant, { ...entry, key: { text: meant, span } });
    } else if (lines.has(key) && key !== "freeze") context.report(recipeKeyTwice.at(span, { key }));
    else lines.set(key, entry);
  }
  return lines;
}

/** The weights of the classes, one a class of every head; empty unless given, or after a diagnostic. */
function classWeights(
  loss: RecipeCall | undefined,
  entry: RecipeEntry | undefined,
  graph: Graph | undefined,
  { context }: RecipePlace,
): readonly number[] {
  const weights = loss?.args["class_weights"];
  if (!Array.isArray(weights) || weights.length === 0 || graph === undefined || entry === undefined) return [];
  const types = typesOf(graph);
  for (const { name, value } of graph.heads) {
    const [classes = 0] = types.get(value)?.shape ?? [];
    if (classes !== weights.length) {
      context.report(classWeightsLength.at(entry.span, { weights: weights.length, classes, head: name }));
      return [];
    }
  }
  return weights as readonly number[];
}

function earlyStopPatience(entry: RecipeEntry | undefined, place: RecipePlace): number | undefined {
  if (entry === undefined) return undefined;
  const { context } = place;
  if (entry.args === undefined && entry.value !== undefined) {
    const expected = "its patience in brackets, or nothing: `early_stop(patience: 5)`";
    context.report(recipeLineForm.at(entry.span, { key: "early_stop", expected }));
    return undefined;
  }
  const attrs = recipeArguments("early_stop", earlyStopArguments, entry.args ?? [], entry.span, place);
  return attrs === undefined ? undefined : Number(attrs["patience"]);
}

function checkPrecision(entry: RecipeEntry | undefined, { at, context }: RecipePlace): Recipe["precision"] {
  if (entry === undefined) return "f32";
  const written = entry.value?.kind === "name" ? entry.value.name : undefined;
  const found = precisions.find((precision) => precision === written);
  if (found !== undefined) return found;
  const expected = "`f32` or `f16`";
  if (entry.value === undefined) context.report(recipeLineForm.at(entry.span, { key: "precision", expected }));
  else if (written !== undefined) {
    context.report(wrongArgument.at(entry.value.span, { name: "precision", expected, found: `\`${written}\`` }));
  } else {
    const value = evaluate(entry.value, at, context);
    if (value.kind !== "error") {
      context.report(wrongArgument.at(entry.value.span, { name: "precision", expected, found: describeValue(value) }));
    }
  }
  return "f32";
}
