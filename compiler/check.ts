/** The front of the compiler: source text in, one model's checked graph and recipe out, with every mistake on the way. */
import { buildAst } from "./1-parse/buildAst.ts";
import { isConsequence } from "./1-parse/isConsequence.ts";
import { parseProgram } from "./1-parse/parseProgram.ts";
import { checkProgram } from "./2-check/checkProgram.ts";
import { missingArgument, noModel } from "./diagnostics/names.ts";
import { missingRecipeLine } from "./diagnostics/recipes.ts";
import { noModelInput, outputNotLogits } from "./diagnostics/shapes.ts";
import { expectedSomething } from "./diagnostics/syntax.ts";
import { layers, ops } from "./ops/index.ts";
import type { Argument } from "./ir/ast.ts";
import type { CheckedProgram, CheckOptions } from "./ir/checked.ts";
import type { Diagnostic } from "./ir/diagnostic.ts";
import type { SourceFile } from "./ir/source.ts";
import type { PassResult } from "./pass.ts";
import { standardLibrary as shippedLibrary } from "./standardLibrary.ts";

export interface CheckSourceOptions extends CheckOptions {
  /** The text of an imported file, by its path; undefined when there is none. Without it nothing can be imported. */
  readonly readSource?: (path: string) => string | undefined;
  /** What every file sees; the library that comes with the compiler unless given. */
  readonly standardLibrary?: SourceFile;
}

export interface CheckResult {
  /** Absent when there is an error among the diagnostics. */
  readonly checked?: CheckedProgram;
  readonly diagnostics: readonly Diagnostic[];
  /** Every file that was read, for code frames. */
  readonly files: readonly SourceFile[];
}

/** Parses and checks one file with everything that it imports. */
export function checkSource(source: SourceFile, options: CheckSourceOptions): CheckResult {
  const { readSource = () => undefined, standardLibrary = shippedLibrary, settings = {}, ...asked } = options;
  const program = parseProgram(source, { readSource, standardLibrary });
  const given = parseSettings(settings);
  const checked = checkProgram(
    program.output,
    { ...asked, ...(given.output.length > 0 && { settings: given.output }) },
    { layers, ops },
  );
  const syntax = [...program.diagnostics, ...given.diagnostics];
  const found = [...syntax, ...withoutConsequences(checked.diagnostics, syntax)];
  const failed = found.some(({ severity }) => severity === "error");
  // The parser's mistakes come first: a warning may be their consequence.
  const shown = failed ? found.filter(({ severity }) => severity === "error") : found;
  const diagnostics = inReadingOrder(shown, program.output.files);
  return {
    ...(checked.output !== undefined && !failed && { checked: checked.output }),
    diagnostics,
    files: program.output.files,
  };
}

/** File by file, the main one first, from top to bottom; the texts of `--set` after them. */
function inReadingOrder(diagnostics: readonly Diagnostic[], files: readonly SourceFile[]): readonly Diagnostic[] {
  const rank = new Map(files.map((file, position) => [file, position]));
  const rankOf = ({ span }: Diagnostic): number => rank.get(span.file) ?? files.length;
  return [...diagnostics].sort((a, b) => rankOf(a) - rankOf(b) || a.span.start - b.span.start);
}

/** What a lost piece of text makes wrong elsewhere: no model, no input, an early end, missing lines and arguments. */
const incomplete: ReadonlySet<string> = new Set([
  noModel.code,
  noModelInput.code,
  outputNotLogits.code,
  missingRecipeLine.code,
  missingArgument.code,
]);

/** The checker's diagnostics but those that a syntax error explains: at its own place, or for want of what was skipped. */
function withoutConsequences(checked: readonly Diagnostic[], syntax: readonly Diagnostic[]): readonly Diagnostic[] {
  if (syntax.length === 0) return checked;
  return checked.filter((found) => !incomplete.has(found.code) && !isConsequence(found, syntax));
}

/** `--set depth=50`: each text is an expression of the language, in a file of its own for the sake of its code frames. */
function parseSettings(settings: Readonly<Record<string, string>>): PassResult<readonly Argument[]> {
  const args: Argument[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const [name, text] of Object.entries(settings)) {
    const file: SourceFile = { path: `--set ${name}`, text: `let ${name} = ${text}` };
    const parsed = buildAst(file);
    diagnostics.push(...parsed.diagnostics);
    const [definition, more] = parsed.output.definitions;
    if (definition?.kind === "let" && definition.pattern.kind === "bind") {
      args.push({ span: definition.span, name: definition.pattern.name, value: definition.value });
    }
    if (more === undefined || parsed.diagnostics.length > 0) continue;
    const params = {
      expected: "the end of the value",
      found: `\`${file.text.slice(more.span.start)}\``,
    };
    diagnostics.push(expectedSomething.at(more.span, params));
  }
  return { output: args, diagnostics };
}
