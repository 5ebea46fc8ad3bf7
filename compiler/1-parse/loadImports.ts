/**
 * A file with everything it can see. Comes in: the main file's AST, and a function that reads other files. Goes out: a
 * Program, each file parsed once. Guarantees that imports form no cycle: the one that would close it is reported and
 * left out.
 *
 *   import "./blocks.cnn" in nets/resnet.cnn   becomes   imports.get(import) = Ast of nets/blocks.cnn
 */
import * as syntax from "../diagnostics/syntax.ts";
import type { Ast, ImportDefinition, Program } from "../ir/ast.ts";
import type { Diagnostic, DiagnosticNote } from "../ir/diagnostic.ts";
import type { SourceFile } from "../ir/source.ts";
import type { PassResult } from "../pass.ts";
import { buildAst } from "./buildAst.ts";
import { resolvePath } from "./resolvePath.ts";

export interface LoadOptions {
  /** The text of the file at a path, as `resolvePath` gives it; undefined if there is none. */
  readonly readSource: (path: string) => string | undefined;
  readonly standardLibrary: SourceFile;
}

/** Reads and parses every file that `main` imports, directly or not. */
export function loadImports(main: Ast, options: LoadOptions): PassResult<Program> {
  const diagnostics: Diagnostic[] = [];
  const imports = new Map<ImportDefinition, Ast>();
  const loaded = new Map<string, Ast>([[resolvePath("", main.file.path), main]]);

  const load = (path: string): Ast | undefined => {
    const known = loaded.get(path);
    if (known !== undefined) return known;
    const text = options.readSource(path);
    if (text === undefined) return undefined;
    const ast = buildAst({ path, text });
    diagnostics.push(...ast.diagnostics);
    loaded.set(path, ast.output);
    return ast.output;
  };

  // Depth first with a stack of its own, since a chain of imports may be long.
  interface Frame {
    readonly path: string;
    readonly rest: ImportDefinition[];
    readonly via?: ImportDefinition;
  }
  const frame = (path: string, ast: Ast, via?: ImportDefinition): Frame => ({
    path,
    rest: ast.definitions.filter((definition) => definition.kind === "import"),
    ...(via === undefined ? {} : { via }),
  });
  const visited = new Set<string>();
  const stack: Frame[] = [frame(resolvePath("", main.file.path), main)];
  for (let top = stack[stack.length - 1]; top !== undefined; top = stack[stack.length - 1]) {
    const next = top.rest.shift();
    if (next === undefined) {
      visited.add(top.path);
      stack.pop();
      continue;
    }
    if (next.path.value === "") continue; // a syntax error, already reported
    const path = resolvePath(top.path, next.path.value);
    const since = stack.findIndex((open) => open.path === path);
    if (since >= 0) {
      const notes = stack.slice(since + 1).flatMap(({ via }) => (via === undefined ? [] : [importNote(via)]));
      diagnostics.push(syntax.importCycle.at(next.span, { path }, { notes }));
      continue;
    }
    const ast = load(path);
    if (ast === undefined) {
      diagnostics.push(syntax.importNotFound.at(next.path.span, { path }));
      continue;
    }
    imports.set(next, ast);
    if (!visited.has(path)) stack.push(frame(path, ast, next));
  }

  const library = buildAst(options.standardLibrary);
  const files = [...[...loaded.values()].map(({ file }) => file), library.output.file];
  return {
    output: { main, imports, standardLibrary: library.output, files },
    diagnostics: [...diagnostics, ...library.diagnostics],
  };
}

function importNote(via: ImportDefinition): DiagnosticNote {
  return { message: "imported here", span: via.span };
}
