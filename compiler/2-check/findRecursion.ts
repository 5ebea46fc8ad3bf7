/**
 * Blocks of the main file that lead back to themselves and that nothing has unfolded: what elaboration meets it reports itself,
 * with the calls that led there.
 *
 *   block a() { b }  block b() { a }    =>    block a calls itself, at `a` within b
 */
import { recursion } from "../diagnostics/names.ts";
import type { BlockDefinition, CallStep } from "../ir/ast.ts";
import type { CheckContext } from "./context.ts";
import { entriesOf, type FileScope } from "./fileScope.ts";

/** Reports the first call of each circle of calls, unless one has been reported already. */
export function findRecursion(file: FileScope, context: CheckContext): void {
  if (context.diagnostics.some(({ code }) => code === recursion.code)) return;
  const done = new Set<BlockDefinition>();
  const visit = (block: BlockDefinition, path: readonly BlockDefinition[]): void => {
    if (done.has(block)) return;
    done.add(block);
    for (const { callee, span } of callsIn(block)) {
      const called = calledBlock(block, callee.text);
      if (called === undefined) continue;
      if ([...path, block].includes(called)) context.report(recursion.at(span, { block: callee.text }));
      else visit(called, [...path, block]);
    }
  };
  for (const definition of file.ast.definitions) if (definition.kind === "block") visit(definition, []);

  /** The block of this file that a name means within a block. */
  function calledBlock({ params }: BlockDefinition, name: string): BlockDefinition | undefined {
    if (params.some((param) => param.name.text === name)) return undefined;
    const [entry] = entriesOf(file, name);
    return entry?.kind === "block" && entry.file === file ? entry.block : undefined;
  }
}

/** All calls within a part of the tree. */
function callsIn(part: unknown): readonly CallStep[] {
  if (typeof part !== "object" || part === null) return [];
  const inside = Object.entries(part).flatMap(([key, value]) => (key === "span" ? [] : callsIn(value)));
  return isCall(part) ? [part, ...inside] : inside;
}

function isCall(part: object): part is CallStep {
  return "kind" in part && part.kind === "callStep";
}
