import { checkSource, type CheckSourceOptions } from "../../compiler/check.ts";
import { renderDiagnostics } from "../../compiler/diagnostics/render.ts";
import type { CheckedProgram } from "../../compiler/ir/checked.ts";
import { formatShape, verifyGraph, type Graph } from "../../compiler/ir/graph.ts";

export type CheckTextOptions = CheckSourceOptions & {
  readonly files?: Readonly<Record<string, string>>;
  /** Pass over warnings: for fragments that make no sensible network. */
  readonly warn?: false;
};

/** A text that must be free of mistakes, checked; its graph's invariants hold. */
export function checkCleanly(text: string, { files = {}, warn, ...options }: CheckTextOptions = {}): CheckedProgram {
  const result = checkSource({ path: "input.cnn", text }, { readSource: (path) => files[path], ...options });
  if (result.checked === undefined || (warn !== false && result.diagnostics.length > 0)) {
    throw new Error(`\n${text}\n${renderDiagnostics(result.diagnostics)}`);
  }
  verifyGraph(result.checked.graph);
  return result.checked;
}

/** The codes of a text's diagnostics, in their order. */
export function codesOf(text: string, { files = {}, ...options }: CheckTextOptions = {}): readonly string[] {
  const { diagnostics } = checkSource({ path: "input.cnn", text }, { readSource: (path) => files[path], ...options });
  return diagnostics.map(({ code }) => code);
}

/** The graph of a model whose body is `body` after `input 2 x 8 x 8`; its end may be anything. */
export function bodyGraph(body: string, before = ""): Graph {
  const text = `${before}\nmodel Test {\n  input 2 x 8 x 8\n${body}\n}\n`;
  return checkCleanly(text, { anyOutput: true, warn: false }).graph;
}

/** The steps of a graph as "conv1 8x6x6", by the order of its nodes; joins go by their op. */
export function steps(graph: Graph): readonly string[] {
  return graph.nodes.map(({ op, origin, type }) => `${origin.path || op} ${formatShape(type.shape)}`);
}

/** What the expression `text` is worth, as text of the language; `before` may define names. */
export function valueOf(text: string, before = ""): string {
  const { settings } = checkCleanly(`${before}\nmodel Test(it = ${text}) { input 4 }\n`);
  return settings[0]?.value ?? "";
}

/** The codes of an expression's mistakes. */
export function valueCodes(text: string, before = ""): readonly string[] {
  return codesOf(`${before}\nmodel Test(it = ${text}) { input 4 }\n`);
}

/** The codes of a body after `input 2 x 8 x 8`, whatever its end. */
export function bodyCodes(body: string, before = ""): readonly string[] {
  return codesOf(`${before}\nmodel Test {\n  input 2 x 8 x 8\n${body}\n}\n`, { anyOutput: true });
}

/** A model of 28x28 images with the lines of a recipe for it. */
export function withRecipe(lines: string, header = "train Net"): string {
  return `model Net(size = 28) {\n  input 1 x size x size\n  flatten as flat -> linear(8) as stem -> relu\n  linear(10)\n}\n${header} {\n${lines}\n}\n`;
}

/** The recipe of `withRecipe(lines)`. */
export function recipeOf(lines: string, header?: string): NonNullable<CheckedProgram["recipe"]> {
  const { recipe } = checkCleanly(withRecipe(lines, header), { warn: false });
  if (recipe === undefined) throw new Error("no recipe");
  return recipe;
}
