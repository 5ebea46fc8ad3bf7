/**
 * Checking: a parsed program in, one model's graph and recipe out, or every mistake that can be told from the text. Runs to
 * the end on whatever was recovered; the output is undefined when there is an error in the chosen model or its recipe.
 *
 *   model Net(classes = 10) { input 4  linear(classes) }    =>    %2 = linear(x=%0, weight=%1) : N[10]
 */
import { unknownModel } from "../diagnostics/names.ts";
import { duplicateRecipe } from "../diagnostics/recipes.ts";
import { didYouMean } from "../diagnostics/suggest.ts";
import type { Argument, Program, TrainDefinition } from "../ir/ast.ts";
import type { CheckedProgram, CheckOptions } from "../ir/checked.ts";
import type { PassResult } from "../pass.ts";
import { buildFileScopes } from "./buildFileScopes.ts";
import { checkRecipe } from "./checkRecipe.ts";
import { CheckingStopped, createContext, type CheckContext, type LayerTable } from "./context.ts";
import { elaborateModel } from "./elaborateModel.ts";
import { visibleNames, type FileScope } from "./fileScope.ts";
import { findRecursion } from "./findRecursion.ts";
import { bindModelParameters } from "./modelParameters.ts";
import { resolveNames } from "./resolveNames.ts";
import { findModel, selectModel, type Selection } from "./selectModel.ts";
import { formatValue } from "./values.ts";
import { checkWarnings } from "./warnings/checkWarnings.ts";
import type { CheckedModel } from "./warnings/findWarnings.ts";

/** `CheckOptions` with the texts of `--set` parsed, since a pass does not parse. */
export interface CheckProgramOptions extends Omit<CheckOptions, "settings"> {
  readonly settings?: readonly Argument[];
}

/** Checks a program and elaborates the model that the options choose. */
export function checkProgram(
  program: Program,
  options: CheckProgramOptions,
  tables: LayerTable,
): PassResult<CheckedProgram | undefined> {
  const context = createContext(tables);
  const found = untilStopped(() => check(program, options, context));
  const failed = context.diagnostics.some(({ severity }) => severity === "error");
  if (failed || found === undefined) return { output: undefined, diagnostics: context.diagnostics };
  // A file with mistakes is mended first: what it will be is not known yet.
  const asItStands = [options.model, options.recipe, options.settings, options.batch].every(
    (each) => each === undefined,
  );
  const others = asItStands ? { others: () => otherModels(program, found, tables) } : {};
  const warnings = checkWarnings(program, found, { ...options, ...others }, tables);
  return { output: found.checked, diagnostics: [...context.diagnostics, ...warnings] };
}

/** The result of a check, or undefined where it went beyond a limit. */
function untilStopped<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof CheckingStopped) return undefined;
    throw error;
  }
}

interface Found extends CheckedModel {
  readonly checked: CheckedProgram;
}

/** The file's other recipes with their models, and its models without one, each by itself; those with mistakes are left out. */
function otherModels(program: Program, { train, graph }: Found, tables: LayerTable): readonly CheckedModel[] {
  const trains = program.main.definitions.filter((definition) => definition.kind === "train");
  const withoutRecipe = program.main.definitions.flatMap((definition) =>
    definition.kind === "model" &&
    definition.name.text !== graph.name &&
    !trains.some(({ model }) => model.text === definition.name.text)
      ? [{ model: definition.name.text, train: undefined }]
      : [],
  );
  const pairs = trains.flatMap((each) => (each === train ? [] : [{ model: each.model.text, train: each }]));
  return [...pairs, ...withoutRecipe].flatMap(({ model, train: other }) => {
    const context = createContext(tables);
    const found = untilStopped(() => {
      const main = buildFileScopes(program, context);
      const target = findModel(main, model);
      return target && elaborate(target, other, { main, settings: [], anyOutput: false }, context);
    });
    return found?.graph === undefined || context.diagnostics.length > 0 ? [] : [{ ...found, graph: found.graph }];
  });
}

/** A model under a recipe's arguments, and the recipe. */
function elaborate(
  { model, file }: Pick<Selection, "model" | "file">,
  train: TrainDefinition | undefined,
  asked: { readonly main: FileScope; readonly settings: readonly Argument[]; readonly anyOutput: boolean },
  context: CheckContext,
) {
  const given = { recipe: train?.args ?? [], settings: asked.settings, main: asked.main };
  const parameters = bindModelParameters(model, file, given, context);
  const graph = elaborateModel(model, parameters, asked.anyOutput, context);
  const recipe = train === undefined ? undefined : checkRecipe(train, parameters, graph, context);
  return { parameters, graph, recipe, train };
}

function check(program: Program, options: CheckProgramOptions, context: CheckContext): Found | undefined {
  const main = buildFileScopes(program, context);
  resolveNames(main, context);
  const trains = program.main.definitions.filter((definition) => definition.kind === "train");
  checkTrains(trains, main, context);
  const selection = selectModel(main, options, context);
  if (selection === undefined) return undefined;
  const { model, train } = selection;
  const asked = { main, settings: options.settings ?? [], anyOutput: options.anyOutput === true };
  const { parameters, graph, recipe } = elaborate(selection, train, asked, context);
  // The other recipes are checked too, as far as that goes without a graph of their own.
  for (const other of trains) {
    const found = other === train ? undefined : findModel(main, other.model.text);
    if (found === undefined) continue;
    const otherGiven = { recipe: other.args, settings: [], main };
    checkRecipe(other, bindModelParameters(found.model, found.file, otherGiven, context), undefined, context);
  }
  findRecursion(main, context);
  if (graph === undefined) return undefined;
  const checked: CheckedProgram = {
    graph,
    settings: [...parameters.names].map(([name, value]) => ({ name, value: formatValue(value) })),
    ...(recipe !== undefined && { recipe }),
    models: program.main.definitions.flatMap((each) => (each.kind === "model" ? [each.name.text] : [])),
    recipes: trains.flatMap(({ name }) => (name === undefined ? [] : [name.text])),
    doc: model.doc,
  };
  return { checked, graph, recipe, train };
}

/** Recipes of models that are not there, and two of one name. */
function checkTrains(trains: readonly TrainDefinition[], main: FileScope, context: CheckContext): void {
  const seen = new Map<string, TrainDefinition>();
  for (const train of trains) {
    const { text: model, span } = train.model;
    if (model !== "" && findModel(main, model) === undefined) {
      const help = didYouMean(model, visibleNames(main, ["model"]));
      context.report(unknownModel.at(span, { name: model }, { help }));
    }
    const name = train.name?.text ?? "";
    const key = name === "" ? ` ${model}` : name;
    const earlier = seen.get(key);
    if (earlier !== undefined && train.name?.text !== "") {
      const notes = [{ message: "the first one is here", span: earlier.name?.span ?? earlier.model.span }];
      context.report(duplicateRecipe.at(train.name?.span ?? span, { model, name }, { notes }));
    } else seen.set(key, train);
  }
}
