/** Where things stand in the text that users write. Imports nothing. */

/** One `.cnn` file as it was read: `path` is shown to people, `text` is what the spans index. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** A range of a source file: UTF-16 offsets, `end` exclusive. */
export interface Span {
  readonly file: SourceFile;
  readonly start: number;
  readonly end: number;
}

/** A place as people count: lines and columns from 1. */
export interface LineColumn {
  readonly line: number;
  readonly column: number;
}

/** The line and column of a UTF-16 offset; an offset past the end is the end. */
export function lineColumnAt(file: SourceFile, offset: number): LineColumn {
  const end = Math.max(0, Math.min(offset, file.text.length));
  let line = 1;
  let lineStart = 0;
  for (let found = file.text.indexOf("\n"); found >= 0 && found < end; found = file.text.indexOf("\n", lineStart)) {
    line++;
    lineStart = found + 1;
  }
  return { line, column: end - lineStart + 1 };
}

/** The smallest span that holds both; they must lie in one file. */
export function joinSpans(first: Span, second: Span): Span {
  return { file: first.file, start: Math.min(first.start, second.start), end: Math.max(first.end, second.end) };
}
