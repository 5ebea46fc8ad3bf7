/** Which model of a file is checked, and with which recipe. */
import { noModel, unknownModel } from "../diagnostics/names.ts";
import { unknownRecipeChoice } from "../diagnostics/recipes.ts";
import { didYouMean } from "../diagnostics/suggest.ts";
import type { ModelDefinition, TrainDefinition } from "../ir/ast.ts";
import type { CheckOptions } from "../ir/checked.ts";
import type { Span } from "../ir/source.ts";
import type { CheckContext } from "./context.ts";
import { entriesOf, visibleNames, type FileScope } from "./fileScope.ts";

export interface Selection {
  readonly model: ModelDefinition;
  readonly file: FileScope;
  readonly train?: TrainDefinition;
}

/** The model and recipe that the options ask for; undefined after a diagnostic. */
export function selectModel(
  file: FileScope,
  options: Pick<CheckOptions, "model" | "recipe">,
  context: CheckContext,
): Selection | undefined {
  const { definitions } = file.ast;
  const trains = definitions.filter((definition) => definition.kind === "train");
  let train: TrainDefinition | undefined;
  if (options.recipe !== undefined) {
    train = trains.find(
      ({ name, model }) => name?.text === options.recipe && (options.model ?? model.text) === model.text,
    );
    if (train === undefined) {
      const named = trains.flatMap(({ name, model }) => (name === undefined ? [] : [{ name, model }]));
      const notes = named.map(({ name, model }) => ({
        message: `recipe ${name.text} of ${model.text}`,
        span: name.span,
      }));
      const near = didYouMean(options.recipe, named.map(({ name }) => name.text)); // prettier-ignore
      const help = near ?? (named.length === 0 ? "no recipe of this file has a name: leave `--recipe` out" : undefined);
      const span = optionSpan("--recipe", options.recipe);
      context.report(unknownRecipeChoice.at(span, { key: "recipe", name: options.recipe }, { notes, help }));
    }
  }
  const models = definitions.filter((definition) => definition.kind === "model");
  const wanted = options.model ?? train?.model.text;
  // A file that only trains what it imports means the model of its last recipe.
  const own = wanted ?? models[models.length - 1]?.name.text ?? trains[trains.length - 1]?.model.text;
  if (own === undefined) {
    // What the parser could not make out has been reported; a file of broken definitions is not "without a model".
    context.report(noModel.at({ file: file.ast.file, start: 0, end: 0 }, {}));
    return undefined;
  }
  const found = findModel(file, own);
  if (found === undefined) {
    if (options.model !== undefined) {
      const notes = models.map(({ name }) => ({ message: `model ${name.text}`, span: name.span }));
      const help = didYouMean(own, visibleNames(file, ["model"]));
      context.report(unknownModel.at(optionSpan("--model", own), { name: own }, { notes, help }));
    }
    return undefined;
  }
  const mine = trains.filter(({ model }) => model.text === own);
  train ??= options.recipe !== undefined ? undefined : (mine.find(({ name }) => name === undefined) ?? onlyOne(mine));
  return { ...found, ...(train !== undefined && { train }) };
}

/** The place of a name that was given from outside: a text of its own, as that of `--set` has. */
function optionSpan(option: string, text: string): Span {
  return { file: { path: option, text }, start: 0, end: text.length };
}

/** A model that a file sees: its own or an import's. */
export function findModel(
  file: FileScope,
  name: string,
): { readonly model: ModelDefinition; readonly file: FileScope } | undefined {
  for (const entry of entriesOf(file, name)) if (entry.kind === "model") return entry;
  return undefined;
}

function onlyOne<T>(items: readonly T[]): T | undefined {
  return items.length === 1 ? items[0] : undefined;
}
