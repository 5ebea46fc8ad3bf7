/** Collects what the files of a program define, with the names that are taken or given twice. */
import { duplicateDefinition, duplicateParameter, nameTaken } from "../diagnostics/names.ts";
import type { Ast, Identifier, Program } from "../ir/ast.ts";
import type { CheckContext } from "./context.ts";
import { patternNames, type Entry, type FileScope } from "./fileScope.ts";
import { functionNames } from "./functions.ts";

/** The scopes of the main file and of everything that it imports; reports names that are taken or given twice. */
export function buildFileScopes(program: Program, context: CheckContext): FileScope {
  const done = new Map<Ast, FileScope>();
  const standard = fileScope(program.standardLibrary, [], undefined, context);
  const visit = (ast: Ast, path: readonly Ast[]): FileScope => {
    const known = done.get(ast);
    if (known !== undefined) return known;
    const imports = ast.definitions.flatMap((definition) => {
      const imported = definition.kind === "import" ? program.imports.get(definition) : undefined;
      // A cycle has been reported by the loader; here it must only end.
      return imported === undefined || path.includes(imported) || imported === ast
        ? []
        : [visit(imported, [...path, ast])];
    });
    const scope = fileScope(ast, imports, standard, context);
    done.set(ast, scope);
    return scope;
  };
  return visit(program.main, []);
}

function fileScope(
  ast: Ast,
  imports: readonly FileScope[],
  standard: FileScope | undefined,
  context: CheckContext,
): FileScope {
  const own = new Map<string, Entry>();
  const scope: FileScope = { ast, own, imports, ...(standard !== undefined && { standard }) };
  const define = (name: Identifier, entry: Entry): void => {
    if (name.text === "") return;
    const earlier = own.get(name.text);
    if (earlier !== undefined) {
      const note = { message: "defined first here", span: entryName(earlier) };
      context.report(duplicateDefinition.at(name.span, { name: name.text }, { notes: [note] }));
      return;
    }
    own.set(name.text, entry);
  };
  for (const definition of ast.definitions) {
    switch (definition.kind) {
      case "block":
        checkNameFree(definition.name, context);
        checkParameterNames(
          definition.params.map(({ name }) => name),
          context,
        );
        define(definition.name, { kind: "block", block: definition, file: scope });
        break;
      case "model":
        checkNameFree(definition.name, context);
        checkParameterNames(
          definition.params.map(({ name }) => name),
          context,
        );
        define(definition.name, { kind: "model", model: definition, file: scope });
        break;
      case "let":
        checkParameterNames(patternNames(definition.pattern), context);
        for (const name of patternNames(definition.pattern)) {
          define(name, { kind: "let", statement: definition, name: name.text, file: scope });
        }
        break;
      case "import":
      case "train":
        break;
    }
  }
  return scope;
}

function entryName(entry: Entry): Identifier["span"] {
  if (entry.kind === "block") return entry.block.name.span;
  if (entry.kind === "model") return entry.model.name.span;
  const name = patternNames(entry.statement.pattern).find(({ text }) => text === entry.name);
  return name?.span ?? entry.statement.span;
}

/** Reports a block's or model's name that a layer or function bears. */
function checkNameFree(name: Identifier, context: CheckContext): void {
  const by = takenBy(name.text, context);
  if (by !== undefined) context.report(nameTaken.at(name.span, { name: name.text, by }));
}

/** "a layer" or "a function" when the name is one's, so that no definition may take it. */
export function takenBy(name: string, context: CheckContext): string | undefined {
  if (context.tables.layers.has(name)) return "a layer";
  return functionNames.includes(name) ? "a function" : undefined;
}

/** Reports names that stand twice in one list: parameters, or the parts of a pattern. */
export function checkParameterNames(names: readonly Identifier[], context: CheckContext): void {
  const seen = new Set<string>();
  for (const { text, span } of names) {
    if (text !== "" && seen.has(text)) context.report(duplicateParameter.at(span, { name: text }));
    seen.add(text);
  }
}
