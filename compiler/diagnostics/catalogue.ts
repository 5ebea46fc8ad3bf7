/** Every code there is, in order. A code is never reused; one family to a file. */
import type { DiagnosticDefinition } from "./defineDiagnostic.ts";
import * as limits from "./limits.ts";
import * as names from "./names.ts";
import * as recipes from "./recipes.ts";
import * as shapes from "./shapes.ts";
import * as syntax from "./syntax.ts";
import * as warnings from "./warnings.ts";

/** A catalogue entry whose parameters do not matter to the reader, as in a listing of all codes. */
export type AnyDiagnosticDefinition = Omit<DiagnosticDefinition<never>, "message" | "at">;

export interface DiagnosticFamily {
  readonly title: string;
  readonly prefix: string;
  readonly entries: readonly AnyDiagnosticDefinition[];
}

/** The families in the order of their codes. */
export const diagnosticFamilies: readonly DiagnosticFamily[] = [
  family("Syntax", "CNN1", syntax),
  family("Names and arguments", "CNN2", names),
  family("Shapes", "CNN3", shapes),
  family("Device limits", "CNN4", limits),
  family("Recipes and data", "CNN5", recipes),
  family("Warnings", "CNN6", warnings),
];

/** All entries of all families. */
export const catalogue: readonly AnyDiagnosticDefinition[] = diagnosticFamilies.flatMap(({ entries }) => entries);

function family(
  title: string,
  prefix: string,
  module: Readonly<Record<string, AnyDiagnosticDefinition>>,
): DiagnosticFamily {
  const entries = Object.values(module).sort((a, b) => a.code.localeCompare(b.code));
  return { title, prefix, entries };
}
