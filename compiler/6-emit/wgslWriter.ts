/** Lines of WGSL in nested scopes: a definition goes to the outermost scope that knows what it depends on. */
import type { Range } from "../ir/affine.ts";

/** WGSL text and the loop level that it depends on; `constant` when it is known at compile time. */
export interface Value {
  readonly text: string;
  readonly level: number;
  readonly constant?: number;
}

export interface Scopes {
  /** A variable of the given level (0: the whole function), with the values that it takes. */
  declare(name: string, range: Range, level: number): string;
  readonly ranges: ReadonlyMap<string, Range>;
  levelOf(variable: string): number;
  /** The level of the innermost open loop. */
  level(): number;
  open(): void;
  /** Ends the innermost scope: `header` and `footer` go around its lines. */
  close(header: string, footer: string): void;
  line(text: string, level?: number): void;
  /** A `let` for the text, made once for equal keys. */
  define(key: string, prefix: string, level: number, text: () => string): string;
  fresh(prefix: string): string;
  text(): string;
}

/** The lines of a scope; a scope inside it is indented only when all is written, once and not level by level. */
type Lines = (string | { readonly header: string; readonly lines: Lines; readonly footer: string })[];

function indented(lines: Lines, indent: string, into: string[]): string[] {
  for (const line of lines) {
    if (typeof line === "string") into.push(indent + line);
    else {
      into.push(indent + line.header);
      indented(line.lines, `${indent}  `, into);
      into.push(indent + line.footer);
    }
  }
  return into;
}

export function createScopes(): Scopes {
  const ranges = new Map<string, Range>();
  const levels = new Map<string, number>();
  const counts = new Map<string, number>();
  const stack: { lines: Lines; memo: Map<string, string> }[] = [{ lines: [], memo: new Map() }];
  const at = (level: number): { lines: Lines; memo: Map<string, string> } => {
    const scope = stack[Math.min(level, stack.length - 1)];
    if (scope === undefined) throw new RangeError(`no scope of level ${level}`);
    return scope;
  };
  const fresh = (prefix: string): string => {
    const count = counts.get(prefix) ?? 0;
    counts.set(prefix, count + 1);
    return `${prefix}${count}`;
  };
  return {
    ranges,
    declare(name, range, level) {
      let unique = name;
      for (let suffix = 2; ranges.has(unique); suffix++) unique = `${name}${suffix}`;
      ranges.set(unique, range);
      levels.set(unique, level);
      return unique;
    },
    levelOf: (variable) => levels.get(variable) ?? 0,
    level: () => stack.length - 1,
    open: () => void stack.push({ lines: [], memo: new Map() }),
    close(header, footer) {
      const scope = stack.pop();
      const outer = stack.at(-1);
      if (scope === undefined || outer === undefined) throw new RangeError("no scope to close");
      outer.lines.push({ header, lines: scope.lines, footer });
    },
    line: (text, level) => void at(level ?? stack.length - 1).lines.push(text),
    define(key, prefix, level, text) {
      for (let depth = Math.min(level, stack.length - 1); depth >= 0; depth--) {
        const known = stack[depth]?.memo.get(key);
        if (known !== undefined) return known;
      }
      const body = text();
      const scope = at(level);
      const name = fresh(prefix);
      scope.lines.push(`let ${name} = ${body};`);
      scope.memo.set(key, name);
      return name;
    },
    fresh,
    text: () => indented(stack[0]?.lines ?? [], "  ", []).join("\n"),
  };
}

/** A real number as a WGSL literal of exactly that f32 value. */
export function floatLiteral(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`${value} has no WGSL literal`);
  const rounded = Math.fround(value);
  const text = String(Object.is(rounded, -0) ? 0 : rounded);
  return /[.e]/.test(text) ? `${text}f` : `${text}.0`;
}

/** maxComputeWorkgroupsPerDimension of every adapter. */
export const workgroupsPerDimension = 65535;

/** The number of a workgroup among `groups`, in a kernel that takes its id as `group`. */
export function groupIndex(groups: number): string {
  return groups > workgroupsPerDimension ? `(group.x + group.y * ${workgroupsPerDimension}u)` : "group.x";
}
