/** Arguments of a call to the parameters they are for: by position first, then by name. */
import { argumentTwice, positionalAfterNamed, tooManyArguments, unknownArgument } from "../diagnostics/names.ts";
import { didYouMean } from "../diagnostics/suggest.ts";
import type { LayerArgument } from "../ir/argument.ts";
import type { Argument, Expr } from "../ir/ast.ts";
import type { CheckContext } from "./context.ts";
import { callableName, type BoundArgument, type BoundArguments, type CallTarget, type Value } from "./values.ts";

/** What is called, and its parameters in order. */
export interface Signature {
  readonly callee: string;
  readonly parameters: readonly string[];
  /** Second names of parameters, and the first. */
  readonly aliases?: ReadonlyMap<string, string>;
}

export function signatureOf(target: CallTarget): Signature {
  const callee = callableName(target);
  if (target.kind === "layer") return argumentSignature(callee, target.layer.arguments);
  return { callee, parameters: target.block.params.map(({ name }) => name.text) };
}

/** The signature of a layer, or of a part of a recipe. */
export function argumentSignature(callee: string, definitions: readonly LayerArgument[]): Signature {
  const second = definitions.flatMap(({ name, alias }) => (alias === undefined ? [] : [[alias, name] as const]));
  return { callee, parameters: definitions.map(({ name }) => name), aliases: new Map(second) };
}

/** The arguments by their parameters' names; undefined after a diagnostic. Every argument is evaluated, wrong ones too. */
export function bindArguments(
  { callee, parameters, aliases }: Signature,
  args: readonly Argument[],
  evaluateArgument: (expr: Expr, parameter: string | undefined) => Value,
  context: CheckContext,
): BoundArguments | undefined {
  const bound = new Map<string, BoundArgument>();
  let failed = false;
  let named = false;
  const positional = args.filter(({ name }) => name === undefined).length;
  for (const [position, argument] of args.entries()) {
    const written = argument.name?.text;
    const parameter = written === undefined ? parameters[position] : (aliases?.get(written) ?? written);
    const known = parameter !== undefined && parameters.includes(parameter);
    const value = evaluateArgument(argument.value, known ? parameter : undefined);
    if (argument.name !== undefined) named = true;
    else if (named) {
      context.report(positionalAfterNamed.at(argument.span, { callee }));
      failed = true;
      continue;
    }
    if (parameter === undefined) {
      if (!failed) {
        const counts = { callee, most: parameters.length, found: positional };
        context.report(tooManyArguments.at(argument.span, counts));
      }
      failed = true;
    } else if (!known) {
      failed = true;
      if (parameter === "") continue;
      const span = argument.name?.span ?? argument.span;
      context.report(
        unknownArgument.at(span, { callee, name: parameter }, { help: argumentHelp(parameter, parameters) }),
      );
    } else if (bound.has(parameter)) {
      context.report(argumentTwice.at(argument.span, { callee, name: parameter }));
      failed = true;
    } else bound.set(parameter, { value, span: argument.value.span });
  }
  return failed ? undefined : bound;
}

/** The nearest argument, or all of them when none is near and they are few. */
export function argumentHelp(name: string, parameters: readonly string[]): string | undefined {
  const near = didYouMean(name, parameters);
  if (near !== undefined || parameters.length === 0) return near;
  return `its arguments are ${parameters.map((parameter) => `\`${parameter}\``).join(", ")}`;
}
