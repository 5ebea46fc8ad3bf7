import { buildAst } from "../../compiler/1-parse/buildAst.ts";
import { checkSource } from "../../compiler/check.ts";
import { renderDiagnostics } from "../../compiler/diagnostics/render.ts";
import type { Ast, Body, Expr, Statement, Step } from "../../compiler/ir/ast.ts";
import type { Diagnostic } from "../../compiler/ir/diagnostic.ts";

/** What the whole front end says of a text, parser and checker; other files are found in `files` by their path. */
export function diagnose(
  text: string,
  path = "input.cnn",
  files: Readonly<Record<string, string>> = {},
): readonly Diagnostic[] {
  const readSource = (wanted: string): string | undefined => (wanted === path ? text : files[wanted]);
  return checkSource({ path, text }, { readSource }).diagnostics;
}

/** The AST of a text that must be free of syntax errors. */
export function parseCleanly(text: string): Ast {
  const { output, diagnostics } = buildAst({ path: "input.cnn", text });
  if (diagnostics.length > 0) throw new Error(renderDiagnostics(diagnostics));
  return output;
}

/** The codes of a text's syntax errors, in their order. */
export function syntaxCodes(text: string): readonly string[] {
  return buildAst({ path: "input.cnn", text }).diagnostics.map(({ code }) => code);
}

/** The statements of a model around `body`, which must be free of syntax errors. */
export function parseBody(body: string): readonly Statement[] {
  const [definition] = parseCleanly(`model Test {\n${body}\n}`).definitions;
  if (definition?.kind !== "model") throw new Error("expected a model");
  return definition.body.statements;
}

/** The value of `let value = …`. */
export function parseValue(text: string): Expr {
  const [definition] = parseCleanly(`let value = ${text}`).definitions;
  if (definition?.kind !== "let") throw new Error("expected a let");
  return definition.value;
}

/** An expression with all its brackets, so that precedence can be read off. */
export function showExpr(expr: Expr): string {
  switch (expr.kind) {
    case "number":
    case "boolean":
      return String(expr.value);
    case "string":
      return JSON.stringify(expr.value);
    case "name":
      return expr.name;
    case "in":
      return "in";
    case "missing":
      return "?";
    case "member":
      return `${showExpr(expr.object)}.${expr.member.text}`;
    case "call":
      return `${expr.callee.text}(${showArgs(expr.args)})`;
    case "unary":
      return `(${expr.operator} ${showExpr(expr.operand)})`;
    case "binary":
      return `(${showExpr(expr.left)} ${expr.operator} ${showExpr(expr.right)})`;
    case "tuple":
      return `(${expr.items.map((item) => `${showExpr(item)},`).join(" ")})`;
    case "ifValue":
      return `if ${showExpr(expr.condition)} {${showExpr(expr.then)}} else {${showExpr(expr.otherwise)}}`;
    case "errorValue":
      return `error ${showExpr(expr.message)}`;
  }
}

/** Arguments as they are written. */
export function showArgs(args: readonly { readonly name?: { readonly text: string }; readonly value: Expr }[]): string {
  return args.map(({ name, value }) => (name ? `${name.text}: ` : "") + showExpr(value)).join(", ");
}

/** A body in one line, enough of it to see how it was read. */
export function showBody(body: Body): string {
  return `{ ${body.statements.map(showStatement).join("; ")} }`;
}

/** A statement in one line. */
export function showStatement(statement: Statement): string {
  switch (statement.kind) {
    case "input":
      return `input ${statement.sizes.map(showExpr).join(" x ")}`;
    case "let":
      return `let ${showPattern(statement.pattern)} = ${showExpr(statement.value)}`;
    case "error":
      return `error ${showExpr(statement.message)}`;
    case "branch":
      return `branch ${showBody(statement.body)}`;
    case "head": {
      const from = statement.from === undefined ? "" : ` from ${statement.from.text}`;
      const weight = statement.weight === undefined ? "" : ` weight ${showExpr(statement.weight)}`;
      return `head ${statement.name.text}${from}${weight} ${showBody(statement.body)}`;
    }
    case "chain": {
      const names = (as: readonly { readonly text: string }[]): string => as.map(({ text }) => ` as ${text}`).join("");
      const links = statement.links.map(({ step, as }) => showStep(step) + names(as));
      const from = statement.from === undefined ? [] : [`from ${statement.from.text}${names(statement.fromAs)}`];
      return [...from, ...links].join(" -> ");
    }
  }
}

type Pattern = Extract<Statement, { kind: "let" }>["pattern"];
function showPattern(pattern: Pattern): string {
  return pattern.kind === "bind" ? pattern.name.text : `(${pattern.items.map(showPattern).join(", ")})`;
}

function showStep(step: Step): string {
  switch (step.kind) {
    case "missingStep":
      return "?";
    case "callStep":
      return step.args.length === 0 ? step.callee.text : `${step.callee.text}(${showArgs(step.args)})`;
    case "join":
      return `${step.join} ${showBody(step.body)}`;
    case "repeat":
      return `repeat ${showExpr(step.count)}${step.index ? ` as ${step.index.text}` : ""} ${showBody(step.body)}`;
    case "for": {
      const index = step.index ? ` as ${step.index.text}` : "";
      return `for ${showPattern(step.pattern)} in ${showExpr(step.over)}${index} ${showBody(step.body)}`;
    }
    case "if": {
      const start = `if ${showExpr(step.condition)} ${showBody(step.then)}`;
      if (step.otherwise === undefined) return start;
      return `${start} else ${"kind" in step.otherwise ? showStep(step.otherwise) : showBody(step.otherwise)}`;
    }
  }
}
