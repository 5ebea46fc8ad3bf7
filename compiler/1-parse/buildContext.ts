/** What the builders of the AST share: the file, its comments, and where diagnostics go. */
import type { CstNode, IToken } from "chevrotain";
import * as syntax from "../diagnostics/syntax.ts";
import type { Expr, Identifier, MissingExpr } from "../ir/ast.ts";
import type { Diagnostic } from "../ir/diagnostic.ts";
import type { SourceFile, Span } from "../ir/source.ts";
import { endOf, tokenSpan } from "./tokenSpans.ts";

/** Operations inside one another in an expression; the passes that follow recurse over them. */
export const deepestExpression = 500;

export interface BuildContext {
  readonly file: SourceFile;
  readonly comments: readonly IToken[];
  /** Slips that the grammar accepts. */
  readonly mistakes: Diagnostic[];
  /** What is most often the remains of another mistake: words that fit nowhere, a comma that is missing. */
  readonly remains: Diagnostic[];
  /** How deep each expression built so far is. */
  readonly depths: WeakMap<Expr, number>;
}

/** A context for one file, without any diagnostics yet. */
export function newContext(file: SourceFile, comments: readonly IToken[]): BuildContext {
  return { file, comments, mistakes: [], remains: [], depths: new WeakMap() };
}

/**
 * The first of a CST node's children of one kind. The generated types promise lists that are absent where the parser
 * recovered, so every access goes through here.
 */
export function first<T>(list: readonly T[] | undefined): T | undefined {
  return list?.[0];
}

/** All of a CST node's children of one kind, whether or not there are any. */
export function all<T>(list: readonly T[] | undefined): readonly T[] {
  return list ?? [];
}

/** Where a node stands; an absent or empty one stands at `fallback`, the end of what came before. */
export function nodeSpan(context: BuildContext, node: CstNode | undefined, fallback: number): Span {
  const start = node?.location?.startOffset;
  const end = node?.location?.endOffset;
  if (start === undefined || Number.isNaN(start) || end === undefined || Number.isNaN(end)) {
    return { file: context.file, start: fallback, end: fallback };
  }
  return { file: context.file, start, end: Math.max(start, end + 1) };
}

/** The end of a node or token, for what follows it; `fallback` if it is absent or was made up by recovery. */
export function endAfter(thing: CstNode | IToken | undefined, fallback: number): number {
  if (thing === undefined) return fallback;
  const end = "image" in thing ? endOf(thing) : (thing.location?.endOffset ?? NaN) + 1;
  return Number.isNaN(end) ? fallback : end;
}

/** A name at its place; "" where the parser had to make one up. */
export function buildIdentifier(context: BuildContext, token: IToken | undefined, fallback: number): Identifier {
  if (token === undefined) return { span: { file: context.file, start: fallback, end: fallback }, text: "" };
  return { span: tokenSpan(context.file, token, fallback), text: token.image };
}

/** Stands in for a value that is not there; its diagnostic has been reported. */
export function missing(context: BuildContext, at: number): MissingExpr {
  return { kind: "missing", span: { file: context.file, start: at, end: at } };
}

/** Notes how deep an expression is; one that is too deep is reported and replaced. */
export function withDepth(context: BuildContext, expr: Expr, parts: readonly Expr[]): Expr {
  let depth = 0;
  for (const part of parts) depth = Math.max(depth, context.depths.get(part) ?? 0);
  depth++;
  if (depth > deepestExpression) {
    const stand = missing(context, expr.span.end);
    // What holds it is as deep, and must not be reported again.
    context.depths.set(stand, Infinity);
    if (depth !== Infinity) {
      const what = "operations inside one another";
      context.mistakes.push(syntax.nestedTooDeeply.at(expr.span, { what, limit: deepestExpression }));
    }
    return stand;
  }
  context.depths.set(expr, depth);
  return expr;
}

/** Reports every part but the last that has no comma after it. */
export function checkCommas(
  context: BuildContext,
  items: readonly (CstNode & { readonly children: { readonly Comma?: IToken[] } })[],
  between: string,
): void {
  items.slice(0, -1).forEach((item) => {
    if (item.children.Comma !== undefined || item.recoveredNode === true) return;
    const { end } = nodeSpan(context, item, 0);
    context.remains.push(syntax.missingComma.at({ file: context.file, start: end, end }, { between }));
  });
}
