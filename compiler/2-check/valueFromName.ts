import { notAGraphValue, unknownName } from "../diagnostics/names.ts";
import { didYouMean } from "../diagnostics/suggest.ts";
import type { Identifier } from "../ir/ast.ts";
import { letEvaluator } from "./evaluate.ts";
import type { BodyPlace, Flow } from "./frame.ts";
import { findValue, localNames } from "./scope.ts";
import { describeValue } from "./values.ts";

/** The value of the network that `from` names; "error" after a diagnostic. */
export function valueFromName({ text, span }: Identifier, { scope, frame: { context } }: BodyPlace): Flow {
  const value = findValue(text, scope, context, letEvaluator(context));
  if (value?.kind === "tensor") return value.tensor;
  if (value === undefined) {
    context.report(unknownName.at(span, { name: text }, { help: didYouMean(text, localNames(scope)) }));
  } else if (value.kind !== "error") {
    context.report(notAGraphValue.at(span, { name: text, found: describeValue(value) }));
  }
  return "error";
}
