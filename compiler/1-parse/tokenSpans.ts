/** Tokens as the passes of this folder handle them: retyped, cut and made up, but never changed in place. */
import type { IToken, TokenType } from "chevrotain";
import type { SourceFile, Span } from "../ir/source.ts";

/** Where a token stands. A token that recovery made up has no position: it stands, empty, at `fallback`. */
export function tokenSpan(file: SourceFile, token: IToken, fallback: number): Span {
  if (Number.isNaN(token.startOffset)) return { file, start: fallback, end: fallback };
  return { file, start: token.startOffset, end: endOf(token) };
}

/** The offset after a token's last character. */
export function endOf(token: IToken): number {
  return token.startOffset + token.image.length;
}

/** A token of another type over the same text, or over a part of it. */
export function makeToken(type: TokenType, image: string, startOffset: number): IToken {
  return {
    image,
    startOffset,
    endOffset: startOffset + image.length - 1,
    tokenType: type,
    tokenTypeIdx: typeIndex(type),
  };
}

function typeIndex(type: TokenType): number {
  if (type.tokenTypeIdx === undefined) throw new Error(`token type ${type.name} is not known to the parser`);
  return type.tokenTypeIdx;
}

/** Whether nothing stands between two tokens. */
export function touches(first: IToken, second: IToken): boolean {
  return endOf(first) === second.startOffset;
}
