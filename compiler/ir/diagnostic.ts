import type { Span } from "./source.ts";

export type Severity = "error" | "warning";

/** A second place, or a fact without a place, that explains a diagnostic. */
export interface DiagnosticNote {
  readonly message: string;
  readonly span?: Span;
  /** What the place belongs to: "model LeNet". Rendered after the place: `specs/lenet.cnn:6:39, in model LeNet`. */
  readonly within?: string;
}

/**
 * One thing that is wrong with the user's text. Built only through `diagnostics/catalogue.ts`, so that every code has
 * one message. `span` is the smallest step or argument that holds the mistake.
 */
export interface Diagnostic {
  readonly code: string; // "CNN3004"
  readonly severity: Severity;
  readonly message: string;
  readonly span: Span;
  readonly notes: readonly DiagnosticNote[];
  readonly help?: string;
}

/**
 * What is wrong, before it has a place: what a catalogue entry returns, and what an op's shape rule reports. `argument`
 * names the argument that holds the mistake, so that the checker can point at it instead of the whole step.
 */
export interface Problem {
  readonly kind: "problem";
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly help?: string;
  readonly argument?: string;
}

/** A broken invariant of the compiler itself, never a user's mistake. */
export class InternalCompilerError extends Error {
  constructor(
    readonly pass: string,
    message: string,
  ) {
    super(`internal compiler error in ${pass}: ${message}`);
    this.name = "InternalCompilerError";
  }
}
