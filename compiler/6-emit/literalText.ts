/**
 * literalText.ts: plain values as formatted TypeScript. A plan's tables are long, and a general formatter takes seconds for
 * them; their form is simple enough to be written as Prettier would leave it (120 columns, two spaces), which a test holds.
 */
import { commentText, stringText, valueText } from "./moduleText.ts";

/** A list with a line comment above each entry. */
export class CommentedList {
  readonly entries: readonly { readonly comment: string; readonly value: unknown }[];
  constructor(entries: readonly { readonly comment: string; readonly value: unknown }[]) {
    this.entries = entries;
  }
}

/** A constant's name where a value may stand. */
export class ConstantName {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

const width = 120;

/**
 * The value as an expression that starts at `column` of a line indented by `indent` spaces, with one more character after
 * it (a comma or a semicolon). Throws `InternalCompilerError` for a number without a literal.
 */
export function literalText(value: unknown, indent: number, column: number): string {
  const flat = flatText(value);
  if (flat !== undefined && column + flat.length < width) return flat;
  const inner = " ".repeat(indent + 2);
  const close = `\n${" ".repeat(indent)}`;
  if (value instanceof CommentedList) {
    const lines = value.entries.map(({ comment, value: entry }) => {
      const above = comment === "" ? "" : `${inner}// ${commentText(comment)}\n`;
      return `${above}${inner}${literalText(entry, indent + 2, indent + 2)},`;
    });
    return `[\n${lines.join("\n")}${close}]`;
  }
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    if (items.length > 1 && items.every((item) => typeof item === "number")) return filledText(items, inner, close);
    const lines = items.map((item) => `${inner}${literalText(item, indent + 2, indent + 2)},`);
    return `[\n${lines.join("\n")}${close}]`;
  }
  if (typeof value === "object" && value !== null) {
    const lines = entriesOf(value).map(([key, entry]) => `${inner}${propertyText(key, entry, indent + 2)},`);
    return `{\n${lines.join("\n")}${close}}`;
  }
  return flat ?? "";
}

/** `key: value`; a long string goes to a line of its own. */
function propertyText(key: string, value: unknown, indent: number): string {
  const before = `${keyText(key)}: `;
  if (value instanceof ConstantName && value.name === key) return key;
  const text = literalText(value, indent, indent + before.length);
  const isLong = typeof value === "string" && indent + before.length + text.length >= width;
  return isLong ? `${before.trimEnd()}\n${" ".repeat(indent + 2)}${text}` : `${before}${text}`;
}

/** The value on one line; undefined where the form wants several: lists of records, and whatever has a comment. */
function flatText(value: unknown): string | undefined {
  if (typeof value === "number") return numberText(value);
  if (typeof value === "string") return quotedText(value);
  if (typeof value !== "object" || value === null) return valueText(value);
  if (value instanceof ConstantName) return value.name;
  if (value instanceof CommentedList) return value.entries.length === 0 ? "[]" : undefined;
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    if (items.length > 1 && (items.every(isRecord) || items.every(isLongList))) return undefined;
    const texts = items.map(flatText);
    return texts.includes(undefined) ? undefined : `[${texts.join(", ")}]`;
  }
  const texts: string[] = [];
  for (const [key, entry] of entriesOf(value)) {
    const text = flatText(entry);
    if (text === undefined) return undefined;
    texts.push(entry instanceof ConstantName && entry.name === key ? key : `${keyText(key)}: ${text}`);
  }
  return texts.length === 0 ? "{}" : `{ ${texts.join(", ")} }`;
}

/** Numbers fill their lines. */
function filledText(items: readonly unknown[], inner: string, close: string): string {
  const lines: string[] = [];
  let line = inner;
  for (const item of items) {
    const text = `${flatText(item) ?? ""},`;
    const longer = line === inner ? `${line}${text}` : `${line} ${text}`;
    if (longer.length <= width || line === inner) line = longer;
    else {
      lines.push(line);
      line = `${inner}${text}`;
    }
  }
  return `[\n${[...lines, line].join("\n")}${close}]`;
}

function entriesOf(value: object): readonly (readonly [string, unknown])[] {
  return Object.entries(value).filter(([, entry]) => entry !== undefined);
}

function isRecord(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof ConstantName)
    return false;
  return entriesOf(value).length > 1;
}

function isLongList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 1;
}

function keyText(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : stringText(key);
}

function numberText(value: number): string {
  return valueText(value).replace("e+", "e");
}

/** A string literal in the quotes that need fewer escapes. */
function quotedText(text: string): string {
  const double = stringText(text);
  if (!text.includes('"')) return double;
  const count = (quote: string): number => text.split(quote).length;
  if (count('"') <= count("'")) return double;
  const body = double.slice(1, -1).replace(/\\[^]|'/g, (part) => (part === '\\"' ? '"' : part === "'" ? "\\'" : part));
  return `'${body}'`;
}
