/** The `data` line of a recipe: where the images come from, and what is done to them before training. */
import { wrongArgument } from "../diagnostics/names.ts";
import {
  normalizeLengths, recipeKeyTwice, recipeLineForm, twoScalings, unknownRecipeChoice, unknownRecipeKey,
} from "../diagnostics/recipes.ts"; // prettier-ignore
import { didYouMean } from "../diagnostics/suggest.ts";
import type { Argument, CallExpr, RecipeEntry } from "../ir/ast.ts";
import type { DataRecipe, DataSource, RecipeCall } from "../ir/recipe.ts";
import { evaluate } from "./evaluate.ts";
import { choose, recipeArguments, recipeValue, type RecipePlace } from "./recipeLines.ts";
import { augmentations, namedData, normalizeArguments, resizeArgument } from "./recipeTables.ts";
import { describeValue } from "./values.ts";

const dataKeys = ["resize", "normalize", "subtract", "augment"] as const;
const subtractions = ["mean_image", "mean_channel"] as const;
const callSources: Readonly<Record<string, readonly string[]>> = {
  images: ["a directory"],
  arrays: ["images", "labels"],
};

/** The data of a recipe; undefined after a diagnostic. */
export function checkData(entry: RecipeEntry, place: RecipePlace): DataRecipe | undefined {
  const { context } = place;
  const source = dataSource(entry, place);
  const lines = new Map<string, RecipeEntry>();
  for (const line of entry.entries ?? []) {
    const { text: key, span } = line.key;
    if (key === "") continue;
    if (!(dataKeys as readonly string[]).includes(key)) {
      context.report(
        unknownRecipeKey.at(span, { key, place: "`data`" }, { help: didYouMean(key, dataKeys) ?? keyHelp(key) }),
      );
    } else if (lines.has(key)) context.report(recipeKeyTwice.at(span, { key }));
    else lines.set(key, line);
  }
  const resizeLine = lines.get("resize");
  const resize = resizeLine === undefined ? undefined : recipeValue(resizeLine, resizeArgument, place);
  const normalize = checkNormalize(lines.get("normalize"), place);
  const subtract = checkSubtract(lines.get("subtract"), place);
  const [first, second] = [lines.get("normalize"), lines.get("subtract")];
  if (first !== undefined && second !== undefined) {
    const notes = [{ message: "`normalize` is here", span: first.span }];
    context.report(twoScalings.at(second.span, {}, { notes }));
  }
  const augment = checkAugment(lines.get("augment"), place);
  if (source === undefined) return undefined;
  return {
    source,
    ...(Array.isArray(resize) && { resize: [resize[0] as number, resize[1] as number] as const }),
    ...(normalize !== undefined && { normalize }),
    ...(subtract !== undefined && { subtract }),
    augment,
  };
}

function keyHelp(key: string): string | undefined {
  return augmentations.has(key) ? `augmentations stand in \`augment { ${key} }\`` : undefined;
}

function dataSource(entry: RecipeEntry, place: RecipePlace): DataSource | undefined {
  const { value } = entry;
  const expected = 'a data set, such as `fashion_mnist` or `images("dir")`';
  if (value?.kind === "missing") return undefined;
  if (value?.kind !== "name" && value?.kind !== "call") {
    place.context.report(recipeLineForm.at(entry.span, { key: "data", expected }));
    return undefined;
  }
  if (value.kind === "call" && value.callee.text in callSources) return filesSource(value, place);
  const name = value.kind === "name" ? value.name : value.callee.text;
  const named = namedData.find((known) => known === name);
  if (named !== undefined && value.kind === "name") return { kind: "named", name: named };
  if (named !== undefined || name in callSources) {
    const form = named === undefined ? `its paths: \`${name}("…")\`` : `\`${named}\` without brackets`;
    place.context.report(recipeLineForm.at(value.span, { key: "data", expected: form }));
    return undefined;
  }
  const known = [...namedData, ...Object.keys(callSources)];
  const help = didYouMean(name, known) ?? `there are ${known.map((each) => `\`${each}\``).join(", ")}`;
  const span = value.kind === "name" ? value.span : value.callee.span;
  if (name !== "") place.context.report(unknownRecipeChoice.at(span, { key: "data set", name }, { help }));
  return undefined;
}

/** `images("dir")` and `arrays("x.npy", "y.npy")`. */
function filesSource(call: CallExpr, { at, context }: RecipePlace): DataSource | undefined {
  const name = call.callee.text;
  const wanted = callSources[name] ?? [];
  const paths: string[] = [];
  for (const argument of call.args) {
    const value = evaluate(argument.value, at, context);
    if (value.kind === "error") return undefined;
    if (value.kind === "string" && argument.name === undefined) paths.push(value.value);
    else {
      const found = argument.name === undefined ? describeValue(value) : `an argument \`${argument.name.text}\``;
      context.report(wrongArgument.at(argument.span, { name, expected: "paths in quotes", found }));
      return undefined;
    }
  }
  const [first, second] = paths;
  if (name === "images" && paths.length === 1 && first !== undefined) return { kind: "images", directory: first };
  if (name === "arrays" && paths.length === 2 && first !== undefined && second !== undefined) {
    return { kind: "arrays", images: first, labels: second };
  }
  const expected = `${wanted.length} path${wanted.length === 1 ? "" : "s"} (${wanted.join(", ")})`;
  context.report(wrongArgument.at(call.span, { name, expected, found: `${paths.length}` }));
  return undefined;
}

function checkNormalize(entry: RecipeEntry | undefined, place: RecipePlace): DataRecipe["normalize"] {
  if (entry === undefined) return undefined;
  if (entry.args === undefined) {
    const expected = "its mean and deviation: `normalize(mean: 0.1307, std: 0.3081)`";
    place.context.report(recipeLineForm.at(entry.span, { key: "normalize", expected }));
    return undefined;
  }
  const attrs = recipeArguments("normalize", normalizeArguments, entry.args, entry.span, place);
  if (attrs === undefined) return undefined;
  const mean = attrs["mean"] as readonly number[];
  const std = attrs["std"] as readonly number[];
  if (mean.length === std.length && mean.length > 0) return { mean, std };
  place.context.report(normalizeLengths.at(entry.span, { mean: mean.length, std: std.length }));
  return undefined;
}

function checkSubtract(entry: RecipeEntry | undefined, { context }: RecipePlace): DataRecipe["subtract"] {
  if (entry === undefined) return undefined;
  const word = entry.value?.kind === "name" ? entry.value.name : undefined;
  const found = subtractions.find((known) => known === word);
  if (found === undefined) {
    const expected = "`mean_image` or `mean_channel`";
    context.report(recipeLineForm.at(entry.value?.span ?? entry.span, { key: "subtract", expected }));
  }
  return found;
}

function checkAugment(entry: RecipeEntry | undefined, place: RecipePlace): readonly RecipeCall[] {
  if (entry === undefined) return [];
  if (entry.entries === undefined) {
    place.context.report(
      recipeLineForm.at(entry.span, { key: "augment", expected: "braces: `augment { random_flip }`" }),
    );
    return [];
  }
  return entry.entries.flatMap((line) => {
    const args = augmentationArguments(line);
    return choose("augmentation", line.key.text, line.key.span, args, line.span, augmentations, place) ?? [];
  });
}

/** `random_crop(padding: 4)`, and `center_crop 24` in the manner of the other lines. */
function augmentationArguments(line: RecipeEntry): readonly Argument[] {
  if (line.args !== undefined) return line.args;
  return line.value === undefined ? [] : [{ span: line.value.span, value: line.value }];
}
