import { nameTaken, patternMismatch } from "../diagnostics/names.ts";
import type { Identifier, Pattern } from "../ir/ast.ts";
import type { Span } from "../ir/source.ts";
import { takenBy } from "./buildFileScopes.ts";
import type { CheckContext } from "./context.ts";
import { patternNames } from "./fileScope.ts";
import { describeValue, errorValue, type Value } from "./values.ts";

/** Gives the names of a pattern the parts of a value; `span` is the value's place in the text. */
export function bindPattern(
  pattern: Pattern,
  value: Value,
  span: Span,
  names: Map<string, Value>,
  context: CheckContext,
): void {
  if (pattern.kind === "bind") {
    bindName(pattern.name, value, names, context);
    return;
  }
  if (value.kind === "tuple" && value.items.length === pattern.items.length) {
    pattern.items.forEach((item, i) => bindPattern(item, value.items[i] ?? errorValue, span, names, context));
    return;
  }
  if (value.kind !== "error") {
    const found = describeValue(value);
    context.report(patternMismatch.at(pattern.span, { names: pattern.items.length, found }));
  }
  for (const { text } of patternNames(pattern)) names.set(text, errorValue);
}

/** Gives a name its value. A layer's name may hold anything but a layer or block: as a step it means the layer. */
export function bindName(name: Identifier, value: Value, names: Map<string, Value>, context: CheckContext): void {
  if (name.text === "") return;
  const by = value.kind === "callable" ? takenBy(name.text, context) : undefined;
  if (by !== undefined) context.report(nameTaken.at(name.span, { name: name.text, by }));
  names.set(name.text, value);
}
