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
  const flat = scalarText(value) ?? flatText(value, width - 1 - column);
  if (flat !== undefined) return flat;
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
  let lines = "";
  const properties = value as Readonly<Record<string, unknown>>;
  for (const key in properties) {
    const entry = properties[key];
    if (entry !== undefined) lines += `\n${inner}${propertyText(key, entry, indent + 2)},`;
  }
  return `{${lines}${close}}`;
}

/** `key: value`; a long string goes to a line of its own. */
function propertyText(key: string, value: unknown, indent: number): string {
  const before = `${keyText(key)}: `;
  if (value instanceof ConstantName && value.name === key) return key;
  const text = literalText(value, indent, indent + before.length);
  const isLong = typeof value === "string" && indent + before.length + text.length >= width;
  return isLong ? `${before.trimEnd()}\n${" ".repeat(indent + 2)}${text}` : `${before}${text}`;
}

/** What is never cut in lines; undefined for lists and records. */
function scalarText(value: unknown): string | undefined {
  if (typeof value === "number") return numberText(value);
  if (typeof value === "string") return quotedText(value);
  if (typeof value !== "object" || value === null) return valueText(value);
  return value instanceof ConstantName ? value.name : undefined;
}

/** The value on one line of at most `room` characters; undefined where it wants several: lists of records, and whatever has a comment. */
function flatText(value: unknown, room: number): string | undefined {
  const scalar = scalarText(value);
  if (scalar !== undefined) return scalar.length <= room ? scalar : undefined;
  if (value instanceof CommentedList) return value.entries.length === 0 ? "[]" : undefined;
  let text = "";
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    if (items.length > 1 && (items.every(isRecord) || items.every(isLongList))) return undefined;
    for (const item of items) {
      // A bracket stands before and after, and ", " between any two.
      const next = flatText(item, room - text.length - 2);
      if (next === undefined) return undefined;
      text += text === "" ? next : `, ${next}`;
    }
    return text.length + 2 <= room ? `[${text}]` : undefined;
  }
  const properties = value as Readonly<Record<string, unknown>>;
  for (const key in properties) {
    const entry = properties[key];
    if (entry === undefined) continue;
    const next = flatText(entry, room - text.length - 4);
    if (next === undefined) return undefined;
    const property = entry instanceof ConstantName && entry.name === key ? key : `${keyText(key)}: ${next}`;
    text += text === "" ? property : `, ${property}`;
  }
  if (text === "") return "{}";
  return text.length + 4 <= room ? `{ ${text} }` : undefined;
}

/** Numbers fill their lines. */
function filledText(items: readonly unknown[], inner: string, close: string): string {
  const lines: string[] = [];
  let line = inner;
  for (const item of items) {
    const text = `${scalarText(item) ?? ""},`;
    const longer = line === inner ? `${line}${text}` : `${line} ${text}`;
    if (longer.length <= width || line === inner) line = longer;
    else {
      lines.push(line);
      line = `${inner}${text}`;
    }
  }
  return `[\n${[...lines, line].join("\n")}${close}]`;
}

function isRecord(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof ConstantName)
    return false;
  let entries = 0;
  for (const key in value) if ((value as Readonly<Record<string, unknown>>)[key] !== undefined) entries++;
  return entries > 1;
}

function isLongList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 1;
}

/** A table's keys are few. */
const knownKeys = new Map<string, string>();

function keyText(key: string): string {
  const known = knownKeys.get(key);
  if (known !== undefined) return known;
  const text = /^[A-Za-z_$][\w$]*$/.test(key) ? key : stringText(key);
  knownKeys.set(key, text);
  return text;
}

function numberText(value: number): string {
  const text = valueText(value);
  return Number.isInteger(value) && text.length < 16 ? text : text.replace("e+", "e");
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
