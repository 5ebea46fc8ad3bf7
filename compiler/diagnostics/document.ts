import type { AnyDiagnosticDefinition, DiagnosticFamily } from "./catalogue.ts";
import { diagnosticFamilies } from "./catalogue.ts";

const longestExample = 400;

/** The text of docs/diagnostics.md: every code with its rule and its two examples, made from the catalogue. */
export function renderDiagnosticsDoc(): string {
  const families = diagnosticFamilies.filter(({ entries }) => entries.length > 0);
  return [
    "<!-- Generated from compiler/diagnostics by `npm run generate`: do not edit. -->",
    "# Diagnostics",
    "Every message of the compiler has a code, and a code is never reused. Here stands the rule behind each, with an " +
      "example that breaks it and the same example mended; the tests compile both.",
    ...families.flatMap(renderFamily),
    "",
  ].join("\n\n");
}

function renderFamily({ title, prefix, entries }: DiagnosticFamily): readonly string[] {
  return [`## ${title} (${prefix}xxx)`, ...entries.flatMap(renderEntry)];
}

function renderEntry(entry: AnyDiagnosticDefinition): readonly string[] {
  const severity = entry.severity === "warning" ? ["This is a warning: the file compiles all the same."] : [];
  return [
    `### ${entry.code}: ${entry.title}`,
    entry.explanation,
    ...severity,
    renderExample(entry.failing),
    "Mended:",
    renderExample(entry.mended),
  ];
}

function renderExample(text: string): string {
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => (line.length <= longestExample ? line : `${line.slice(0, 60)} … ${line.slice(-20)}`));
  return ["```cnn", ...lines, "```"].join("\n");
}
