import type { Diagnostic, DiagnosticNote, Severity } from "../ir/diagnostic.ts";
import type { Span } from "../ir/source.ts";

/** What the catalogue says of one code. `failing` and `mended` are whole files; the tests compile both. */
export interface DiagnosticEntry<Params> {
  readonly code: `CNN${number}`;
  readonly severity: Severity;
  /** The heading in docs/diagnostics.md: the rule that was broken, without the numbers. */
  readonly title: string;
  /** One sentence of what is wrong, with the user's own names and numbers in it; no full stop. */
  readonly message: (params: Params) => string;
  readonly explanation: string;
  readonly failing: string;
  readonly mended: string;
}

/** The other places involved and the likely mending; both only where they help. */
export interface DiagnosticDetails {
  readonly notes?: readonly DiagnosticNote[];
  readonly help?: string | undefined;
}

/** A catalogue entry that can be reported: `unknownName.at(span, { name: "kernal" }, { help: "…" })`. */
export interface DiagnosticDefinition<Params> extends DiagnosticEntry<Params> {
  readonly at: (span: Span, params: Params, details?: DiagnosticDetails) => Diagnostic;
}

/** The parameters of a message that has none: report it with `{}`. */
export type NoParams = Readonly<Record<never, never>>;

/** Makes a catalogue entry; the only way to build a `Diagnostic`. */
export function defineDiagnostic<Params>(entry: DiagnosticEntry<Params>): DiagnosticDefinition<Params> {
  return {
    ...entry,
    at: (span, params, details = {}) => ({
      code: entry.code,
      severity: entry.severity,
      message: entry.message(params),
      span,
      notes: details.notes ?? [],
      ...(details.help === undefined ? {} : { help: details.help }),
    }),
  };
}
