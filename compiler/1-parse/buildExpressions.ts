/** CST to AST: values, arguments and patterns. */
import type { IToken } from "chevrotain";
import type * as cst from "../../grammar/cst.d.ts";
import * as syntax from "../diagnostics/syntax.ts";
import type { Argument, Expr, IfExpr, Pattern, StringLiteral, TupleExpr } from "../ir/ast.ts";
import { joinSpans, type Span } from "../ir/source.ts";
import {
  all,
  buildIdentifier,
  checkCommas,
  endAfter,
  first,
  missing,
  nodeSpan,
  withDepth,
  type BuildContext,
} from "./buildContext.ts";
import { buildOperations, type Operand } from "./buildOperations.ts";
import { buildString } from "./buildString.ts";
import { tokenSpan } from "./tokenSpans.ts";

/** A value; a "missing" one at `fallback` where the parser found none. */
export function buildExpression(
  context: BuildContext,
  node: cst.ExpressionCstNode | undefined,
  fallback: number,
): Expr {
  if (node === undefined) return missing(context, fallback);
  const operands = all(node.children.operand).map((operand) => buildOperand(context, operand, fallback));
  return buildOperations(context, operands, all(node.children.BinaryOperator)) ?? missing(context, fallback);
}

/** One side of an operator, its signs still apart: how far `not` reaches depends on what follows. */
export function buildOperand(context: BuildContext, node: cst.OperandCstNode, fallback: number): Operand {
  const primary = first(node.children.primary);
  let value = primary === undefined ? missing(context, fallback) : buildPrimary(context, primary, fallback);
  for (const member of all(node.children.member)) {
    const token = first(member.children.Integer) ?? first(member.children.Name);
    const name = buildIdentifier(context, token, endAfter(first(member.children.Dot), value.span.end));
    const span = joinSpans(value.span, name.span);
    value = withDepth(context, { kind: "member", span, object: value, member: name }, [value]);
  }
  if (value.kind === "in") {
    const help = "`in.channels` is the number of channels that arrive";
    context.mistakes.push(syntax.bareIn.at(value.span, {}, { help }));
    value = missing(context, value.span.end);
  }
  return { prefixes: all(node.children.PrefixOperator), value };
}

function buildPrimary(context: BuildContext, node: cst.PrimaryCstNode, fallback: number): Expr {
  const { children } = node;
  const span = nodeSpan(context, node, fallback);
  const number = first(children.Integer) ?? first(children.Real);
  if (number !== undefined) {
    return { kind: "number", span, value: Number(number.image), isInteger: children.Integer !== undefined };
  }
  if (children.Text !== undefined) return buildText(context, first(children.Text), span.start);
  if (children.True !== undefined) return { kind: "boolean", span, value: true };
  if (children.False !== undefined) return { kind: "boolean", span, value: false };
  if (children.In !== undefined) return { kind: "in", span };
  const ifValue = first(children.ifValue);
  if (ifValue !== undefined) return buildIfValue(context, ifValue, span.start);
  const tuple = first(children.tuple);
  if (tuple !== undefined) return buildTuple(context, tuple, span.start);
  const call = first(children.nameOrCall);
  return call === undefined ? missing(context, fallback) : buildNameOrCall(context, call, span);
}

function buildNameOrCall(context: BuildContext, node: cst.NameOrCallCstNode, span: Span): Expr {
  const callee = buildIdentifier(context, first(node.children.Name), span.start);
  const list = first(node.children.argumentList);
  if (list === undefined) return { kind: "name", span, name: callee.text };
  const args = buildArguments(context, list);
  return withDepth(
    context,
    { kind: "call", span, callee, args },
    args.map(({ value }) => value),
  );
}

/** The arguments between brackets, those named with `=` included; none if there are no brackets. */
export function buildArguments(context: BuildContext, node: cst.ArgumentListCstNode | undefined): readonly Argument[] {
  if (node === undefined) return [];
  const items = all(node.children.argument);
  checkCommas(context, items, "arguments");
  const start = endAfter(first(node.children.LParen), 0);
  return items.map((item) => {
    const { children } = item;
    const nameToken = first(children.Name) ?? first(children.From);
    const after = endAfter(first(children.Colon) ?? first(children.Equals), nodeSpan(context, item, start).start);
    const value = buildExpression(context, first(children.expression), after);
    if (nameToken === undefined) return { span: value.span, value };
    const name = buildIdentifier(context, nameToken, start);
    const equals = first(children.Equals);
    if (equals !== undefined) {
      const text = context.file.text.slice(value.span.start, value.span.end);
      const help = text.length > 0 && text.length < 40 ? `\`${name.text}: ${text}\`` : undefined;
      const at = joinSpans(name.span, tokenSpan(context.file, equals, after));
      context.mistakes.push(syntax.argumentEquals.at(at, { name: name.text }, { help }));
    }
    return { span: joinSpans(name.span, value.span), name, value };
  });
}

/** `(a, b)` and `(a,)` are tuples, `(a)` is the value in it, brackets counted into its span. */
function buildTuple(context: BuildContext, node: cst.TupleCstNode, fallback: number): Expr {
  const span = nodeSpan(context, node, fallback);
  const nodes = all(node.children.tupleItem);
  checkCommas(context, nodes, "values");
  const items = nodes.map((item) => buildExpression(context, first(item.children.expression), span.start + 1));
  const [only] = items;
  const isGrouping = items.length === 1 && nodes[0]?.children.Comma === undefined;
  if (isGrouping && only !== undefined) {
    const grouped = { ...only, span };
    context.depths.set(grouped, context.depths.get(only) ?? 0);
    return grouped;
  }
  return withDepth(context, { kind: "tuple", span, items }, items);
}

/** A tuple from what was read as arguments without names: `resize (96, 128)`. */
export function tupleOfArguments(node: cst.ArgumentListCstNode, args: readonly Argument[], span: Span): Expr {
  const items = args.map(({ value }) => value);
  const [only] = items;
  const comma = first(node.children.argument)?.children.Comma;
  const tuple: TupleExpr = { kind: "tuple", span, items };
  return items.length === 1 && comma === undefined && only !== undefined ? { ...only, span } : tuple;
}

function buildIfValue(context: BuildContext, node: cst.IfValueCstNode, fallback: number): Expr {
  const { children } = node;
  const span = nodeSpan(context, node, fallback);
  const branches = [
    { keyword: first(children.If), condition: first(children.expression), body: first(children.valueBody) },
    ...all(children.elseIfValue).map(({ children: inner }) => ({
      keyword: first(inner.If),
      condition: first(inner.expression),
      body: first(inner.valueBody),
    })),
  ];
  let otherwise: Expr;
  if (children.Else === undefined) {
    if (node.recoveredNode !== true) {
      const at = tokenOr(context, first(children.If), span);
      context.mistakes.push(syntax.ifValueWithoutElse.at(at, {}));
    }
    otherwise = missing(context, span.end);
  } else {
    otherwise = buildValueBody(context, all(children.valueBody)[1], endAfter(first(children.Else), span.end));
  }
  // From the last to the first, so that a long `else if` does not recurse.
  for (const { keyword, condition, body } of branches.reverse()) {
    const start = tokenOr(context, keyword, span);
    const value: IfExpr = {
      kind: "ifValue",
      span: { ...start, end: span.end },
      condition: buildExpression(context, condition, start.end),
      then: buildValueBody(context, body, endAfter(condition, start.end)),
      otherwise,
    };
    otherwise = withDepth(context, value, [value.condition, value.then, otherwise]);
  }
  return otherwise;
}

function buildValueBody(context: BuildContext, node: cst.ValueBodyCstNode | undefined, fallback: number): Expr {
  const inside = endAfter(first(node?.children.LBrace), fallback);
  const error = first(node?.children.errorValue);
  if (error === undefined) return buildExpression(context, first(node?.children.expression), inside);
  const at = endAfter(first(error.children.Error), inside);
  const message = buildExpression(context, first(error.children.expression), at);
  return withDepth(context, { kind: "errorValue", span: nodeSpan(context, error, inside), message }, [message]);
}

function tokenOr(context: BuildContext, token: IToken | undefined, span: Span): Span {
  return token === undefined ? span : tokenSpan(context.file, token, span.start);
}

/** A string literal; an empty one where the parser had to make it up. */
export function buildText(context: BuildContext, token: IToken | undefined, fallback: number): StringLiteral {
  if (token === undefined) {
    return { kind: "string", span: { file: context.file, start: fallback, end: fallback }, value: "" };
  }
  const span = tokenSpan(context.file, token, fallback);
  return { kind: "string", span, value: buildString(context, token.image, span) };
}

/** What `let` and `for` bind; several names without brackets are reported and taken as if they had them. */
export function buildPatterns(context: BuildContext, node: cst.PatternsCstNode | undefined, fallback: number): Pattern {
  const span = nodeSpan(context, node, fallback);
  const patterns = all(node?.children.pattern).map((pattern) => buildPattern(context, pattern, span.start));
  const [only] = patterns;
  if (only === undefined) return { kind: "bind", span, name: buildIdentifier(context, undefined, span.start) };
  if (patterns.length === 1) return only;
  const text = context.file.text.slice(span.start, span.end);
  const help = text.length < 60 ? `\`(${text})\`` : undefined;
  context.mistakes.push(syntax.patternWithoutBrackets.at(span, {}, { help }));
  return { kind: "tuplePattern", span, items: patterns };
}

function buildPattern(context: BuildContext, node: cst.PatternCstNode, fallback: number): Pattern {
  const span = nodeSpan(context, node, fallback);
  const nodes = all(node.children.patternItem);
  if (first(node.children.LParen) === undefined) {
    return { kind: "bind", span, name: buildIdentifier(context, first(node.children.Name), span.start) };
  }
  checkCommas(context, nodes, "names");
  const items = nodes.flatMap(({ children }) =>
    all(children.pattern).map((pattern) => buildPattern(context, pattern, span.start)),
  );
  const [only] = items;
  // `(a)` is a name in brackets, as `(64)` is a number in brackets.
  return items.length === 1 && only !== undefined && nodes[0]?.children.Comma === undefined
    ? only
    : { kind: "tuplePattern", span, items };
}
