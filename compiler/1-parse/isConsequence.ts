import * as syntax from "../diagnostics/syntax.ts";
import type { Diagnostic } from "../ir/diagnostic.ts";
import { lineColumnAt } from "../ir/source.ts";

/** After these, the structure of the rest of the file is a guess. */
const structural: ReadonlySet<string> = new Set([
  syntax.unclosedBracket.code,
  syntax.unopenedBracket.code,
  syntax.nestedTooDeeply.code,
  syntax.unclosedComment.code,
]);

/**
 * Whether what the checker found only follows from a syntax error, so that one mistake stays one diagnostic: it stands on
 * the same line or around it, or in a file whose brackets had to be guessed.
 */
export function isConsequence(found: Diagnostic, syntaxErrors: readonly Diagnostic[]): boolean {
  const { file, start, end } = found.span;
  const { line } = lineColumnAt(file, start);
  return syntaxErrors.some(({ code, span }) => {
    if (span.file !== file) return false;
    const overlaps = span.start <= end && start <= span.end;
    return structural.has(code) || overlaps || lineColumnAt(file, span.start).line === line;
  });
}
