/**
 * Text to tokens. Comes in: the source text. Goes out: the tokens for the parser, the comments, and a diagnostic for
 * everything that is wrong within a single word. What is only spelt like another language is read as what was meant.
 *
 *   input 1x28x28 → relu   becomes   Input 1 Cross 28 Cross 28 Arrow relu, and "`→` is written `->` here"
 */
import { tokenMatcher, type IToken } from "chevrotain";
import * as t from "../../grammar/tokens.ts";
import * as syntax from "../diagnostics/syntax.ts";
import type { Diagnostic } from "../ir/diagnostic.ts";
import type { SourceFile, Span } from "../ir/source.ts";
import { readSizes } from "./readSizes.ts";
import { endOf, makeToken, tokenSpan, touches } from "./tokenSpans.ts";

export interface TokenList {
  readonly tokens: readonly IToken[];
  readonly comments: readonly IToken[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Splits a file into tokens. */
export function readTokens(file: SourceFile): TokenList {
  const lexed = t.lexer.tokenize(file.text);
  const diagnostics: Diagnostic[] = [];
  const named = new Set<string>();
  for (const { offset, length } of lexed.errors) {
    const text = shorten(file.text.slice(offset, offset + length));
    diagnostics.push(syntax.strayCharacters.at({ file, start: offset, end: offset + length }, { text }));
  }
  for (const token of lexed.groups["mistakes"] ?? []) diagnostics.push(mistake(file, token));
  // The lexer leaves the end out, which the spans of CST nodes are made from.
  const tokens = readSizes(lexed.tokens.map((token) => ({ ...token, endOffset: endOf(token) - 1 })));
  return {
    tokens: joinNumbers(file, tokens, diagnostics).map((token) => checkSpelling(file, token, diagnostics, named)),
    comments: lexed.groups["comments"] ?? [],
    diagnostics,
  };
}

function shorten(text: string): string {
  const characters = [...text];
  return characters.length <= 20 ? text : `${characters.slice(0, 20).join("")}…`;
}

function mistake(file: SourceFile, token: IToken): Diagnostic {
  const span = tokenSpan(file, token, 0);
  switch (token.tokenType) {
    case t.UnclosedComment:
      return syntax.unclosedComment.at({ file, start: span.start, end: span.start + 2 }, {});
    case t.HashComment:
      return syntax.foreignSpelling.at({ file, start: span.start, end: span.start + 1 }, { found: "#", written: "//" });
    default:
      return syntax.strayCharacters.at(span, { text: token.image }, { help: "nothing is needed between two steps" });
  }
}

/** A number with letters or another point stuck to it is one mistake, and one token. */
function joinNumbers(file: SourceFile, tokens: readonly IToken[], diagnostics: Diagnostic[]): readonly IToken[] {
  const joined: IToken[] = [];
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index];
    if (token === undefined) break;
    const before = joined[joined.length - 1];
    const isMember = token.tokenType === t.Integer && before?.tokenType === t.Dot;
    if ((token.tokenType !== t.Integer && token.tokenType !== t.Real) || isMember) {
      joined.push(token);
      continue;
    }
    let last = token;
    for (let next = tokens[index + 1]; next !== undefined && sticksTo(last, next); next = tokens[index + 1]) {
      last = next;
      index++;
    }
    const span: Span = { file, start: token.startOffset, end: endOf(last) };
    const text = file.text.slice(span.start, span.end);
    if (last !== token) {
      diagnostics.push(syntax.invalidNumber.at(span, { text: shorten(text) }, { help: numberHelp(text) }));
    } else if (token.tokenType === t.Integer ? Number(text) > Number.MAX_SAFE_INTEGER : !isFinite(Number(text))) {
      diagnostics.push(syntax.numberTooLarge.at(span, { text: shorten(text) }));
      joined.push(makeToken(t.Integer, "1", span.start));
      continue;
    }
    joined.push(token);
  }
  return joined;
}

function numberHelp(text: string): string | undefined {
  if (/^\d+\.$/.test(text)) return `write \`${text}0\``;
  const pair = /^(\d+)[xX](\d+)$/.exec(text);
  return pair === null ? undefined : `a pair of sizes is written \`(${pair[1] ?? ""}, ${pair[2] ?? ""})\``;
}

function sticksTo(last: IToken, next: IToken): boolean {
  if (!touches(last, next) || next.tokenType === t.Cross) return false;
  return [t.Name, t.Dot, t.Integer, t.Real].some((type) => tokenMatcher(next, type)) || /^[a-z]/i.test(next.image);
}

/** Reports what is spelt another way here; a name with foreign letters only where it stands first. */
function checkSpelling(file: SourceFile, token: IToken, diagnostics: Diagnostic[], named: Set<string>): IToken {
  const span = tokenSpan(file, token, 0);
  switch (token.tokenType) {
    case t.UnclosedText:
      diagnostics.push(syntax.unclosedString.at(span, {}));
      return token;
    case t.QuotedText:
      diagnostics.push(
        syntax.foreignSpelling.at(span, { found: token.image, written: `"${token.image.slice(1, -1)}"` }),
      );
      return token;
    case t.Identifier:
      if (/\W/.test(token.image) && !named.has(token.image)) {
        named.add(token.image);
        diagnostics.push(syntax.foreignLetters.at(span, { name: token.image }));
      }
      return token;
    default: {
      const written = spelling(token);
      if (written === token.image || written === undefined) return token;
      diagnostics.push(syntax.foreignSpelling.at(span, { found: token.image, written }));
      return token;
    }
  }
}

/** How a sign is spelt here; undefined for what has no fixed spelling. */
function spelling(token: IToken): string | undefined {
  switch (token.tokenType) {
    case t.LParen:
      return "(";
    // Reported with its opening bracket.
    case t.RParen:
      return undefined;
    default:
      return /^`(.+)`$/.exec(token.tokenType.LABEL ?? "")?.[1];
  }
}
