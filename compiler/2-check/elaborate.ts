/**
 * Elaboration: the body of a model in, its graph out. Blocks, loops and conditions are unfolded and shapes inferred in the
 * same walk, since `in.channels` may decide a branch. After a mistake the value is "error" and passes on in silence.
 *
 *   repeat 2 { conv(8, kernel: 3, padding: 1) -> relu }      input 1x28x28
 *                                                        =>  conv1 8x28x28, relu1, conv2 8x28x28, relu2
 */
import { branchMisplaced, headMisplaced, inputMisplaced, inputTwice } from "../diagnostics/names.ts";
import { inputShape, tooManyElements } from "../diagnostics/shapes.ts";
import type {
  Body, CallStep, ChainStatement, Identifier, InputStatement, Statement, Step,
} from "../ir/ast.ts"; // prettier-ignore
import { elementCount, formatShape, type TensorType } from "../ir/graph.ts";
import { applyLayer } from "./applyLayer.ts";
import { bindPattern } from "./bindPattern.ts";
import { checkParameterNames } from "./buildFileScopes.ts";
import { callBlock } from "./callBlock.ts";
import { ModelAbandoned } from "./context.ts";
import { controlBodies } from "./control.ts";
import { elaborateHead } from "./elaborateHead.ts";
import { elaborateJoin } from "./elaborateJoin.ts";
import { bindCall, evaluate, evaluateWhole, letEvaluator, reportUserError } from "./evaluate.ts";
import { patternNames } from "./fileScope.ts";
import { placeOf, type BodyKind, type BodyPlace, type Flow } from "./frame.ts";
import { innerScope, lookUpStep } from "./scope.ts";
import { valueFromName } from "./valueFromName.ts";

/** Walks a body inside `around`: its names are its own; the value after its last statement is returned. */
export function elaborateBody(body: Body, flow: Flow, around: BodyPlace, kind: BodyKind = around.kind): Flow {
  return elaborateStatements(body.statements, flow, { ...around, kind, scope: innerScope(around.scope) });
}

/** Walks statements in a place whose names are already its own. */
export function elaborateStatements(statements: readonly Statement[], flow: Flow, place: BodyPlace): Flow {
  let current = flow;
  for (const statement of statements) current = elaborateStatement(statement, current, place);
  return current;
}

function elaborateStatement(statement: Statement, flow: Flow, place: BodyPlace): Flow {
  const { context } = place.frame;
  context.spend(statement.span);
  switch (statement.kind) {
    case "chain":
      return elaborateChain(statement, flow, place);
    case "let": {
      const value = evaluate(statement.value, placeOf(place, flow), context);
      checkParameterNames(patternNames(statement.pattern), context);
      bindPattern(statement.pattern, value, statement.value.span, place.scope.names, context);
      return flow;
    }
    case "input":
      return elaborateInput(statement, flow, place);
    case "head":
      if (place.kind === "model" || place.kind === "modelLoop") elaborateHead(statement, flow, place, elaborateBody);
      else context.report(headMisplaced.at(statement.span, { place: bodyText(place) }));
      return flow;
    case "error":
      reportUserError(statement, placeOf(place, flow), context);
      throw new ModelAbandoned();
    case "branch":
      context.report(branchMisplaced.at(statement.span, {}));
      return "error";
  }
}

function bodyText({ kind, frame }: BodyPlace): string {
  if (kind === "branch") return "a branch";
  if (kind === "head") return "a head";
  return kind === "block" ? frame.within : "a loop";
}

/** `input 1 x 28 x 28`: the first value of a model. */
function elaborateInput(statement: InputStatement, flow: Flow, place: BodyPlace): Flow {
  const { context, graph, model, within } = place.frame;
  if (place.kind !== "model") {
    context.report(inputMisplaced.at(statement.span, { place: bodyText(place) }));
    return flow;
  }
  if (model.inputSpan !== undefined) {
    const notes = [{ message: "the first input is here", span: model.inputSpan }];
    context.report(inputTwice.at(statement.span, {}, { notes }));
    return flow;
  }
  model.inputSpan = statement.span;
  const sizes = statement.sizes.map((size) =>
    evaluateWhole(size, "a size of `input`", 1, placeOf(place, flow), context),
  );
  if (sizes.length !== 1 && sizes.length !== 3) {
    context.report(inputShape.at(statement.span, { count: sizes.length }));
    return "error";
  }
  // A step above the input has been reported; what follows has a value again.
  if (sizes.includes(undefined)) return "error";
  const type: TensorType = { shape: sizes as number[], batched: true, dtype: "f32" };
  if (elementCount(type) > 2 ** 31 - 1) {
    context.report(tooManyElements.at(statement.span, { what: "the input", shape: formatShape(type.shape) }));
    return "error";
  }
  return { id: graph.input(type), type, madeBy: { what: "input", span: statement.span, within } };
}

/** `from stem -> conv(8, kernel: 1) as y`: each step takes what the one before it left. */
function elaborateChain(chain: ChainStatement, flow: Flow, place: BodyPlace): Flow {
  let current = chain.from === undefined ? flow : valueFromName(chain.from, place);
  for (const name of chain.fromAs) nameValue(name, current, place);
  for (const { step, as } of chain.links) {
    current = elaborateStep(step, current, place, as[0]);
    for (const name of as) nameValue(name, current, place);
  }
  return current;
}

function nameValue(name: Identifier, flow: Flow, { frame, scope, kind }: BodyPlace): void {
  if (name.text === "") return;
  scope.names.set(name.text, { kind: "tensor", tensor: typeof flow === "string" ? "error" : flow });
  if (typeof flow === "string") return;
  frame.model.names.push({ path: frame.paths.prefix + name.text, value: flow.id });
  if (kind === "model" || kind === "modelLoop") frame.model.named.set(name.text, flow.id);
}

function elaborateStep(step: Step, flow: Flow, place: BodyPlace, name: Identifier | undefined): Flow {
  place.frame.context.spend(step.span);
  switch (step.kind) {
    case "callStep":
      return elaborateCall(step, flow, place, name);
    case "join":
      return elaborateJoin(step, flow, place, elaborateBody);
    case "repeat":
    case "for":
    case "if": {
      let current = flow;
      for (const round of controlBodies(step, flow, place)) {
        if (round === undefined) return "error";
        current = elaborateStatements(round.body.statements, current, round.place);
      }
      return current;
    }
    case "missingStep":
      return "error";
  }
}

function elaborateCall(step: CallStep, flow: Flow, place: BodyPlace, name: Identifier | undefined): Flow {
  const { frame, scope } = place;
  const { context } = frame;
  const callable = lookUpStep(step.callee, scope, context, letEvaluator(context));
  const at = placeOf(place, flow);
  if (callable === undefined) {
    step.args.forEach(({ value }) => evaluate(value, at, context));
    return "error";
  }
  const { target, held } = callable;
  const bound = bindCall(target, step.args, at, context);
  if (bound === undefined) return "error";
  const given = new Map([...held, ...bound]);
  if (target.kind === "layer") return applyLayer(target.layer, given, step.span, flow, frame, name);
  return callBlock(target, given, step.span, flow, frame, name, elaborateStatements);
}
