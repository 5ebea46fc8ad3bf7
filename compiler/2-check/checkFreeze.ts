/** `freeze stem`: the parameters that keep their values while the others are trained. */
import { recipeLineForm, unknownFreeze } from "../diagnostics/recipes.ts";
import { didYouMean } from "../diagnostics/suggest.ts";
import type { Expr, RecipeEntry } from "../ir/ast.ts";
import type { Graph, ValueId } from "../ir/graph.ts";
import type { Span } from "../ir/source.ts";
import type { RecipePlace } from "./recipeLines.ts";

/**
 * The full names of the frozen parameters: those of the layer or block that bears the name, or, where the name is of a value
 * only, all that lead to it. Empty after a diagnostic, or without a graph.
 */
export function checkFreeze(entry: RecipeEntry, graph: Graph | undefined, { context }: RecipePlace): readonly string[] {
  const exprs =
    entry.value?.kind === "tuple" ? entry.value.items : (entry.args?.map(({ value }) => value) ?? [entry.value]);
  return exprs.flatMap((expr) => {
    if (expr?.kind === "missing") return [];
    const path = expr === undefined ? undefined : pathText(expr);
    const span = expr?.span ?? entry.span;
    if (path === undefined) {
      const expected = "the name of a layer or block: `freeze stem`";
      context.report(recipeLineForm.at(span, { key: "freeze", expected }));
      return [];
    }
    return graph === undefined ? [] : frozen(path, span, graph, context);
  });
}

/** `stem` or `layer1.conv2` as text; undefined for any other expression. */
function pathText(expr: Expr): string | undefined {
  if (expr.kind === "name") return expr.name;
  if (expr.kind !== "member") return undefined;
  const object = pathText(expr.object);
  return object === undefined ? undefined : `${object}.${expr.member.text}`;
}

function frozen(path: string, span: Span, graph: Graph, context: RecipePlace["context"]): readonly string[] {
  const names = graph.parameters.map(({ name }) => name);
  const own = names.filter((name) => name === path || name.startsWith(`${path}.`));
  if (own.length > 0) return own;
  const value = graph.named.get(path);
  if (value !== undefined) return leadingTo(value, graph);
  const modules = names.flatMap((name) => name.split(".").map((_, i, parts) => parts.slice(0, i + 1).join(".")));
  const help = didYouMean(path, [...modules, ...graph.named.keys()]);
  context.report(unknownFreeze.at(span, { model: graph.name, name: path }, { help }));
  return [];
}

/** The parameters that a value depends on. */
function leadingTo(value: ValueId, graph: Graph): readonly string[] {
  const needed = new Set<ValueId>([value]);
  for (const node of [...graph.nodes].reverse()) {
    if (needed.has(node.output)) for (const input of Object.values(node.inputs)) needed.add(input);
  }
  return graph.parameters.filter((parameter) => needed.has(parameter.value)).map(({ name }) => name);
}
