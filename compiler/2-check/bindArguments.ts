/** Arguments of a call to the parameters they are for: by position first, then by name. */
import { argumentTwice, positionalAfterNamed, tooManyArguments, unknownArgument } from "../diagnostics/names.ts";
import { didYouMean } from "../diagnostics/suggest.ts";
import type { Argument, Expr } from "../ir/ast.ts";
import type { CheckContext } from "./context.ts";
import { callableName, type BoundArgument, type BoundArguments, type CallTarget, type Value } from "./values.ts";

/** What is called, and its parameters in order. */
export interface Signature {
  readonly callee: string;
  readonly parameters: readonly string[];
}

export function signatureOf(target: CallTarget): Signature {
  const parameters =
    target.kind === "layer"
      ? target.layer.arguments.map(({ name }) => name)
      : target.block.params.map(({ name }) => name.text);
  return { callee: callableName(target), parameters };
}

/** The arguments by their parameters' names; undefined after a diagnostic. Every argument is evaluated, wrong ones too. */
export function bindArguments(
  { callee, parameters }: Signature,
  args: readonly Argument[],
  evaluateArgument: (expr: Expr, parameter: string | undefined) => Value,
  context: CheckContext,
): BoundArguments | undefined {
  const bound = new Map<string, BoundArgument>();
  let failed = false;
  let named = false;
  const positional = args.filter(({ name }) => name === undefined).length;
  for (const [position, argument] of args.entries()) {
    const parameter = argument.name?.text ?? parameters[position];
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
