/** The forms that a recipe's line may have: a name with arguments, a number, a size. */
import { contradictoryArguments, recipeLineForm, unknownRecipeChoice } from "../diagnostics/recipes.ts";
import { didYouMean } from "../diagnostics/suggest.ts";
import type { Argument, RecipeEntry } from "../ir/ast.ts";
import type { Attrs, AttrValue } from "../ir/graph.ts";
import type { RecipeCall } from "../ir/recipe.ts";
import type { Span } from "../ir/source.ts";
import type { LayerArgument } from "../ops/defineOp.ts";
import { argumentSignature, bindArguments } from "./bindArguments.ts";
import type { CheckContext } from "./context.ts";
import { argumentEvaluator, evaluate, type Place } from "./evaluate.ts";
import { checkArguments } from "./layerArguments.ts";
import type { RecipeTable } from "./recipeTables.ts";

/** Where a recipe's expressions are worked out. */
export interface RecipePlace {
  readonly at: Place;
  readonly context: CheckContext;
}

/** `optimizer sgd(lr: 0.1)`: one of a table, with its arguments; undefined after a diagnostic. */
export function recipeCall(
  entry: RecipeEntry,
  key: string,
  table: RecipeTable,
  place: RecipePlace,
): RecipeCall | undefined {
  const { value } = entry;
  if (value?.kind === "missing") return undefined;
  if (value?.kind !== "name" && value?.kind !== "call") {
    const [first] = table.keys();
    place.context.report(recipeLineForm.at(entry.span, { key, expected: `a name, such as \`${first}\`` }));
    return undefined;
  }
  const name = value.kind === "name" ? value.name : value.callee.text;
  const nameSpan = value.kind === "name" ? value.span : value.callee.span;
  return choose(key, name, nameSpan, value.kind === "name" ? [] : value.args, value.span, table, place);
}

/** One entry of a table with its arguments; undefined after a diagnostic. */
export function choose(
  key: string,
  name: string,
  nameSpan: Span,
  args: readonly Argument[],
  span: Span,
  table: RecipeTable,
  place: RecipePlace,
): RecipeCall | undefined {
  const { context } = place;
  if (name === "") return undefined;
  const definition = table.get(name);
  if (definition === undefined) {
    const help =
      didYouMean(name, table.keys()) ?? `there are ${[...table.keys()].map((known) => `\`${known}\``).join(", ")}`;
    context.report(unknownRecipeChoice.at(nameSpan, { key, name }, { help }));
    return undefined;
  }
  const attrs = recipeArguments(name, definition.arguments, args, span, place);
  if (attrs === undefined) return undefined;
  const contradiction = definition.check?.(attrs);
  if (contradiction === undefined) return { name, args: attrs };
  context.report(contradictoryArguments.at(span, { contradiction }));
  return undefined;
}

/** Arguments in brackets after a word of a recipe, checked, defaults filled in; undefined after a diagnostic. */
export function recipeArguments(
  callee: string,
  definitions: readonly LayerArgument[],
  given: readonly Argument[],
  span: Span,
  { at, context }: RecipePlace,
): Attrs | undefined {
  const signature = argumentSignature(callee, definitions);
  const bound = bindArguments(signature, given, argumentEvaluator(definitions, at, context), context);
  return bound === undefined ? undefined : checkArguments(callee, definitions, bound, span, context);
}

/** A line with one value, checked like a layer's argument; undefined after a diagnostic. */
export function recipeValue(entry: RecipeEntry, definition: LayerArgument, place: RecipePlace): AttrValue | undefined {
  const { at, context } = place;
  // `resize(96)` says the same as `resize 96`.
  const [only] = entry.args ?? [];
  const value = entry.value ?? (entry.args?.length === 1 && only?.name === undefined ? only?.value : undefined);
  if (value === undefined) {
    const expected = definition.type === "size" ? "a size: `n` or `(h, w)`" : "a number";
    context.report(recipeLineForm.at(entry.span, { key: entry.key.text, expected }));
    return undefined;
  }
  const bound = new Map([[definition.name, { value: evaluate(value, at, context), span: value.span }]]);
  return checkArguments(entry.key.text, [definition], bound, entry.span, context)?.[definition.name];
}

/** A line with one number; undefined after a diagnostic. */
export function recipeNumber(entry: RecipeEntry, definition: LayerArgument, place: RecipePlace): number | undefined {
  const value = recipeValue(entry, definition, place);
  return typeof value === "number" ? value : undefined;
}
