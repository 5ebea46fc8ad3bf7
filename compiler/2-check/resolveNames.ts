/**
 * Names in every body of the main file, those that no model calls included: what elaboration would not reach (uncalled
 * blocks, conditions not taken, models not chosen) still has its unknown names reported. What a name holds is not asked here.
 */
import { unknownName, unknownStep } from "../diagnostics/names.ts";
import { didYouMean } from "../diagnostics/suggest.ts";
import type { Argument, BlockDefinition, Body, Expr, Identifier, IfStep, ModelDefinition, Pattern, Statement, Step } from "../ir/ast.ts"; // prettier-ignore
import type { CheckContext } from "./context.ts";
import { entriesOf, patternNames, visibleNames, type FileScope } from "./fileScope.ts";
import { functionNames } from "./functions.ts";
import { localNames, stepNames, valueNames, type Scope } from "./scope.ts";
import { errorValue } from "./values.ts";

interface Resolver {
  readonly file: FileScope;
  readonly context: CheckContext;
}

/** Reports unknown names in all definitions of a file. */
export function resolveNames(file: FileScope, context: CheckContext): void {
  const resolver: Resolver = { file, context };
  for (const definition of file.ast.definitions) {
    if (definition.kind === "let") resolveExpr(definition.value, emptyScope(file), resolver);
    else if (definition.kind === "block" || definition.kind === "model") resolveDefinition(definition, resolver);
  }
}

function emptyScope(file: FileScope, parent?: Scope): Scope {
  return { file, names: new Map(), ...(parent !== undefined && { parent }) };
}

function resolveDefinition({ params, body }: BlockDefinition | ModelDefinition, resolver: Resolver): void {
  const scope = emptyScope(resolver.file);
  for (const param of params) {
    if (param.default !== undefined) resolveExpr(param.default, scope, resolver);
    give(param.name, scope);
  }
  resolveBody(body, scope, resolver);
}

function give(name: Identifier, scope: Scope): void {
  // What the name holds is not known here: an error value is taken for anything.
  if (name.text !== "") scope.names.set(name.text, errorValue);
}
function givePattern(pattern: Pattern, scope: Scope): void {
  for (const name of patternNames(pattern)) give(name, scope);
}

function resolveBody(body: Body, around: Scope, resolver: Resolver): void {
  const scope = emptyScope(resolver.file, around);
  for (const statement of body.statements) resolveStatement(statement, scope, resolver);
}

function resolveStatement(statement: Statement, scope: Scope, resolver: Resolver): void {
  switch (statement.kind) {
    case "chain":
      if (statement.from !== undefined) resolveValueName(statement.from, scope, resolver);
      for (const name of statement.fromAs) give(name, scope);
      for (const { step, as } of statement.links) {
        resolveStep(step, scope, resolver);
        for (const name of as) give(name, scope);
      }
      return;
    case "let":
      resolveExpr(statement.value, scope, resolver);
      givePattern(statement.pattern, scope);
      return;
    case "input":
      for (const size of statement.sizes) resolveExpr(size, scope, resolver);
      return;
    case "head":
      if (statement.from !== undefined) resolveValueName(statement.from, scope, resolver);
      if (statement.weight !== undefined) resolveExpr(statement.weight, scope, resolver);
      resolveBody(statement.body, scope, resolver);
      return;
    case "error":
      resolveExpr(statement.message, scope, resolver);
      return;
    case "branch":
      resolveBody(statement.body, scope, resolver);
  }
}

function resolveStep(step: Step, scope: Scope, resolver: Resolver): void {
  switch (step.kind) {
    case "callStep":
      resolveCallee(step.callee, scope, resolver);
      resolveArguments(step.callee, step.args, scope, resolver);
      return;
    case "join":
      resolveBody(step.body, scope, resolver);
      return;
    case "repeat": {
      resolveExpr(step.count, scope, resolver);
      const inner = emptyScope(resolver.file, scope);
      if (step.index !== undefined) give(step.index, inner);
      resolveBody(step.body, inner, resolver);
      return;
    }
    case "for": {
      resolveExpr(step.over, scope, resolver);
      const inner = emptyScope(resolver.file, scope);
      givePattern(step.pattern, inner);
      if (step.index !== undefined) give(step.index, inner);
      resolveBody(step.body, inner, resolver);
      return;
    }
    case "if":
      resolveIf(step, scope, resolver);
      return;
    case "missingStep":
  }
}

function resolveIf(step: IfStep, scope: Scope, resolver: Resolver): void {
  resolveExpr(step.condition, scope, resolver);
  resolveBody(step.then, scope, resolver);
  if (step.otherwise === undefined) return;
  if ("kind" in step.otherwise) resolveIf(step.otherwise, scope, resolver);
  else resolveBody(step.otherwise, scope, resolver);
}

function resolveArguments(callee: Identifier, args: readonly Argument[], scope: Scope, resolver: Resolver): void {
  const definitions = resolver.context.tables.layers.get(callee.text)?.arguments ?? [];
  for (const [position, { name, value }] of args.entries()) {
    const known = name === undefined ? definitions[position] : definitions.find((each) => each.name === name.text);
    // A misspelt word is for the argument's own check, which knows the words.
    if (known?.words === undefined || value.kind !== "name") resolveExpr(value, scope, resolver);
  }
}

function resolveExpr(expr: Expr, scope: Scope, resolver: Resolver): void {
  switch (expr.kind) {
    case "name":
      resolveValueName({ text: expr.name, span: expr.span }, scope, resolver);
      return;
    case "member":
      resolveExpr(expr.object, scope, resolver);
      return;
    case "call":
      if (!functionNames.includes(expr.callee.text)) resolveCalledValue(expr.callee, scope, resolver);
      resolveArguments(expr.callee, expr.args, scope, resolver);
      return;
    case "unary":
      resolveExpr(expr.operand, scope, resolver);
      return;
    case "binary":
      resolveExpr(expr.left, scope, resolver);
      resolveExpr(expr.right, scope, resolver);
      return;
    case "tuple":
      for (const item of expr.items) resolveExpr(item, scope, resolver);
      return;
    case "ifValue":
      for (const part of [expr.condition, expr.then, expr.otherwise]) resolveExpr(part, scope, resolver);
      return;
    case "errorValue":
      resolveExpr(expr.message, scope, resolver);
      return;
    case "number":
    case "string":
    case "boolean":
    case "in":
    case "missing":
  }
}

function isKnown(name: string, scope: Scope, { file, context }: Resolver): boolean {
  if (name === "" || context.tables.layers.has(name) || entriesOf(file, name).length > 0) return true;
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) if (at.names.has(name)) return true;
  return false;
}

function resolveCallee({ text: name, span }: Identifier, scope: Scope, resolver: Resolver): void {
  if (isKnown(name, scope, resolver)) return;
  const help = didYouMean(name, stepNames(scope, resolver.context));
  resolver.context.report(unknownStep.at(span, { name }, { help }));
}

function resolveCalledValue({ text: name, span }: Identifier, scope: Scope, resolver: Resolver): void {
  if (isKnown(name, scope, resolver)) return;
  const help = didYouMean(name, [...functionNames, ...valueNames(scope, resolver.context)]);
  resolver.context.report(unknownName.at(span, { name }, { help }));
}

function resolveValueName({ text: name, span }: Identifier, scope: Scope, resolver: Resolver): void {
  if (isKnown(name, scope, resolver) || resolver.context.words.has(name)) return;
  const candidates = [...localNames(scope), ...visibleNames(resolver.file, ["block", "let"]), ...valueNames(scope, resolver.context)]; // prettier-ignore
  const help = functionNames.includes(name) ? `\`${name}\` is a function: ${name}(…)` : didYouMean(name, candidates);
  resolver.context.report(unknownName.at(span, { name }, { help }));
}
