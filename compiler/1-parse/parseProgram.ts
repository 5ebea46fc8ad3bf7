import type { Program } from "../ir/ast.ts";
import type { SourceFile } from "../ir/source.ts";
import type { PassResult } from "../pass.ts";
import { buildAst } from "./buildAst.ts";
import { loadImports, type LoadOptions } from "./loadImports.ts";

/** The main file with its imports and the standard library, parsed; every syntax diagnostic of all of them. */
export function parseProgram(main: SourceFile, options: LoadOptions): PassResult<Program> {
  const ast = buildAst(main);
  const program = loadImports(ast.output, options);
  return { output: program.output, diagnostics: [...ast.diagnostics, ...program.diagnostics] };
}
