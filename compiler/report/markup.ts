/** HTML and SVG as text that cannot hold what it should not: whatever is put into a template is escaped, unless it is Html itself. */

/** Text that is markup already. */
export interface Html {
  readonly html: string;
}

type HtmlValue = Html | string | number | readonly Html[];

/** Markup with values in it; strings are escaped for text and for quoted attributes. */
export function markup(texts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return { html: texts.map((text, index) => (index === 0 ? "" : markupOf(values[index - 1] ?? "")) + text).join("") };
}

/** Nothing, where a template has a part that may be absent. */
export const nothing: Html = { html: "" };

/** A coordinate of a drawing, in tenths. */
export function at(value: number): number {
  return Math.round(value * 10) / 10;
}

function markupOf(value: HtmlValue): string {
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return escapeHtml(value);
  if ("html" in value) return value.html;
  return value.map((part) => part.html).join("");
}

function escapeHtml(text: string): string {
  // Characters that no XML or HTML may hold would make the page invalid, escaped or not.
  // eslint-disable-next-line no-control-regex
  const clean = text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd");
  // A figure and its sign stay on one line.
  return clean.replace(/(\d) %/g, "$1\u00a0%").replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
