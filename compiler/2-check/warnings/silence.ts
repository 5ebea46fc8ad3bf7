/** `cnnc-allow` comments: what they silence, and which of them name no warning or silence none. */
import { unknownAllowedCode, uselessAllow } from "../../diagnostics/warnings.ts";
import { didYouMean } from "../../diagnostics/suggest.ts";
import type { AllowComment, Identifier } from "../../ir/ast.ts";
import type { Diagnostic } from "../../ir/diagnostic.ts";
import type { Span } from "../../ir/source.ts";
import type { Warning } from "./warning.ts";

/** The warnings that a comment may allow, and every other code. */
export interface KnownCodes {
  readonly allowable: readonly string[];
  readonly others: readonly string[];
}

/** One code of one comment. */
export interface Allowance {
  readonly code: Identifier;
  readonly comment: AllowComment;
}

/** The codes that comments give, those that may be allowed. */
export function allowancesOf(comments: readonly AllowComment[], { allowable }: KnownCodes): readonly Allowance[] {
  return comments.flatMap((comment) =>
    comment.codes.flatMap((code) => (allowable.includes(code.text) ? [{ code, comment }] : [])),
  );
}

/** The allowances that a warning's place, or a call that led there, falls under. */
export function allowing(warning: Warning, allowances: readonly Allowance[]): readonly Allowance[] {
  const places = [warning.diagnostic.span, ...warning.calls];
  return allowances.filter(
    ({ code, comment: { line } }) =>
      code.text === warning.diagnostic.code && line !== undefined && places.some((span) => bordersOn(span, line)),
  );
}

/** Whether a span begins or ends on a line. */
export function bordersOn(span: Span, line: Span): boolean {
  if (span.file !== line.file) return false;
  const holds = (offset: number): boolean => offset >= line.start && offset <= line.end;
  return holds(span.start) || holds(span.end);
}

/** Comments that name no code, or one that cannot be allowed. */
export function unknownCodes(comments: readonly AllowComment[], known: KnownCodes): readonly Diagnostic[] {
  return comments.flatMap(({ span, codes }) => {
    if (codes.length === 0) {
      const help = "a warning's code stands in its first line: `cnnc-allow CNN6005`";
      return [unknownAllowedCode.at(span, { code: "", isError: false }, { help })];
    }
    return codes.flatMap((code) => {
      if (known.allowable.includes(code.text)) return [];
      const isError = known.others.includes(code.text);
      const help = isError ? undefined : didYouMean(code.text, known.allowable);
      return [unknownAllowedCode.at(code.span, { code: code.text, isError }, { help })];
    });
  });
}

/** An allowance without a warning. */
export function useless({ code }: Allowance): Diagnostic {
  return uselessAllow.at(code.span, { code: code.text }, { help: "leave the comment out" });
}
