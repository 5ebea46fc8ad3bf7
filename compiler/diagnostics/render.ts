/** Diagnostics for a terminal (a code frame with a gutter) and for scripts (`--json`). */
import type { Diagnostic, DiagnosticNote } from "../ir/diagnostic.ts";
import { lineColumnAt, type Span } from "../ir/source.ts";
import { frameLines, printable } from "./codeFrame.ts";

/** How each part is coloured; every function returns its text with the colour around it. */
export interface Palette {
  readonly error: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly strong: (text: string) => string;
  readonly gutter: (text: string) => string;
}

const plain = (text: string): string => text;
/** No colours: for files, pipes and golden texts. */
export const plainPalette: Palette = { error: plain, warning: plain, strong: plain, gutter: plain };

/** All diagnostics, a blank line between two, a line end after the last; "" if there are none. */
export function renderDiagnostics(diagnostics: readonly Diagnostic[], palette: Palette = plainPalette): string {
  return diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, palette)).join("\n");
}

/** One diagnostic with its code frame, notes and help, ending in a line end. */
export function renderDiagnostic(diagnostic: Diagnostic, palette: Palette = plainPalette): string {
  const frame = frameLines(diagnostic.span);
  const width = Math.max(...frame.map(({ lineNumber }) => String(lineNumber ?? "").length));
  const blank = " ".repeat(width);
  const colour = diagnostic.severity === "error" ? palette.error : palette.warning;
  const lines = [
    `${colour(`${diagnostic.severity}[${diagnostic.code}]`)}${palette.strong(`: ${printable(diagnostic.message)}`)}`,
    `${blank}${palette.gutter("-->")} ${place(diagnostic.span)}`,
    palette.gutter(`${blank} |`),
  ];
  for (const { lineNumber, text, underline } of frame) {
    const gutter = palette.gutter(`${String(lineNumber ?? "").padStart(width)} |`);
    lines.push(`${gutter} ${text}`.trimEnd());
    if (underline !== "") {
      const indent = underline.length - underline.trimStart().length;
      lines.push(`${palette.gutter(`${blank} |`)} ${underline.slice(0, indent)}${colour(underline.slice(indent))}`);
    }
  }
  for (const note of diagnostic.notes) lines.push(`${palette.gutter(`${blank} =`)} note: ${noteText(note)}`);
  if (diagnostic.help !== undefined) {
    lines.push(`${palette.gutter(`${blank} =`)} help: ${printable(diagnostic.help)}`);
  }
  return lines.join("\n") + "\n";
}

function noteText(note: DiagnosticNote): string {
  const where = note.span === undefined ? "" : `: ${place(note.span)}`;
  const within = note.within === undefined ? "" : `, in ${printable(note.within)}`;
  return `${printable(note.message)}${where}${within}`;
}

function place(span: Span): string {
  const { line, column } = lineColumnAt(span.file, span.start);
  return `${printable(span.file.path)}:${line}:${column}`;
}

/** A place for scripts: lines and columns from 1, offsets in UTF-16 units from 0, the end exclusive. */
export interface JsonPlace {
  readonly path: string;
  readonly start: { readonly offset: number; readonly line: number; readonly column: number };
  readonly end: { readonly offset: number; readonly line: number; readonly column: number };
}

/** What `--json` prints for one diagnostic. */
export interface JsonDiagnostic extends JsonPlace {
  readonly code: string;
  readonly severity: Diagnostic["severity"];
  readonly message: string;
  readonly notes: readonly (Partial<JsonPlace> & { readonly message: string; readonly within?: string })[];
  readonly help?: string;
}

/** The diagnostics as plain objects, ready for JSON.stringify. */
export function diagnosticsToJson(diagnostics: readonly Diagnostic[]): readonly JsonDiagnostic[] {
  return diagnostics.map((diagnostic) => ({
    code: diagnostic.code,
    severity: diagnostic.severity,
    message: diagnostic.message,
    ...jsonPlace(diagnostic.span),
    notes: diagnostic.notes.map(({ message, span, within }) => ({
      message,
      ...(within === undefined ? {} : { within }),
      ...(span === undefined ? {} : jsonPlace(span)),
    })),
    ...(diagnostic.help === undefined ? {} : { help: diagnostic.help }),
  }));
}

function jsonPlace(span: Span): JsonPlace {
  return {
    path: span.file.path,
    start: { offset: span.start, ...lineColumnAt(span.file, span.start) },
    end: { offset: span.end, ...lineColumnAt(span.file, span.end) },
  };
}
