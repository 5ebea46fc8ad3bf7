/** A model's parameters: from outside (`--set`), from its recipe, or by default. */
import { argumentTwice, parameterWithoutValue, positionalAfterNamed, tooManyArguments, unknownSetting } from "../diagnostics/names.ts"; // prettier-ignore
import { didYouMean } from "../diagnostics/suggest.ts";
import type { Argument, ModelDefinition } from "../ir/ast.ts";
import { bindName } from "./bindPattern.ts";
import type { CheckContext } from "./context.ts";
import { evaluate } from "./evaluate.ts";
import type { FileScope } from "./fileScope.ts";
import { fileLevelScope, innerScope, type Scope } from "./scope.ts";
import type { Value } from "./values.ts";

/**
 * The scope with the model's parameters. `settings` win over `recipe`, which wins over the defaults; a default may use
 * earlier parameters. `main` is the file whose names the arguments see.
 */
export function bindModelParameters(
  model: ModelDefinition,
  file: FileScope,
  given: { readonly recipe: readonly Argument[]; readonly settings: readonly Argument[]; readonly main: FileScope },
  context: CheckContext,
): Scope {
  const fromRecipe = argumentValues(model, given.recipe, given.main, context);
  const fromOutside = argumentValues(model, given.settings, given.main, context);
  const scope = innerScope(fileLevelScope(file));
  for (const { name, default: byDefault } of model.params) {
    let value: Value | undefined = fromOutside.get(name.text) ?? fromRecipe.get(name.text);
    if (value === undefined && byDefault !== undefined) {
      value = evaluate(byDefault, { scope, arriving: "nothing" }, context);
    }
    if (value === undefined) {
      const help = `--set ${name.text}=… gives one`;
      context.report(parameterWithoutValue.at(name.span, { model: model.name.text, name: name.text }, { help }));
      value = { kind: "error" };
    }
    bindName(name, value, scope.names, context);
  }
  return scope;
}

function argumentValues(
  model: ModelDefinition,
  args: readonly Argument[],
  main: FileScope,
  context: CheckContext,
): ReadonlyMap<string, Value> {
  const names = model.params.map(({ name }) => name.text);
  const values = new Map<string, Value>();
  const callee = `model ${model.name.text}`;
  let named = false;
  for (const [position, argument] of args.entries()) {
    const value = evaluate(argument.value, { scope: fileLevelScope(main), arriving: "nothing" }, context);
    if (argument.name !== undefined) named = true;
    else if (named) {
      context.report(positionalAfterNamed.at(argument.span, { callee }));
      continue;
    }
    const name = argument.name?.text ?? names[position];
    if (name === "") continue;
    if (name === undefined) {
      context.report(tooManyArguments.at(argument.span, { callee, most: names.length, found: args.length }));
    } else if (!names.includes(name)) {
      const help = didYouMean(name, names) ?? parameterList(names);
      const span = argument.name?.span ?? argument.span;
      context.report(unknownSetting.at(span, { model: model.name.text, name }, { help }));
    } else if (values.has(name)) context.report(argumentTwice.at(argument.span, { callee, name }));
    else values.set(name, value);
  }
  return values;
}

function parameterList(names: readonly string[]): string {
  return names.length === 0
    ? "it has no parameters"
    : `its parameters are ${names.map((name) => `\`${name}\``).join(", ")}`;
}
