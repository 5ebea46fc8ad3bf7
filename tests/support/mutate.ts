import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");

/** A reproducible source of whole numbers below a bound. */
export function seededNumbers(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    // xorshift32: every state but zero is followed by all others.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

/**
 * The texts that mutations start from: the named specs; or every shipped spec, the standard library, and the examples of the
 * reference.
 */
export function mutationSources(names?: readonly string[]): readonly string[] {
  if (names !== undefined) return names.map((name) => readFileSync(join(root, "specs", name), "utf8"));
  const specs = readdirSync(join(root, "specs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".cnn"))
    .sort()
    .map((name) => readFileSync(join(root, "specs", name), "utf8"));
  const reference = readFileSync(join(root, "docs/language.md"), "utf8");
  const examples = [...reference.matchAll(/```cnn\n([^]*?)```/g)].map((match) => match[1] ?? "");
  return [...specs, ...examples];
}

const words =
  "and or not true false if else for in repeat let from as model block train import input branch concat add multiply head error weight conv relu x data augment ( ) { } [ ] -> , : = == . .. + - * / % < > 0 1 2.5 1e400 12ab \" ' /* */ // # ; @ \\ \u{1f600} é \r\n \t in.channels c.0.1 1x28x28".split(
    " ",
  );

/** The text with a few characters or words deleted, doubled, exchanged or replaced. */
export function mutate(text: string, next: (bound: number) => number): string {
  let parts = next(2) === 0 ? [...text] : (text.match(/\w+|\s+|->|[^\w\s]/g) ?? []);
  for (let count = 1 + next(4); count > 0; count--) {
    const at = next(parts.length + 1);
    const other = next(parts.length + 1);
    const word = words[next(words.length)] ?? "";
    switch (next(6)) {
      case 0:
        parts = parts.toSpliced(at, 1 + next(3));
        break;
      case 1:
        parts = parts.toSpliced(at, 0, parts[at] ?? "");
        break;
      case 2: {
        const [one = "", two = ""] = [parts[at], parts[other]];
        parts = parts.with(Math.min(at, parts.length - 1), two).with(Math.min(other, parts.length - 1), one);
        break;
      }
      case 3:
        parts = parts.toSpliced(at, 1, word);
        break;
      case 4:
        parts = parts.toSpliced(at, 0, ` ${word} `);
        break;
      default:
        // The end of a file that was cut off.
        if (next(4) === 0) parts = parts.slice(0, at);
        break;
    }
    if (parts.length === 0) parts = [" "];
  }
  return parts.join("");
}
