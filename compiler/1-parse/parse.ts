/**
 * Text to CST. Comes in: one file. Goes out: its concrete syntax tree, its comments, and a diagnostic for every mistake
 * that the parser saw. Guarantees a tree for any text: where something is missing, so is the node.
 *
 *   relu -> as y   becomes   chain(link(step, asName)) with "expected a step, found `as`"
 */
import type { IToken } from "chevrotain";
import type { FileCstNode } from "../../grammar/cst.d.ts";
import { CnnParser } from "../../grammar/parser.ts";
import type { AllowComment } from "../ir/ast.ts";
import type { Diagnostic } from "../ir/diagnostic.ts";
import type { SourceFile } from "../ir/source.ts";
import { balanceBrackets } from "./balanceBrackets.ts";
import { readAllows } from "./readAllows.ts";
import { readTokens } from "./readTokens.ts";
import * as syntax from "../diagnostics/syntax.ts";
import { describeErrors, expectedPhrases } from "./syntaxErrors.ts";

export interface Parsed {
  readonly cst: FileCstNode;
  readonly comments: readonly IToken[];
  /** The comments that silence warnings. */
  readonly allows: readonly AllowComment[];
  /** What is wrong within words, and brackets without a partner. */
  readonly wordDiagnostics: readonly Diagnostic[];
  /** What the parser did not expect. */
  readonly errorDiagnostics: readonly Diagnostic[];
}

// Building a parser analyses the grammar, which takes longer than parsing; its state is reset by each new input.
const parser = new CnnParser(expectedPhrases, true);

/** Parses one file; never throws, whatever its text. */
export function parse(file: SourceFile): Parsed {
  const words = readTokens(file);
  const balanced = balanceBrackets(file, words.tokens);
  parser.input = [...balanced.tokens];
  const cst = parser.file() as FileCstNode;
  const errors = describeErrors(file, balanced.tokens, parser.errors);
  parser.input = [];
  // Everything after an unclosed comment is missing, brackets too.
  const isCutShort = words.diagnostics.some(({ code }) => code === syntax.unclosedComment.code);
  return {
    cst,
    comments: words.comments,
    allows: readAllows(file, words.comments, words.tokens),
    wordDiagnostics: isCutShort ? words.diagnostics : [...words.diagnostics, ...balanced.diagnostics],
    errorDiagnostics: isCutShort ? errors.filter(({ span }) => span.end < lastOffset(balanced.tokens)) : errors,
  };
}

function lastOffset(tokens: readonly IToken[]): number {
  return tokens[tokens.length - 1]?.startOffset ?? 0;
}
