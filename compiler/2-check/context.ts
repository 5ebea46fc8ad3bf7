/** What the parts of the checker share during one run: where diagnostics go, the tables, and the limits. */
import { tooLarge } from "../diagnostics/names.ts";
import type { Diagnostic, DiagnosticNote } from "../ir/diagnostic.ts";
import type { LetStatement } from "../ir/ast.ts";
import type { Span } from "../ir/source.ts";
import type { LayerDefinition, OpDefinition } from "../ops/defineOp.ts";
import type { Value } from "./values.ts";

/** The layers of the language and the ops that their graphs are made of. */
export interface LayerTable {
  readonly layers: ReadonlyMap<string, LayerDefinition>;
  readonly ops: ReadonlyMap<string, OpDefinition>;
}

/** Limits of unfolding, so that no file can keep the compiler busy without end. */
export const unfoldingLimits = { work: 1_000_000, nodes: 100_000, callDepth: 100, diagnostics: 100 } as const;

/** Ends a run that has gone beyond a limit; the diagnostic has been reported. Caught by `checkProgram` alone. */
export class CheckingStopped extends Error {}

/** Ends the walk of a model at an `error` that was reached; the sentence has been reported. Caught by `elaborateModel` alone. */
export class ModelAbandoned extends Error {}

export interface CheckContext {
  readonly tables: LayerTable;
  /** Every bare word that some layer's argument knows. */
  readonly words: ReadonlySet<string>;
  /** Values of the files' `let`s as they are worked out. */
  readonly fileLets: Map<LetStatement, ReadonlyMap<string, Value> | "running">;
  readonly diagnostics: readonly Diagnostic[];
  /** Adds a diagnostic; the same message at the same place is reported once, however often a loop meets it. */
  report(diagnostic: Diagnostic): void;
  /** Where diagnostics go that no call led to: those of a file's own `let`s. */
  readonly root?: CheckContext;
  /** Counts one round, call or operation against the limit. */
  spend(span: Span): void;
}

export function createContext(tables: LayerTable): CheckContext {
  const diagnostics: Diagnostic[] = [];
  const seen = new Map<string, Set<string>>();
  let work = 0;
  const report = (diagnostic: Diagnostic): void => {
    const { span, code, message } = diagnostic;
    const place = `${span.file.path}:${span.start}:${span.end}`;
    const messages = seen.get(place) ?? new Set<string>();
    if (messages.has(code + message)) return;
    seen.set(place, messages.add(code + message));
    diagnostics.push(diagnostic);
    if (diagnostics.length >= unfoldingLimits.diagnostics) throw new CheckingStopped();
  };
  return {
    tables,
    words: new Set([...tables.layers.values()].flatMap((layer) => layer.arguments.flatMap(({ words }) => words ?? []))),
    fileLets: new Map(),
    diagnostics,
    report,
    spend(span) {
      work += 1;
      if (work <= unfoldingLimits.work) return;
      report(tooLarge.at(span, { what: "unfolding this program", limit: unfoldingLimits.work }));
      throw new CheckingStopped();
    },
  };
}

/** The context inside a block: what is reported there says which call led to it, the innermost call first. */
export function withinCall(context: CheckContext, note: DiagnosticNote): CheckContext {
  return {
    ...context,
    root: context.root ?? context,
    report: (diagnostic) => {
      context.report({ ...diagnostic, notes: [...diagnostic.notes, note] });
    },
  };
}
