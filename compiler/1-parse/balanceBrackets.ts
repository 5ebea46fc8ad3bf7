/**
 * Tokens to tokens whose brackets match, one diagnostic for each bracket that did not. Parsing then never has to guess
 * where a body ends. In a file whose brackets match nothing is touched, so line ends mean nothing there; only where they
 * do not match is the layout used to guess which bracket was forgotten.
 */
import { tokenMatcher, type IToken } from "chevrotain";
import * as t from "../../grammar/tokens.ts";
import * as syntax from "../diagnostics/syntax.ts";
import type { Diagnostic } from "../ir/diagnostic.ts";
import type { SourceFile } from "../ir/source.ts";
import { endOf, makeToken, tokenSpan } from "./tokenSpans.ts";

// A level takes up to fifty frames of the parser's stack, of which browsers have the least: ten thousand or so.
export const deepestBrackets = 64;

export interface BalancedTokens {
  readonly tokens: readonly IToken[];
  readonly diagnostics: readonly Diagnostic[];
}

interface OpenBracket {
  readonly token: IToken;
  /** Where it stands in the tokens given out. */
  readonly index: number;
}

/** Removes closing brackets that close nothing and adds those that are missing. */
export function balanceBrackets(file: SourceFile, tokens: readonly IToken[]): BalancedTokens {
  const strict = matchBrackets(file, tokens, false);
  const tooDeep = firstTooDeep(strict.tokens);
  if (tooDeep === undefined) return strict.diagnostics.length === 0 ? strict : matchBrackets(file, tokens, true);
  const limit = syntax.nestedTooDeeply.at(tokenSpan(file, tooDeep, 0), { what: "brackets", limit: deepestBrackets });
  // Brackets without a partner are most likely the same mistake.
  return { tokens: [], diagnostics: [limit] };
}

function firstTooDeep(tokens: readonly IToken[]): IToken | undefined {
  let depth = 0;
  for (const token of tokens) {
    if (isOpening(token) && ++depth > deepestBrackets) return token;
    if (isClosing(token)) depth--;
  }
  return undefined;
}

function matchBrackets(file: SourceFile, tokens: readonly IToken[], byLayout: boolean): BalancedTokens {
  const layout = byLayout ? readLayout(file, tokens) : undefined;
  const out: IToken[] = [];
  const open: OpenBracket[] = [];
  const diagnostics: Diagnostic[] = [];

  const closeTop = (before: IToken | undefined): void => {
    const bracket = open.pop();
    if (bracket === undefined) return;
    diagnostics.push(unclosed(file, bracket.token, before));
    const isBrace = bracket.token.tokenType === t.LBrace;
    const at = isBrace || layout === undefined ? out.length : endOfArguments(out, bracket.index, layout);
    const previous = out[at - 1] ?? bracket.token;
    out.splice(at, 0, makeToken(isBrace ? t.RBrace : t.RParen, "", endOf(previous)));
  };

  tokens.forEach((token, index) => {
    if (layout?.definitionStarts.has(index) === true) while (open.length > 0) closeTop(token);
    if (isOpening(token)) open.push({ token, index: out.length });
    if (isClosing(token)) {
      const opening = token.tokenType === t.RBrace ? t.LBrace : t.LParen;
      if (!open.some((bracket) => bracket.token.tokenType === opening)) {
        diagnostics.push(syntax.unopenedBracket.at(tokenSpan(file, token, 0), { close: token.image }));
        return;
      }
      while (open[open.length - 1]?.token.tokenType !== opening) closeTop(token);
      const indent = layout?.indentOfFirst.get(token);
      if (layout !== undefined && indent !== undefined && opening === t.LBrace) {
        const indentOfOpening = (bracket: OpenBracket | undefined): number =>
          bracket === undefined ? -1 : (layout.indentOfLine.get(bracket.token) ?? 0);
        // A brace that stands left of its opening line closes something further out.
        while (open.length > 1 && indentOfOpening(open[open.length - 1]) > indent) closeTop(token);
        if (indentOfOpening(open[open.length - 1]) < indent) {
          diagnostics.push(syntax.unopenedBracket.at(tokenSpan(file, token, 0), { close: token.image }));
          return;
        }
      }
      open.pop();
    }
    out.push(token);
  });
  while (open.length > 0) closeTop(undefined);
  return { tokens: out, diagnostics };
}

function unclosed(file: SourceFile, bracket: IToken, before: IToken | undefined): Diagnostic {
  const close = bracket.tokenType === t.LBrace ? "}" : bracket.image === "[" ? "]" : ")";
  const missed = before === undefined ? undefined : tokenSpan(file, before, 0);
  const notes = missed === undefined ? [] : [{ message: `\`${close}\` was missed here at the latest`, span: missed }];
  return syntax.unclosedBracket.at(tokenSpan(file, bracket, 0), { open: bracket.image, close }, { notes });
}

interface Layout {
  /** The indentation of the line that a bracket stands on. */
  readonly indentOfLine: ReadonlyMap<IToken, number>;
  /** The indentation of tokens that are the first of their line. */
  readonly indentOfFirst: ReadonlyMap<IToken, number>;
  /** Where `model NAME`, `block NAME`, `train NAME` and the like stand at the very left. */
  readonly definitionStarts: ReadonlySet<number>;
}

function readLayout(file: SourceFile, tokens: readonly IToken[]): Layout {
  const indentOfLine = new Map<IToken, number>();
  const indentOfFirst = new Map<IToken, number>();
  const definitionStarts = new Set<number>();
  let indent = 0;
  let readTo = 0;
  tokens.forEach((token, index) => {
    const linesBetween = file.text.slice(readTo, token.startOffset).split("\n").length - 1;
    readTo = token.startOffset;
    if (linesBetween > 0 || index === 0) {
      indent = lineBefore(file.text, token.startOffset).length;
      indentOfFirst.set(token, indent);
      const next = tokens[index + 1];
      const starts = [t.Model, t.Block, t.Train].includes(token.tokenType) && next !== undefined;
      if (indent === 0 && starts && tokenMatcher(next, t.Name)) definitionStarts.add(index);
    }
    indentOfLine.set(token, indent);
  });
  return { indentOfLine, indentOfFirst, definitionStarts };
}

function lineBefore(text: string, offset: number): string {
  return text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset);
}

/** Where a `)` was most likely forgotten: before what cannot stand in brackets, or where a complete part ends a line. */
function endOfArguments(out: readonly IToken[], opening: number, layout: Layout): number {
  let depth = 0;
  for (let index = opening + 1; index < out.length; index++) {
    const token = out[index];
    const previous = out[index - 1];
    if (token === undefined || previous === undefined) break;
    if (depth === 0 && index > opening + 1) {
      const never = [t.Arrow, t.LBrace, t.Let, t.For, t.Repeat, t.From, t.As];
      if (never.some((type) => tokenMatcher(token, type))) return index;
      const goesOn = [t.Comma, t.Colon, t.BinaryOperator].some((type) => tokenMatcher(previous, type));
      const joins = [t.Comma, t.BinaryOperator].some((type) => tokenMatcher(token, type));
      if (layout.indentOfFirst.has(token) && !goesOn && !joins) return index;
    }
    if (isOpening(token)) depth++;
    if (isClosing(token)) depth--;
  }
  return out.length;
}

function isOpening(token: IToken): boolean {
  return token.tokenType === t.LParen || token.tokenType === t.LBrace;
}

function isClosing(token: IToken): boolean {
  return token.tokenType === t.RParen || token.tokenType === t.RBrace;
}
