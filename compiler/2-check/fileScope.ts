/** What one file defines and what it sees of others: its imports' own definitions, then the standard library's. */
import type { Ast, BlockDefinition, Identifier, LetStatement, ModelDefinition, Pattern } from "../ir/ast.ts";

export type Entry =
  | { readonly kind: "block"; readonly block: BlockDefinition; readonly file: FileScope }
  | { readonly kind: "model"; readonly model: ModelDefinition; readonly file: FileScope }
  | { readonly kind: "let"; readonly statement: LetStatement; readonly name: string; readonly file: FileScope };

export interface FileScope {
  readonly ast: Ast;
  readonly own: ReadonlyMap<string, Entry>;
  /** The files that this one imports, in the order of its imports. */
  readonly imports: readonly FileScope[];
  /** Absent for the standard library itself. */
  readonly standard?: FileScope;
}

/** The names of a pattern, left to right. */
export function patternNames(pattern: Pattern): readonly Identifier[] {
  return pattern.kind === "bind" ? [pattern.name] : pattern.items.flatMap(patternNames);
}

/** What a name may mean in a file, nearest first: its own definition, an import's (the last wins), the library's. */
export function entriesOf(file: FileScope, name: string): readonly Entry[] {
  const files = [file, ...[...file.imports].reverse(), ...(file.standard === undefined ? [] : [file.standard])];
  return files.flatMap((each) => each.own.get(name) ?? []);
}

/** The names of every definition that a file sees, for suggestions. */
export function visibleNames(file: FileScope, kinds: readonly Entry["kind"][]): readonly string[] {
  const files = [file, ...file.imports, ...(file.standard === undefined ? [] : [file.standard])];
  return files.flatMap((each) => [...each.own].filter(([, { kind }]) => kinds.includes(kind)).map(([name]) => name));
}
