/** A block unfolded where it is called: its parameters bound, its body walked with names and numbers of its own. */
import { missingArgument, recursion, tooLarge } from "../diagnostics/names.ts";
import type { Identifier, Statement } from "../ir/ast.ts";
import type { Span } from "../ir/source.ts";
import { bindName } from "./bindPattern.ts";
import { CheckingStopped, unfoldingLimits, withinCall } from "./context.ts";
import { evaluate } from "./evaluate.ts";
import { type BodyPlace, type Flow, type Frame } from "./frame.ts";
import { namedPath, numberedPath, pathScope } from "./modulePath.ts";
import { fileLevelScope, innerScope } from "./scope.ts";
import type { BoundArguments, CallTarget } from "./values.ts";

type ElaborateStatements = (statements: readonly Statement[], flow: Flow, place: BodyPlace) => Flow;

/** The value after the block's last statement. `name` is what `as` calls the result, and so the block's module. */
export function callBlock(
  { block, file }: CallTarget & { readonly kind: "block" },
  given: BoundArguments,
  span: Span,
  flow: Flow,
  frame: Frame,
  name: Identifier | undefined,
  elaborateStatements: ElaborateStatements,
): Flow {
  const { context } = frame;
  const blockName = block.name.text;
  if (frame.calls.some(({ definition }) => definition === block)) {
    context.report(recursion.at(span, { block: blockName }));
    return "error";
  }
  if (frame.calls.length >= unfoldingLimits.callDepth) {
    context.report(tooLarge.at(span, { what: "the depth of block calls", limit: unfoldingLimits.callDepth }));
    throw new CheckingStopped();
  }
  const missing = block.params.filter((param) => param.default === undefined && !given.has(param.name.text));
  if (missing.length > 0) {
    const names = missing.map((param) => param.name.text);
    const notes = [{ message: `\`${blockName}\` is defined here`, span: block.name.span }];
    context.report(missingArgument.at(span, { callee: blockName, missing: names }, { notes }));
    return "error";
  }
  const path =
    name === undefined || name.text === ""
      ? numberedPath(frame.paths, blockName)
      : namedPath(frame.paths, name.text, true);
  const inBlock = withinCall(context, { message: `in block ${blockName}, called here`, span, within: frame.within });
  const inner: Frame = {
    ...frame,
    context: inBlock,
    within: `block ${blockName}`,
    paths: pathScope(`${path}.`),
    calls: [...frame.calls, { block: blockName, span, definition: block }],
  };
  const scope = innerScope(fileLevelScope(file));
  for (const param of block.params) {
    const argument = given.get(param.name.text);
    const value =
      argument?.value ??
      // A default sees the parameters before it, and the shape that arrives at the block.
      (param.default === undefined
        ? ({ kind: "error" } as const)
        : evaluate(param.default, { scope, arriving: flow }, inBlock));
    bindName(param.name, value, scope.names, context);
  }
  const end = elaborateStatements(block.body.statements, flow, {
    frame: inner,
    scope: innerScope(scope),
    kind: "block",
  });
  if (typeof end !== "string") frame.model.names.push({ path, value: end.id });
  return end;
}
