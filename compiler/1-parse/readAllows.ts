/** Comments that silence warnings: `cnnc-allow CNN6003, CNN6005: why`, behind the text that they speak of or above it. */
import type { IToken } from "chevrotain";
import type { AllowComment, Identifier } from "../ir/ast.ts";
import type { SourceFile, Span } from "../ir/source.ts";
import { endOf } from "./tokenSpans.ts";

const opener = /^(?:\/\/+|\/\*+)\s*cnnc-allow(?![\w-])/;

export function isAllowComment(image: string): boolean {
  return opener.test(image);
}

/** The allow comments of a file, in the order of the text. */
export function readAllows(
  file: SourceFile,
  comments: readonly IToken[],
  tokens: readonly IToken[],
): readonly AllowComment[] {
  return comments.flatMap((comment) => {
    const opening = opener.exec(comment.image);
    if (opening === null) return [];
    const span: Span = { file, start: comment.startOffset, end: comment.startOffset + comment.image.trimEnd().length };
    const line = lineSpokenOf(file, span, tokens);
    const codes = readCodes(file, comment, opening[0].length);
    return [{ span, codes, ...(line !== undefined && { line }) }];
  });
}

/** The words up to a colon (a reason may follow it) or the end of the line. */
function readCodes(file: SourceFile, { image, startOffset }: IToken, from: number): readonly Identifier[] {
  const listed = /^[^:\n\r]*/.exec(image.slice(from).replace(/\*+\/$/, ""))?.[0] ?? "";
  return [...listed.matchAll(/[^\s,]+/g)].map(({ 0: text, index }) => {
    const at = startOffset + from + index;
    return { text, span: { file, start: at, end: at + text.length } };
  });
}

/** The comment's own line where text stands before it, else the line of the next word. */
function lineSpokenOf(file: SourceFile, comment: Span, tokens: readonly IToken[]): Span | undefined {
  const next = tokens.find((token) => token.startOffset >= comment.end);
  const before = tokens.findLast((token) => endOf(token) <= comment.start);
  const own = lineAround(file, comment.start);
  if (before !== undefined && endOf(before) > own.start) return own;
  return next === undefined ? undefined : lineAround(file, next.startOffset);
}

function lineAround(file: SourceFile, offset: number): Span {
  const end = file.text.indexOf("\n", offset);
  const start = offset === 0 ? 0 : file.text.lastIndexOf("\n", offset - 1) + 1;
  return { file, start, end: end < 0 ? file.text.length : end };
}
