/** The front of the compiler: source text in, one model's checked graph and recipe out, with every mistake on the way. */
import { buildAst } from "./1-parse/buildAst.ts";
import { parseProgram } from "./1-parse/parseProgram.ts";
import { checkProgram } from "./2-check/checkProgram.ts";
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
  const checked = checkProgram(program.output, { ...asked, settings: given.output }, { layers, ops });
  const diagnostics = [...program.diagnostics, ...given.diagnostics, ...checked.diagnostics];
  const failed = diagnostics.some(({ severity }) => severity === "error");
  return {
    ...(checked.output !== undefined && !failed && { checked: checked.output }),
    diagnostics,
    files: program.output.files,
  };
}

/** `--set depth=50`: each text is an expression of the language, in a file of its own for the sake of its code frames. */
function parseSettings(settings: Readonly<Record<string, string>>): PassResult<readonly Argument[]> {
  const args: Argument[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const [name, text] of Object.entries(settings)) {
    const file: SourceFile = { path: `--set ${name}`, text: `let ${name} = ${text}` };
    const parsed = buildAst(file);
    diagnostics.push(...parsed.diagnostics);
    for (const definition of parsed.output.definitions) {
      if (definition.kind !== "let" || definition.pattern.kind !== "bind") continue;
      args.push({ span: definition.span, name: definition.pattern.name, value: definition.value });
    }
  }
  return { output: args, diagnostics };
}
