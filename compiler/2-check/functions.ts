/** The built-in functions of expressions. */
import { missingArgument, outOfRange, tooManyArguments, unknownArgument, wrongArgument } from "../diagnostics/names.ts";
import type { CallExpr } from "../ir/ast.ts";
import type { CheckContext } from "./context.ts";
import { describeValue, errorValue, numberValue, type Value } from "./values.ts";

type NumberFunction = (numbers: readonly number[]) => number;

/** `min` and `max` take one number or more (or one tuple of them); the others exactly one. */
const numberFunctions: ReadonlyMap<string, { readonly many: boolean; readonly apply: NumberFunction }> = new Map([
  ["min", { many: true, apply: (numbers: readonly number[]) => numbers.reduce((a, b) => Math.min(a, b), Infinity) }],
  ["max", { many: true, apply: (numbers: readonly number[]) => numbers.reduce((a, b) => Math.max(a, b), -Infinity) }],
  ["floor", { many: false, apply: ([a = 0]: readonly number[]) => Math.floor(a) }],
  ["ceil", { many: false, apply: ([a = 0]: readonly number[]) => Math.ceil(a) }],
  ["round", { many: false, apply: ([a = 0]: readonly number[]) => roundHalfAway(a) }],
]);

export const functionNames: readonly string[] = [...numberFunctions.keys(), "len"];

/** Halves are rounded away from zero: round(2.5) is 3, round(-2.5) is -3. */
function roundHalfAway(value: number): number {
  const magnitude = Math.abs(value);
  const whole = Math.floor(magnitude);
  return Math.sign(value) * (magnitude - whole >= 0.5 ? whole + 1 : whole);
}

/** The value of a call of a built-in function; "error" after a diagnostic, or when an argument is one. */
export function callFunction(call: CallExpr, values: readonly Value[], context: CheckContext): Value {
  const name = call.callee.text;
  const named = call.args.find((argument) => argument.name !== undefined)?.name;
  if (named !== undefined) {
    context.report(unknownArgument.at(named.span, { callee: name, name: named.text }));
    return errorValue;
  }
  if (values.some(({ kind }) => kind === "error")) return errorValue;
  const definition = numberFunctions.get(name);
  if (values.length === 0) {
    const missing = definition?.many === true ? ["a number"] : name === "len" ? ["a tuple"] : ["a number"];
    context.report(missingArgument.at(call.span, { callee: name, missing }));
    return errorValue;
  }
  if (values.length > 1 && definition?.many !== true) {
    context.report(tooManyArguments.at(call.span, { callee: name, most: 1, found: values.length }));
    return errorValue;
  }
  const [first] = values;
  if (definition === undefined) return length(call, first ?? errorValue, context);
  const members = values.length === 1 && definition.many && first?.kind === "tuple" ? first.items : values;
  const numbers: number[] = [];
  for (const [position, value] of members.entries()) {
    if (value.kind === "error") return errorValue;
    if (value.kind !== "number") {
      const span = call.args[members === values ? position : 0]?.span ?? call.span;
      context.report(wrongArgument.at(span, { name, expected: "numbers", found: describeValue(value) }));
      return errorValue;
    }
    numbers.push(value.value);
  }
  if (numbers.length === 0) {
    context.report(outOfRange.at(call.span, { what: `the tuple given to ${name}`, range: "not empty", found: "()" }));
    return errorValue;
  }
  return numberValue(definition.apply(numbers));
}

function length(call: CallExpr, value: Value, context: CheckContext): Value {
  if (value.kind === "tuple") return numberValue(value.items.length);
  const found = describeValue(value);
  context.report(wrongArgument.at(call.args[0]?.span ?? call.span, { name: "len", expected: "a tuple", found }));
  return errorValue;
}
