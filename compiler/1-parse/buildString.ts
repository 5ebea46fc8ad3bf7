import * as syntax from "../diagnostics/syntax.ts";
import type { Span } from "../ir/source.ts";
import type { BuildContext } from "./buildContext.ts";

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", '"': '"', "'": "'", "\\": "\\" };

/** The text that a string literal stands for; escapes it does not know are reported and kept as written. */
export function buildString(context: BuildContext, image: string, span: Span): string {
  const quote = image[0] ?? '"';
  const closed = image.length > 1 && image.endsWith(quote) && (quote === "'" || !endsInEscape(image));
  const written = image.slice(1, closed ? -1 : undefined);
  if (quote === "'") return written;
  return written.replace(/\\(?:u\{([0-9a-fA-F]{1,6})\}|(.?))/gsu, (whole, code: string | undefined, ...rest) => {
    const letter = rest[0] as string | undefined;
    const offset = rest[1] as number;
    const point = code === undefined ? -1 : parseInt(code, 16);
    // A lone surrogate is no character, and could not be written to a file.
    if (point >= 0 && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff)) return String.fromCodePoint(point);
    if (letter !== undefined && Object.hasOwn(escapes, letter)) return escapes[letter] ?? "";
    if (closed || letter !== "") {
      const start = span.start + 1 + offset;
      const at = { file: context.file, start, end: start + whole.length };
      context.mistakes.push(syntax.unknownEscape.at(at, { text: whole }));
    }
    return whole;
  });
}

function endsInEscape(image: string): boolean {
  const backslashes = /\\*(?="$)/.exec(image)?.[0].length ?? 0;
  return backslashes % 2 === 1;
}
