/** What the parser could not read, in the user's words, one diagnostic for one mistake. */
import {
  EOF,
  tokenMatcher,
  type IParserErrorMessageProvider,
  type IRecognitionException,
  type IToken,
} from "chevrotain";
import * as t from "../../grammar/tokens.ts";
import * as syntax from "../diagnostics/syntax.ts";
import type { Diagnostic } from "../ir/diagnostic.ts";
import type { SourceFile, Span } from "../ir/source.ts";
import { endOf, tokenSpan } from "./tokenSpans.ts";

const namesExpected: Readonly<Record<string, string>> = {
  modelDefinition: "the model's name",
  blockDefinition: "the block's name",
  parameter: "a parameter's name",
  trainDefinition: "the name of the model to train",
  asName: "a name after `as`",
  headStatement: "a name",
  chain: "the name of a value after `from`",
};

const rulesExpected: Readonly<Record<string, string>> = {
  step: "a step",
  callStep: "a step",
  pattern: "a name",
  patternItem: "a name",
  member: "a member: a name or a number",
  argument: "an argument",
  definition: "a definition",
  recipeEntry: "a line of the recipe",
};

const tokensExpected: Readonly<Record<string, string>> = {
  "argumentList:RParen": "`,` or `)`",
  "parameters:RParen": "a parameter's name or `)`",
  "tuple:RParen": "`,` or `)`",
  "pattern:RParen": "a name or `)`",
  "recipe:RBrace": "a line of the recipe or `}`",
  "augmentation:RBrace": "an augmentation or `}`",
  "valueBody:RBrace": "`}` after the value",
  "importDefinition:Text": "a file's path in quotes",
  "file:EOF": "a definition",
};

/** Chevrotain keeps only a message, so the message is the phrase that stands after "expected". */
export const expectedPhrases: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected, ruleName }) =>
    tokensExpected[`${ruleName}:${expected.name}`] ??
    (expected === t.Name ? namesExpected[ruleName] : undefined) ??
    expected.LABEL ??
    "something else",
  buildNotAllInputParsedMessage: () => "a definition",
  buildNoViableAltMessage: ({ ruleName }) => rulesExpected[ruleName] ?? "a value",
  buildEarlyExitMessage: ({ ruleName }) => rulesExpected[ruleName] ?? "a value",
};

/** Errors nearer than this on one line are consequences of the one before: recovery has not found its feet yet. */
const tokensToRecover = 4;
/** A reserved word that was meant as a name reads as the beginning of something else. */
const tokensAfterReserved = 8;

/** The parser's errors as diagnostics, without those that only follow from another. */
export function describeErrors(
  file: SourceFile,
  tokens: readonly IToken[],
  errors: readonly IRecognitionException[],
): readonly Diagnostic[] {
  const indexOf = new Map(tokens.map((token, index) => [token, index]));
  const placed = errors
    .map((error) => ({ error, index: indexOf.get(error.token) ?? tokens.length }))
    .sort((a, b) => a.index - b.index);
  const lineOf = lineFinder(file);
  const diagnostics: Diagnostic[] = [];
  let last = -Infinity;
  let lastReserved = -Infinity;
  let lastLine = 0;
  for (const { error, index } of placed) {
    const line = lineOf(error.token.startOffset);
    const follows =
      index - last < (line === lastLine ? tokensToRecover : 2) || index - lastReserved < tokensAfterReserved;
    last = index;
    lastLine = line;
    // A bracket that was added has been reported where it was missing.
    if (!follows && (error.token.image !== "" || error.token.tokenType === EOF)) {
      const described = describe(file, error, tokens[index - 1], lineOf);
      if (described.code === syntax.reservedWord.code) lastReserved = index;
      diagnostics.push(described);
    }
  }
  return diagnostics;
}

function describe(
  file: SourceFile,
  error: IRecognitionException,
  previous: IToken | undefined,
  lineOf: LineFinder,
): Diagnostic {
  const { token } = error;
  const expected = error.message.startsWith("`,`") && token.image === "," ? "a value" : error.message;
  const atEnd = token.tokenType === EOF;
  const end = previous === undefined ? 0 : endOf(previous);
  const span = atEnd ? { file, start: end, end } : tokenSpan(file, token, end);
  if (expected.includes("name") && /^[a-z]+$/.test(token.image) && !tokenMatcher(token, t.Name)) {
    return syntax.reservedWord.at(span, { word: token.image, expected: expected.replace(" or `)`", "") });
  }
  const found = atEnd ? "the end of the file" : `\`${token.image}\``;
  // What is missing at the end of a line is shown there, not at the next line's first word.
  const isLater = !atEnd && lineOf(end) < lineOf(span.start);
  const shown: Span = isLater ? { file, start: end, end } : span;
  return syntax.expectedSomething.at(shown, { expected, found });
}

/**
 * All syntax diagnostics of a file in order. What fits nowhere is most often the remains of another mistake, so each kind
 * of mistake is left out on a line that has one of the kinds before it, and words that fit nowhere
 * are named once on a line.
 */
export function withoutConsequences(
  file: SourceFile,
  words: readonly Diagnostic[],
  errors: readonly Diagnostic[],
  remains: readonly Diagnostic[],
): readonly Diagnostic[] {
  const lineOf = lineFinder(file);
  const linesOf = ({ span }: Diagnostic): number[] => [lineOf(span.start), lineOf(Math.max(span.start, span.end))];
  const lines = new Set(words.flatMap(linesOf));
  const ownErrors = errors.filter((error) => !linesOf(error).some((line) => lines.has(line)));
  const kept = [...words, ...ownErrors];
  for (const error of ownErrors) for (const line of linesOf(error)) lines.add(line);
  const named = new Set<number>();
  for (const remainder of remains) {
    const [line] = linesOf(remainder);
    if (line === undefined || lines.has(line) || named.has(line)) continue;
    if (remainder.code !== syntax.missingComma.code) named.add(line);
    kept.push(remainder);
  }
  return kept.sort((a, b) => a.span.start - b.span.start || a.span.end - b.span.end);
}

type LineFinder = (offset: number) => number;

/** Lines by offset for many offsets of one file. */
function lineFinder(file: SourceFile): LineFinder {
  const ends = [...file.text.matchAll(/\n/g)].map(({ index }) => index);
  return (offset) => {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] ?? Infinity) < offset) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  };
}
