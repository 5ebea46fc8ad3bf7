/** Where steps and heads stand in the text of a file, unfolded or not. */
import type { Ast, Body, HeadStatement, IfStep, Statement, Step } from "../../ir/ast.ts";
import type { Span } from "../../ir/source.ts";

export interface AstPlaces {
  readonly heads: readonly HeadStatement[];
  /** The steps that stand for a layer or a block. */
  readonly calls: readonly Span[];
}

/** Gathers the heads and calls in every body of a file. */
export function astPlaces(ast: Ast): AstPlaces {
  const heads: HeadStatement[] = [];
  const calls: Span[] = [];
  const visitBody = (body: Body): void => body.statements.forEach(visitStatement);
  const visitStatement = (statement: Statement): void => {
    if (statement.kind === "chain") for (const { step } of statement.links) visitStep(step);
    else if (statement.kind === "branch") visitBody(statement.body);
    else if (statement.kind === "head") {
      heads.push(statement);
      visitBody(statement.body);
    }
  };
  const visitStep = (step: Step): void => {
    if (step.kind === "callStep") calls.push(step.span);
    else if (step.kind === "if") visitIf(step);
    else if (step.kind !== "missingStep") visitBody(step.body);
  };
  const visitIf = ({ then, otherwise }: IfStep): void => {
    visitBody(then);
    if (otherwise === undefined) return;
    if ("kind" in otherwise) visitIf(otherwise);
    else visitBody(otherwise);
  };
  for (const definition of ast.definitions) {
    if (definition.kind === "model" || definition.kind === "block") visitBody(definition.body);
  }
  return { heads, calls };
}
