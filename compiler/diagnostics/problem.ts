import type { Diagnostic, DiagnosticNote, Problem } from "../ir/diagnostic.ts";
import type { Span } from "../ir/source.ts";
import type { DiagnosticEntry } from "./defineDiagnostic.ts";

/** A catalogue entry reported where no source is known: by an op's own check. `argument` is the one that is at fault. */
export function problem<Params>(
  entry: DiagnosticEntry<Params>,
  params: Params,
  details: { readonly help?: string | undefined; readonly argument?: string } = {},
): Problem {
  return {
    kind: "problem",
    code: entry.code,
    severity: entry.severity,
    message: entry.message(params),
    ...(details.help !== undefined && { help: details.help }),
    ...(details.argument !== undefined && { argument: details.argument }),
  };
}

/** Gives a problem its place. */
export function placeProblem(found: Problem, span: Span, notes: readonly DiagnosticNote[]): Diagnostic {
  return {
    code: found.code,
    severity: found.severity,
    message: found.message,
    span,
    notes,
    ...(found.help !== undefined && { help: found.help }),
  };
}
