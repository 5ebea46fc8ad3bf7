/**
 * CST to AST. Comes in: the parser's tree and the file's comments. Goes out: what was written, every node with its span,
 * and a diagnostic for each slip that the grammar accepts. Guarantees that nothing is undefined where recovery left a
 * gap: a node of kind "missing", or a name "", stands there.
 *
 *   modelDefinition(Model Name body)   becomes   { kind: "model", name, params: [], body, doc: "…" }
 */
import type { IToken } from "chevrotain";
import type * as cst from "../../grammar/cst.d.ts";
import * as t from "../../grammar/tokens.ts";
import { didYouMean } from "../diagnostics/suggest.ts";
import * as syntax from "../diagnostics/syntax.ts";
import type { Ast, Definition, FormalParameter } from "../ir/ast.ts";
import { joinSpans, type SourceFile } from "../ir/source.ts";
import type { PassResult } from "../pass.ts";
import {
  all,
  buildIdentifier,
  checkCommas,
  endAfter,
  first,
  newContext,
  nodeSpan,
  type BuildContext,
} from "./buildContext.ts";
import { buildExpression, buildText } from "./buildExpressions.ts";
import { buildTrain } from "./buildRecipe.ts";
import { buildBody, buildLet, firstStray } from "./buildStatements.ts";
import { parse } from "./parse.ts";
import { isAllowComment } from "./readAllows.ts";
import { withoutConsequences } from "./syntaxErrors.ts";
import { tokenSpan } from "./tokenSpans.ts";

/** Parses one file to its AST, with all of its syntax diagnostics in the order of the text. */
export function buildAst(file: SourceFile): PassResult<Ast> {
  const parsed = parse(file);
  const context = newContext(file, parsed.comments);
  const definitions = all(parsed.cst.children.definition).flatMap((node) => buildDefinition(context, node));
  return {
    output: { file, definitions, allows: parsed.allows },
    diagnostics: withoutConsequences(
      file,
      [...parsed.wordDiagnostics, ...context.mistakes],
      parsed.errorDiagnostics,
      context.remains,
    ),
  };
}

function buildDefinition(context: BuildContext, node: cst.DefinitionCstNode): readonly Definition[] {
  const { children } = node;
  const letNode = first(children.letStatement);
  if (letNode !== undefined) return [buildLet(context, letNode)];
  const train = first(children.trainDefinition);
  if (train !== undefined) return [buildTrain(context, train)];
  const importNode = first(children.importDefinition);
  if (importNode !== undefined) {
    const span = nodeSpan(context, importNode, 0);
    const token = first(importNode.children.Text);
    const path = buildText(context, token, span.end);
    // Where a path's end is a guess, looking for the file would only add to the one mistake.
    return [{ kind: "import", span, path: token?.tokenType === t.UnclosedText ? { ...path, value: "" } : path }];
  }
  const model = first(children.modelDefinition);
  if (model !== undefined) return [buildNetwork(context, model, "model", first(model.children.Model))];
  const block = first(children.blockDefinition);
  if (block !== undefined) return [buildNetwork(context, block, "block", first(block.children.Block))];
  const stray = first(children.strayOutside);
  if (stray !== undefined) reportStray(context, stray);
  return [];
}

function buildNetwork(
  context: BuildContext,
  node: cst.ModelDefinitionCstNode | cst.BlockDefinitionCstNode,
  kind: "model" | "block",
  keyword: IToken | undefined,
): Definition {
  const span = nodeSpan(context, node, 0);
  const name = buildIdentifier(context, first(node.children.Name), endAfter(keyword, span.start));
  return {
    kind,
    span,
    name,
    params: buildParameters(context, first(node.children.parameters)),
    body: buildBody(context, first(node.children.body), span.end),
    doc: docComment(context, span.start),
  };
}

function buildParameters(context: BuildContext, node: cst.ParametersCstNode | undefined): readonly FormalParameter[] {
  const items = all(node?.children.parameter);
  checkCommas(context, items, "parameters");
  return items.map((item) => {
    const { children } = item;
    const name = buildIdentifier(context, first(children.Name), nodeSpan(context, item, 0).start);
    const sign = first(children.Equals) ?? first(children.Colon);
    if (sign === undefined) return { span: name.span, name };
    const value = buildExpression(context, first(children.expression), endAfter(sign, name.span.end));
    if (sign.tokenType === t.Colon) {
      const text = context.file.text.slice(value.span.start, value.span.end);
      const help = text.length > 0 && text.length < 40 ? `\`${name.text} = ${text}\`` : undefined;
      const at = joinSpans(name.span, tokenSpan(context.file, sign, name.span.end));
      context.mistakes.push(syntax.defaultColon.at(at, { name: name.text }, { help }));
    }
    return { span: joinSpans(name.span, value.span), name, default: value };
  });
}

function reportStray(context: BuildContext, node: cst.StrayOutsideCstNode): void {
  const token = firstStray(node);
  if (token === undefined || token.image === "") return;
  const help = didYouMean(token.image, ["model", "block", "train", "let", "import"]);
  const span = tokenSpan(context.file, token, 0);
  context.remains.push(syntax.notADefinition.at(span, { found: `\`${token.image}\`` }, { help }));
}

/** The comment lines that end directly above `offset`, without their slashes. */
function docComment(context: BuildContext, offset: number): string {
  const { text } = context.file;
  const lines: string[] = [];
  let end = offset;
  for (const comment of context.comments.filter(({ startOffset }) => startOffset < offset).reverse()) {
    const between = text.slice(comment.startOffset + comment.image.length, end);
    const before = text.slice(text.lastIndexOf("\n", comment.startOffset - 1) + 1, comment.startOffset);
    // A comment behind code belongs to that code; a blank line parts a comment from what follows.
    if (between.trim() !== "" || between.split("\n").length > 2 || before.trim() !== "") break;
    if (!isAllowComment(comment.image)) lines.unshift(commentText(comment.image));
    end = comment.startOffset;
  }
  return lines.join("\n");
}

function commentText(image: string): string {
  if (image.startsWith("//")) return image.replace(/^\/\/+ ?/, "").trimEnd();
  return image
    .slice(2, -2)
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, "").trim())
    .join("\n")
    .trim();
}
