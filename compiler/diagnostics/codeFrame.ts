/** The lines of a code frame: what of the source is shown, and the carets under it. */
import { lineColumnAt, type Span } from "../ir/source.ts";

export interface FrameLine {
  /** Absent where lines are left out. */
  readonly lineNumber?: number;
  readonly text: string;
  /** Spaces and carets, as wide as the text above them; "" for none. */
  readonly underline: string;
}

const tabWidth = 4;
const widestLine = 160;

/** The first and last line of a span with carets under it; an empty span gets one caret. */
export function frameLines(span: Span): readonly FrameLine[] {
  const first = lineColumnAt(span.file, span.start);
  const last = lineColumnAt(span.file, Math.max(span.start, span.end));
  const firstText = lineAround(span.file.text, span.start);
  if (first.line === last.line) {
    return [frameLine(first.line, firstText, first.column - 1, last.column - 1)];
  }
  const lastText = lineAround(span.file.text, span.end);
  const indent = lastText.length - lastText.trimStart().length;
  const shown = [frameLine(first.line, firstText, first.column - 1, Math.max(firstText.length, first.column))];
  if (last.line - first.line > 1) shown.push({ text: "...", underline: "" });
  // A span that ends at a line's very start covers nothing of that line.
  if (last.column - 1 > indent) shown.push(frameLine(last.line, lastText, indent, last.column - 1));
  return shown;
}

/** The line that an offset stands in, without its end. */
function lineAround(text: string, offset: number): string {
  const at = Math.min(offset, text.length);
  const start = at === 0 ? 0 : text.lastIndexOf("\n", at - 1) + 1;
  const end = text.indexOf("\n", at);
  return text.slice(start, end < 0 ? text.length : end).replace(/\r$/, "");
}

function frameLine(lineNumber: number, text: string, start: number, end: number): FrameLine {
  const [before, marked, after] = [text.slice(0, start), text.slice(start, end), text.slice(end)];
  const column = displayWidth(expand(before, 0));
  const markedText = expand(marked, column);
  const full = expand(before, 0) + markedText + expand(after, column + displayWidth(markedText));
  const carets = Math.max(1, displayWidth(markedText));
  if (displayWidth(full) <= widestLine) {
    return { lineNumber, text: full, underline: " ".repeat(column) + "^".repeat(carets) };
  }
  return croppedLine(lineNumber, full, column, carets);
}

/** A window of a very long line around what is marked. */
function croppedLine(lineNumber: number, full: string, column: number, carets: number): FrameLine {
  const from = Math.max(0, Math.min(column - 40, displayWidth(full) - widestLine));
  let position = 0;
  let shown = "";
  let skipped = 0;
  for (const character of full) {
    const width = displayWidth(character);
    if (position < from) skipped += width;
    else if (position + width <= from + widestLine) shown += character;
    position += width;
  }
  const lead = skipped > 0 ? "…" : "";
  const tail = position > from + widestLine ? "…" : "";
  const indent = column - skipped + lead.length;
  const room = Math.max(1, displayWidth(lead + shown) - indent);
  return {
    lineNumber,
    text: lead + shown + tail,
    underline: " ".repeat(indent) + "^".repeat(Math.min(carets, room)),
  };
}

/** Tabs to spaces, and control characters to something harmless, for text that starts at `column`. */
function expand(text: string, column: number): string {
  let shown = "";
  let at = column;
  for (const character of text) {
    const next = character === "\t" ? " ".repeat(tabWidth - (at % tabWidth)) : printable(character);
    shown += next;
    at += displayWidth(next);
  }
  return shown;
}

// Control and format characters could move the cursor, recolour the terminal or turn the reading direction.
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|[\ud800-\udfff]/gu;

/** The text with control characters spelt out, so that nothing in a source file can act on the terminal. */
export function printable(text: string): string {
  return text.replace(unprintable, (character) =>
    character === "\u200d" ? character : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

const zeroWidth = /\p{Mn}|\p{Me}|\u200d|\ufe0f/u;
const doubleWidth =
  /\p{Emoji_Presentation}|\p{Script=Hangul}|\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|[\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;

/** How many terminal cells a text takes: East Asian wide characters and emoji take two, combining marks none. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (!zeroWidth.test(character)) width += doubleWidth.test(character) ? 2 : 1;
  }
  return width;
}
