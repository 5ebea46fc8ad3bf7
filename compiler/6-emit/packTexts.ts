/**
 * packTexts: kernels' texts as a module carries them. Unrolled code is line after line of one form with other numbers, so a text becomes
 * forms and differences of numbers, which compress to a third of what the text does. `runtime/unpackTexts.ts` reads it.
 *
 *   sum4 += v1.x * s8;        templates   sum# += v#.x * s#;      one line each, in the order of the alphabet
 *   sum5 += v1.x * s9;        lines       0,4,1,8 0,1,,1 *        which template, and how its numbers differ from its last ones
 *   sum6 += v1.x * s10;
 *
 * Each text has one row. Rows broken for an editor's sake would compress worse: by 2 % of a module with its runtime.
 */
import { InternalCompilerError } from "../ir/diagnostic.ts";

export interface PackedTexts {
  readonly templates: string;
  readonly lines: string;
}

/** Packs texts one after another. */
export interface TextPacker {
  readonly add: (text: string) => void;
  /** Forgets all but the first so many. */
  readonly keep: (count: number) => void;
  readonly packed: () => PackedTexts;
}

/** Who packs all of a plan's kernels: this thread, or a worker that has seen them before. */
export type PackKernels = (texts: readonly string[]) => PackedTexts | Promise<PackedTexts>;

/** Packs a plan's kernels. */
export const packKernels = (texts: readonly string[]): PackedTexts => packTexts(texts, createPacker());

/** Packs texts without the marks `#` and `~`, which no WGSL has; each line as it is, unless another packer is given. */
export function packTexts(texts: readonly string[], packer = createPacker((text) => text.split("\n"))): PackedTexts {
  texts.forEach(packer.add);
  return packer.packed();
}

/** A packer of texts that `linesOf` cuts in lines; of kernels, without what only readers need. */
export function createPacker(linesOf = minifier()): TextPacker {
  const formOf = rememberForms();
  const texts: (readonly Word[])[] = [];
  return {
    add: (text) => void texts.push(packLines(linesOf(text).map(formOf))),
    keep: (count) => void (texts.length = Math.min(texts.length, count)),
    packed: () => packedWords(texts),
  };
}

/** Kernels share many of their lines, each looked at once. */
function rememberForms(): (line: string) => Form {
  const forms = new Map<string, Form>();
  return (line) => {
    const known = forms.get(line);
    if (known !== undefined) return known;
    const form = readForm(line);
    forms.set(line, form);
    return form;
  };
}

function packedWords(texts: readonly (readonly Word[])[]): PackedTexts {
  const used = new Set<string>();
  for (const words of texts) for (const { template } of words) if (template !== undefined) used.add(template);
  // Alike templates beside each other compress better.
  const templates = [...used].sort();
  const numberOf = new Map(templates.map((template, index) => [template, index.toString(36)]));
  const lines = texts.map((words) =>
    words.map(({ template, rest }) => `${template === undefined ? "" : numberOf.get(template)}${rest}`).join(" "),
  );
  return { templates: templates.join("\n"), lines: lines.join("|\n") };
}

/** A line: its template and the differences of its numbers; or, without a template, how often the line before it comes again. */
interface Word {
  readonly template?: string;
  readonly rest: string;
}

/** A line by itself: its template and numbers, and for a definition what they are where it is the next of its name. */
interface Form {
  readonly template: string;
  readonly numbers: readonly number[];
  readonly next?: {
    readonly name: string;
    readonly number: string;
    readonly template: string;
    readonly numbers: readonly number[];
  };
}

function readForm(line: string): Form {
  if (/[#~]/.test(line)) throw new InternalCompilerError("packTexts", `a kernel's line holds a mark: ${line}`);
  const whole = numbersIn(line);
  const [definition, keyword = "", name = "", number = ""] = /^(let|var) ([A-Za-z_]+)(\d+)(?=\s*=)/.exec(line) ?? [];
  const numbered = `${keyword} ${name}#`;
  // A number with zeros before it is none that counts.
  if (definition === undefined || !whole.template.startsWith(numbered)) return whole;
  const template = `${keyword} ${name}~${whole.template.slice(numbered.length)}`;
  const next = { name, number, template, numbers: whole.numbers.slice(1) };
  return { template: whole.template, numbers: whole.numbers, next };
}

/** A line with marks for its numbers. */
function numbersIn(line: string): { readonly template: string; readonly numbers: readonly number[] } {
  const numbers: number[] = [];
  const template = line.replace(/\d+/g, (digits) => {
    if (digits !== String(Number(digits))) return digits;
    numbers.push(Number(digits));
    return "#";
  });
  return { template, numbers };
}

function packLines(lines: readonly Form[]): readonly Word[] {
  const last = new Map<string, readonly number[]>();
  const defined = new Map<string, number>();
  const words: Word[] = [];
  let before: Word | undefined;
  let repeats = 0;
  for (const form of lines) {
    let { template, numbers } = form;
    // A definition is mostly the next of its name.
    const expected = form.next === undefined ? 0 : (defined.get(form.next.name) ?? -1) + 1;
    if (form.next?.number === String(expected)) {
      defined.set(form.next.name, expected);
      ({ template, numbers } = form.next);
    }
    const known = last.get(template) ?? [];
    last.set(template, numbers);
    let rest = "";
    let commas = ",";
    // Millions of them in a large network: no iterator.
    for (let place = 0; place < numbers.length; place++) {
      const step = (numbers[place] ?? 0) - (known[place] ?? 0);
      if (step !== 0) {
        rest += commas + String(step);
        commas = "";
      }
      commas += ",";
    }
    if (before?.template === template && before.rest === rest) {
      if (repeats > 0) words.pop();
      repeats++;
      words.push({ rest: repeats === 1 ? "*" : `*${repeats}` });
    } else {
      before = { template, rest };
      repeats = 0;
      words.push(before);
    }
  }
  return words;
}

/** WGSL without what only readers need: comments, empty lines, indentation, and spaces around signs. */
export function minifiedText(wgsl: string): string {
  return minifier()(wgsl).join("\n");
}

/** Makes the lines of such texts, and remembers them: equal ones are one string, which other maps find again soon. */
function minifier(): (wgsl: string) => readonly string[] {
  const known = new Map<string, string>();
  return (wgsl) => {
    const lines: string[] = [];
    for (const line of wgsl.split("\n")) {
      let short = known.get(line);
      if (short === undefined) known.set(line, (short = minifiedLine(line)));
      if (short !== "") lines.push(short);
    }
    return lines.length === 0 ? [""] : lines;
  };
}

function minifiedLine(line: string): string {
  return (
    (line.includes("//") ? line.replace(/\/\/[^]*$/, "") : line)
      .trim()
      .replace(/ ?([*/=<>,;:{}()[\]&|?%!]) ?/g, "$1")
      // `a - -b` keeps its spaces: `--` is a sign of its own.
      .replace(/ ?([-+]) (?=[\w(])/g, "$1")
  );
}
