/** Values given to a layer's arguments, checked against the layer's own definition of them, defaults filled in. */
import { missingArgument, notWhole, outOfRange, wrongArgument } from "../diagnostics/names.ts";
import { suggest } from "../diagnostics/suggest.ts";
import type { Attrs, AttrValue } from "../ir/graph.ts";
import type { Span } from "../ir/source.ts";
import type { LayerArgument } from "../ops/defineOp.ts";
import type { CheckContext } from "./context.ts";
import { wholeHelp } from "./evaluate.ts";
import { callableName, describeValue, type BoundArgument, type BoundArguments, type Value } from "./values.ts";

/**
 * The attributes of a layer (or of anything else with such arguments) at a use; undefined after a diagnostic, or when an
 * argument is an error value. `span` is the step, for arguments that are missing.
 */
export function checkArguments(
  callee: string,
  definitions: readonly LayerArgument[],
  given: BoundArguments,
  span: Span,
  context: CheckContext,
): Attrs | undefined {
  const isRequired = ({ default: value, optional }: LayerArgument): boolean => value === undefined && optional !== true;
  const missing = definitions.filter((definition) => isRequired(definition) && !given.has(definition.name));
  if (missing.length > 0) {
    context.report(missingArgument.at(span, { callee, missing: missing.map(({ name }) => name) }));
  }
  const attrs: Record<string, AttrValue> = {};
  let failed = missing.length > 0;
  for (const definition of definitions) {
    const argument = given.get(definition.name);
    if (argument === undefined) continue;
    const attr = convert(definition, argument, context);
    if (attr === undefined) failed = true;
    else attrs[definition.name] = attr;
  }
  if (failed) return undefined;
  for (const { name, default: value } of definitions) {
    if (name in attrs || value === undefined) continue;
    // "=kernel" copies another argument, which is required or has a default of its own.
    const copied = typeof value === "string" && value.startsWith("=") ? attrs[value.slice(1)] : value;
    if (copied !== undefined) attrs[name] = copied;
  }
  return Object.fromEntries(
    definitions.flatMap(({ name }) => (name in attrs ? [[name, attrs[name] as AttrValue]] : [])),
  );
}

/** One argument as an attribute; undefined after a diagnostic. */
function convert(definition: LayerArgument, argument: BoundArgument, context: CheckContext): AttrValue | undefined {
  const { value, span } = argument;
  const { name, type } = definition;
  const wrong = (help?: string): undefined => {
    if (containsError(value)) return undefined;
    context.report(
      wrongArgument.at(span, { name, expected: expectation(definition), found: describeValue(value) }, { help }),
    );
    return undefined;
  };
  switch (type) {
    case "boolean":
      return value.kind === "boolean" ? value.value : wrong();
    case "integer":
      return value.kind === "number" ? whole(definition, value, span, context) : wrong();
    case "real":
      return value.kind === "number" ? inRange(definition, value.value, span, context) : wrong();
    case "word":
      return wordOf(definition, value) ?? wrong(wordHelp(definition, value));
    case "sizeOrWord":
      return (
        wordOf(definition, value) ?? size(definition, argument, context) ?? wrongUnlessSize(value, wrong, definition)
      );
    case "size":
      return size(definition, argument, context) ?? wrongUnlessSize(value, wrong, definition);
    case "integers":
    case "reals": {
      const items = value.kind === "tuple" ? value.items : [value];
      if (items.some(({ kind }) => kind !== "number")) return wrong();
      if (items.length !== (definition.length ?? items.length)) return wrong();
      const check = type === "integers" ? whole : rangeOf;
      const numbers = items.map((item) => check(definition, item, span, context));
      return numbers.includes(undefined) ? undefined : (numbers as number[]);
    }
  }
}

function isSizeLike(value: Value): boolean {
  if (value.kind === "number") return true;
  return value.kind === "tuple" && value.items.length === 2 && value.items.every(({ kind }) => kind === "number");
}

/** A value of a size's form has been reported already, number by number. */
function wrongUnlessSize(value: Value, wrong: (help?: string) => undefined, definition: LayerArgument): undefined {
  return isSizeLike(value) ? undefined : wrong(wordHelp(definition, value));
}

function size(definition: LayerArgument, { value, span }: BoundArgument, context: CheckContext): AttrValue | undefined {
  if (!isSizeLike(value)) return undefined;
  const items = value.kind === "tuple" ? value.items : [value];
  const sizes = items.map((item) => whole(definition, item, span, context));
  const [height, width = height] = sizes;
  return sizes.includes(undefined) || height === undefined || width === undefined ? undefined : [height, width];
}

function whole(definition: LayerArgument, value: Value, span: Span, context: CheckContext): number | undefined {
  if (value.kind !== "number") return undefined;
  if (Number.isSafeInteger(value.value)) return inRange(definition, value.value, span, context);
  // A whole number that cannot be counted exactly is whole all the same: it is too large, or too small.
  if (Number.isInteger(value.value)) return inRange({ ...countable, ...definition }, value.value, span, context);
  const what = `\`${definition.name}\``;
  context.report(notWhole.at(span, { what, found: describeValue(value) }, { help: wholeHelp(value) }));
  return undefined;
}

const countable = { min: -Number.MAX_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER } as const;

function rangeOf(definition: LayerArgument, value: Value, span: Span, context: CheckContext): number | undefined {
  return value.kind === "number" ? inRange(definition, value.value, span, context) : undefined;
}

function inRange(definition: LayerArgument, value: number, span: Span, context: CheckContext): number | undefined {
  const { name, min, max, minExclusive, maxExclusive } = definition;
  const low = min === undefined || (minExclusive === true ? value > min : value >= min);
  const high = max === undefined || (maxExclusive === true ? value < max : value <= max);
  if (low && high) return value;
  context.report(outOfRange.at(span, { what: `\`${name}\``, range: rangeText(definition), found: String(value) }));
  return undefined;
}

/** "at least 0 and below 1". */
export function rangeText({ min, max, minExclusive, maxExclusive }: LayerArgument): string {
  const low = min === undefined ? [] : [minExclusive === true ? `more than ${min}` : `at least ${min}`];
  const high = max === undefined ? [] : [maxExclusive === true ? `below ${max}` : `at most ${max}`];
  return [...low, ...high].join(" and ");
}

/** A word, written bare; some words are layers' names as well (`approximate: tanh`). */
function wordOf({ words = [] }: LayerArgument, value: Value): string | undefined {
  const isLayer = value.kind === "callable" && value.target.kind === "layer" && value.held.size === 0;
  const word = value.kind === "word" ? value.word : isLayer ? callableName(value.target) : undefined;
  return word !== undefined && words.includes(word) ? word : undefined;
}

function wordHelp({ words = [] }: LayerArgument, value: Value): string | undefined {
  const written = value.kind === "word" ? value.word : value.kind === "string" ? value.value : undefined;
  if (written === undefined || words.length === 0) return undefined;
  if (value.kind === "string" && words.includes(written)) return `words are written bare: ${written}`;
  const [near] = suggest(written, words);
  return near === undefined ? undefined : `did you mean \`${near}\`?`;
}

/** What an argument accepts, as messages and the table of layers say it. */
export function expectation({ type, length, words = [] }: LayerArgument): string {
  const choice = words.map((word) => `\`${word}\``).join(" or ");
  switch (type) {
    case "boolean":
      return "`true` or `false`";
    case "integer":
      return "a whole number";
    case "real":
      return "a number";
    case "word":
      return choice;
    case "sizeOrWord":
      return `a size (\`n\` or \`(h, w)\`) or ${choice}`;
    case "size":
      return "a size (`n` or `(h, w)`)";
    case "integers":
      return length === undefined ? "a tuple of whole numbers" : `a tuple of ${length} whole numbers`;
    case "reals":
      return length === undefined ? "a number or a tuple of numbers" : `a tuple of ${length} numbers`;
  }
}

function containsError(value: Value): boolean {
  return value.kind === "error" || (value.kind === "tuple" && value.items.some(({ kind }) => kind === "error"));
}
