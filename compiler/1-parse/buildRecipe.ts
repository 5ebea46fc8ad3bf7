/** CST to AST: training recipes. */
import type { IToken } from "chevrotain";
import type * as cst from "../../grammar/cst.d.ts";
import * as syntax from "../diagnostics/syntax.ts";
import type { Expr, RecipeEntry, TrainDefinition } from "../ir/ast.ts";
import { joinSpans, type Span } from "../ir/source.ts";
import { all, buildIdentifier, endAfter, first, nodeSpan, type BuildContext } from "./buildContext.ts";
import { buildArguments, buildExpression, buildOperand, tupleOfArguments } from "./buildExpressions.ts";
import { buildOperations } from "./buildOperations.ts";
import { buildAsName } from "./buildStatements.ts";
import { tokenSpan } from "./tokenSpans.ts";

/** `train NAME(…) as name { … }`. */
export function buildTrain(context: BuildContext, node: cst.TrainDefinitionCstNode): TrainDefinition {
  const { children } = node;
  const span = nodeSpan(context, node, 0);
  const name = first(children.asName);
  return {
    kind: "train",
    span,
    model: buildIdentifier(context, first(children.Name), endAfter(first(children.Train), span.start)),
    args: buildArguments(context, first(children.argumentList)),
    ...(name === undefined ? {} : { name: buildAsName(context, name) }),
    entries: buildEntries(context, first(children.recipe)),
  };
}

function buildEntries(context: BuildContext, node: cst.RecipeCstNode | undefined): readonly RecipeEntry[] {
  return all(node?.children.recipeEntry).map((entry) => buildEntry(context, entry));
}

function buildEntry(context: BuildContext, node: cst.RecipeEntryCstNode): RecipeEntry {
  const { children } = node;
  const entry = buildLine(context, node);
  const recipe = first(children.recipe);
  const augmentation = first(children.augmentation);
  if (recipe !== undefined) return { ...entry, entries: buildEntries(context, recipe) };
  if (augmentation === undefined) return entry;
  const lines = all(augmentation.children.augmentationEntry);
  return { ...entry, entries: lines.map((line) => buildLine(context, line)) };
}

/** A line's word with its arguments or value, braces aside. */
function buildLine(context: BuildContext, node: cst.RecipeEntryCstNode | cst.AugmentationEntryCstNode): RecipeEntry {
  const { children } = node;
  const whole = nodeSpan(context, node, 0);
  const key = buildIdentifier(context, first(children.Name), whole.start);
  for (const sign of [first(children.Colon), first(children.Equals), first(children.Comma)]) {
    if (sign !== undefined) reportSign(context, key.text, sign);
  }
  // A comma after the line is not part of it.
  const span = first(children.Comma) === undefined ? whole : { ...whole, end: whole.end - 1 };
  const list = first(children.argumentList);
  if (list !== undefined) return { span, key, ...buildBracketed(context, node, list, key.span) };
  const value = first(children.expression);
  return value === undefined ? { span, key } : { span, key, value: buildExpression(context, value, key.span.end) };
}

/**
 * `early_stop(patience: 5)` has arguments. Brackets without names may as well be a value, as in `resize (96, 128)` or
 * `batch (8 * 4) * 2`, so those give both.
 */
function buildBracketed(
  context: BuildContext,
  node: cst.RecipeEntryCstNode | cst.AugmentationEntryCstNode,
  list: cst.ArgumentListCstNode,
  key: Span,
): Pick<RecipeEntry, "args" | "value"> {
  const args = buildArguments(context, list);
  if (args.length === 0 || args.some(({ name }) => name !== undefined)) return { args };
  const brackets = tupleOfArguments(list, args, nodeSpan(context, list, key.end));
  const signs = "BinaryOperator" in node.children ? all(node.children.BinaryOperator) : [];
  const operands = "operand" in node.children ? all(node.children.operand) : [];
  if (signs.length === 0) return { args, value: brackets };
  const built = operands.map((operand) => buildOperand(context, operand, brackets.span.end));
  const value: Expr = buildOperations(context, [{ prefixes: [], value: brackets }, ...built], signs) ?? brackets;
  return { value: { ...value, span: joinSpans(brackets.span, value.span) } };
}

function reportSign(context: BuildContext, key: string, sign: IToken): void {
  const span = tokenSpan(context.file, sign, 0);
  context.mistakes.push(syntax.recipePunctuation.at(span, { key, sign: sign.image }));
}
