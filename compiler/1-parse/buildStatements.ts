/** CST to AST: bodies, statements and steps. */
import type { IToken } from "chevrotain";
import type * as cst from "../../grammar/cst.d.ts";
import * as syntax from "../diagnostics/syntax.ts";
import type {
  Body,
  ForStep,
  HeadStatement,
  Identifier,
  IfStep,
  JoinStep,
  Link,
  RepeatStep,
  Statement,
  Step,
} from "../ir/ast.ts";
import type { LetStatement } from "../ir/ast.ts";
import { joinSpans, type Span } from "../ir/source.ts";
import {
  all,
  buildIdentifier,
  deepestExpression,
  endAfter,
  first,
  missing,
  nodeSpan,
  type BuildContext,
} from "./buildContext.ts";
import { buildArguments, buildExpression, buildPatterns } from "./buildExpressions.ts";
import { tokenSpan } from "./tokenSpans.ts";

/** What stands between braces; an empty body at `fallback` where there are none. */
export function buildBody(context: BuildContext, node: cst.BodyCstNode | undefined, fallback: number): Body {
  const span = nodeSpan(context, node, fallback);
  const statements: Statement[] = [];
  for (const statement of all(node?.children.statement)) {
    const built = buildStatement(context, statement);
    const named = built.length === 0 ? assignedName(statement, statements[statements.length - 1]) : undefined;
    if (named === undefined) statements.push(...built);
    else statements.splice(-1, 1, letOfMissing(context, named));
  }
  return { span, statements };
}

/** The name in `name = …`: it was meant as a `let`, and knowing it keeps its uses from being reported too. */
function assignedName(node: cst.StatementCstNode, previous: Statement | undefined): Identifier | undefined {
  const stray = first(node.children.strayInBody);
  if (stray === undefined || firstStray(stray)?.image !== "=") return undefined;
  if (previous?.kind !== "chain" || previous.from !== undefined || previous.links.length !== 1) return undefined;
  const [link] = previous.links;
  return link?.step.kind === "callStep" && link.step.args.length === 0 ? link.step.callee : undefined;
}

function letOfMissing(context: BuildContext, name: Identifier): LetStatement {
  const { span } = name;
  return { kind: "let", span, pattern: { kind: "bind", span, name }, value: missing(context, span.end) };
}

function buildStatement(context: BuildContext, node: cst.StatementCstNode): readonly Statement[] {
  const { children } = node;
  const at = nodeSpan(context, node, 0).start;
  const letNode = first(children.letStatement);
  if (letNode !== undefined) return [buildLet(context, letNode)];
  const chain = first(children.chain);
  if (chain !== undefined) return [buildChain(context, chain)];
  const input = first(children.inputStatement);
  if (input !== undefined) {
    const span = nodeSpan(context, input, at);
    const after = endAfter(first(input.children.Input), at);
    const sizes = all(input.children.expression).map((size) => buildExpression(context, size, after));
    return [{ kind: "input", span, sizes }];
  }
  const head = first(children.headStatement);
  if (head !== undefined) return [buildHead(context, head)];
  const error = first(children.errorStatement);
  if (error !== undefined) {
    const message = buildExpression(context, first(error.children.expression), nodeSpan(context, error, at).end);
    return [{ kind: "error", span: nodeSpan(context, error, at), message }];
  }
  const branch = first(children.branchStatement);
  if (branch !== undefined) {
    const body = buildBody(context, first(branch.children.body), endAfter(first(branch.children.Branch), at));
    return [{ kind: "branch", span: nodeSpan(context, branch, at), body }];
  }
  const stray = first(children.strayInBody);
  if (stray !== undefined) reportStray(context, firstStray(stray));
  return [];
}

/** The first word of a run that fits nowhere: a bracket if the run begins with one. */
export function firstStray(node: cst.StrayInBodyCstNode | cst.StrayOutsideCstNode): IToken | undefined {
  const words = "StrayInBody" in node.children ? node.children.StrayInBody : undefined;
  const outside = "StrayOutside" in node.children ? node.children.StrayOutside : undefined;
  const brackets = all(node.children.skippedBrackets).flatMap(({ children }) => [
    ...all(children.LParen),
    ...all(children.LBrace),
  ]);
  return [...all(words), ...all(outside), ...brackets].reduce<IToken | undefined>(
    (earliest, token) => (earliest === undefined || token.startOffset < earliest.startOffset ? token : earliest),
    undefined,
  );
}

const strayHelp: Readonly<Record<string, string>> = {
  ",": "steps stand one after another without commas",
  "=": "`let name = value` names a value",
  "->": "`->` joins a step to the one before it",
  "{": "braces follow `concat`, `add`, `multiply`, `branch`, `repeat n`, `for a in b`, `if a`, `else` and `head name`",
  else: "`else` follows the closing brace of an `if`",
  as: "`as` follows a step: `identity as name`",
};

function reportStray(context: BuildContext, token: IToken | undefined): void {
  if (token === undefined || token.image === "") return;
  const span = tokenSpan(context.file, token, 0);
  const isElif = /\b(elif|elsif|elseif)\b[^{}]*$/.test(
    context.file.text.slice(Math.max(0, span.start - 200), span.start),
  );
  const usual = Object.hasOwn(strayHelp, token.image) ? strayHelp[token.image] : undefined;
  const help = token.image === "{" && isElif ? "a further condition is written `else if`" : usual;
  context.remains.push(syntax.notAStep.at(span, { found: `\`${token.image}\`` }, { help }));
}

/** `let pattern = value`, in a body or at the level of the file. */
export function buildLet(context: BuildContext, node: cst.LetStatementCstNode): LetStatement {
  const { children } = node;
  const span = nodeSpan(context, node, 0);
  const pattern = buildPatterns(context, first(children.patterns), endAfter(first(children.Let), span.start));
  const after = endAfter(first(children.Equals), pattern.span.end);
  return { kind: "let", span, pattern, value: buildExpression(context, first(children.expression), after) };
}

function buildHead(context: BuildContext, node: cst.HeadStatementCstNode): HeadStatement {
  const { children } = node;
  const span = nodeSpan(context, node, 0);
  const keyword = endAfter(first(children.Head), span.start);
  const names = all(children.Name);
  const from = first(children.From);
  const weight = first(children.Weight);
  return {
    kind: "head",
    span,
    name: buildIdentifier(context, names[0], keyword),
    ...(from === undefined ? {} : { from: buildIdentifier(context, names[1], endAfter(from, keyword)) }),
    ...(weight === undefined
      ? {}
      : { weight: buildExpression(context, first(children.expression), endAfter(weight, keyword)) }),
    body: buildBody(context, first(children.body), span.end),
  };
}

function buildChain(context: BuildContext, node: cst.ChainCstNode): Statement {
  const { children } = node;
  const span = nodeSpan(context, node, 0);
  const from = first(children.From);
  const links = all(children.link).map((link) => buildLink(context, link, span.start));
  const start = endAfter(from, span.start);
  return {
    kind: "chain",
    span,
    ...(from === undefined ? {} : { from: buildIdentifier(context, first(children.Name), start) }),
    fromAs: all(children.asName).map((name) => buildAsName(context, name)),
    links,
  };
}

function buildLink(context: BuildContext, node: cst.LinkCstNode, fallback: number): Link {
  const span = nodeSpan(context, node, fallback);
  const step = first(node.children.step);
  return {
    span,
    step: step === undefined ? { kind: "missingStep", span } : buildStep(context, step, span),
    as: all(node.children.asName).map((name) => buildAsName(context, name)),
  };
}

/** The name after `as`. */
export function buildAsName(context: BuildContext, node: cst.AsNameCstNode): Identifier {
  return buildIdentifier(context, first(node.children.Name), endAfter(first(node.children.As), 0));
}

function buildStep(context: BuildContext, node: cst.StepCstNode, fallback: Span): Step {
  const { children } = node;
  const span = nodeSpan(context, node, fallback.start);
  const call = first(children.callStep);
  if (call !== undefined) {
    const callee = buildIdentifier(context, first(call.children.Name), span.start);
    if (callee.text === "") return { kind: "missingStep", span };
    return { kind: "callStep", span, callee, args: buildArguments(context, first(call.children.argumentList)) };
  }
  const join = first(children.join);
  if (join !== undefined) return buildJoin(context, join, span);
  const repeat = first(children.repeatStep);
  const controlled = repeat ?? first(children.forStep) ?? first(children.ifStep);
  // Without a body it may not have been meant as control at all: `relu as for`.
  const isCut = controlled !== undefined && first(first(controlled.children.body)?.children.LBrace) === undefined;
  if (isCut) return { kind: "missingStep", span };
  if (repeat !== undefined) return buildRepeat(context, repeat, span);
  const forNode = first(children.forStep);
  if (forNode !== undefined) return buildFor(context, forNode, span);
  const ifNode = first(children.ifStep);
  return ifNode === undefined ? { kind: "missingStep", span } : buildIf(context, ifNode, span);
}

function buildJoin(context: BuildContext, node: cst.JoinCstNode, span: Span): JoinStep {
  const { children } = node;
  const keyword = first(children.Concat) ?? first(children.Add) ?? first(children.Multiply);
  const join = children.Concat !== undefined ? "concat" : children.Add !== undefined ? "add" : "multiply";
  const keywordSpan = keyword === undefined ? span : tokenSpan(context.file, keyword, span.start);
  return { kind: "join", span, join, keywordSpan, body: buildBody(context, first(children.body), keywordSpan.end) };
}

function buildRepeat(context: BuildContext, node: cst.RepeatStepCstNode, span: Span): RepeatStep {
  const { children } = node;
  const index = first(children.asName);
  return {
    kind: "repeat",
    span,
    count: buildExpression(context, first(children.expression), endAfter(first(children.Repeat), span.start)),
    ...(index === undefined ? {} : { index: buildAsName(context, index) }),
    body: buildBody(context, first(children.body), span.end),
  };
}

function buildFor(context: BuildContext, node: cst.ForStepCstNode, span: Span): ForStep {
  const { children } = node;
  const index = first(children.asName);
  const pattern = buildPatterns(context, first(children.patterns), endAfter(first(children.For), span.start));
  return {
    kind: "for",
    span,
    pattern,
    over: buildExpression(context, first(children.expression), endAfter(first(children.In), pattern.span.end)),
    ...(index === undefined ? {} : { index: buildAsName(context, index) }),
    body: buildBody(context, first(children.body), span.end),
  };
}

function buildIf(context: BuildContext, node: cst.IfStepCstNode, span: Span): Step {
  const { children } = node;
  const bodies = all(children.body);
  const branches = [
    { keyword: first(children.If), condition: first(children.expression), body: bodies[0] },
    ...all(children.elseIfStep).map(({ children: inner }) => ({
      keyword: first(inner.If),
      condition: first(inner.expression),
      body: first(inner.body),
    })),
  ];
  if (branches.length > deepestExpression) {
    const what = "conditions inside one another";
    context.mistakes.push(syntax.nestedTooDeeply.at(span, { what, limit: deepestExpression }));
    return { kind: "missingStep", span };
  }
  const last = first(children.Else);
  let otherwise: Body | IfStep | undefined =
    last === undefined ? undefined : buildBody(context, bodies[bodies.length - 1], endAfter(last, span.end));
  // From the last to the first, so that a long `else if` does not recurse.
  for (const { keyword, condition, body } of branches.reverse()) {
    const start = keyword === undefined ? span : tokenSpan(context.file, keyword, span.start);
    const then = buildBody(context, body, endAfter(condition, start.end));
    const step: IfStep = {
      kind: "if",
      span: otherwise === undefined ? joinSpans(start, then.span) : joinSpans(start, otherwise.span),
      condition: buildExpression(context, condition, start.end),
      then,
      ...(otherwise === undefined ? {} : { otherwise }),
    };
    otherwise = step;
  }
  return otherwise !== undefined && "kind" in otherwise ? otherwise : { kind: "missingStep", span };
}
