/** `repeat`, `for` and `if`: the bodies that they stand for, one after another, each with its own names. */
import { notATuple } from "../diagnostics/names.ts";
import type { Body, ForStep, IfStep, RepeatStep } from "../ir/ast.ts";
import { bindName, bindPattern } from "./bindPattern.ts";
import { checkParameterNames } from "./buildFileScopes.ts";
import { evaluate, evaluateCondition, evaluateWhole } from "./evaluate.ts";
import { patternNames } from "./fileScope.ts";
import { placeOf, type BodyPlace, type Flow } from "./frame.ts";
import { innerScope } from "./scope.ts";
import { describeValue, numberValue } from "./values.ts";

export type ControlStep = RepeatStep | ForStep | IfStep;

export function isControl(step: { readonly kind: string }): step is ControlStep {
  return step.kind === "repeat" || step.kind === "for" || step.kind === "if";
}

/**
 * The bodies to walk, as they are reached; `undefined` once when what decides them is an error, so that the value is lost.
 * `flow` is what arrives at the step itself.
 */
export function* controlBodies(
  step: ControlStep,
  flow: Flow,
  around: BodyPlace,
): Generator<{ readonly body: Body; readonly place: BodyPlace } | undefined> {
  const { context } = around.frame;
  const inner = (): BodyPlace => ({ ...around, scope: innerScope(around.scope) });
  // `input` may stand under `if`, but not in a loop.
  const loop = (): BodyPlace => ({ ...inner(), kind: around.kind === "model" ? "modelLoop" : around.kind });
  switch (step.kind) {
    case "if": {
      const condition = evaluateCondition(step.condition, placeOf(around, flow), context);
      if (condition === undefined) yield undefined;
      else if (condition) yield { body: step.then, place: inner() };
      else if (step.otherwise !== undefined && "kind" in step.otherwise) {
        yield* controlBodies(step.otherwise, flow, around);
      } else if (step.otherwise !== undefined) yield { body: step.otherwise, place: inner() };
      return;
    }
    case "repeat": {
      const count = evaluateWhole(step.count, "repeat", 0, placeOf(around, flow), context);
      if (count === undefined) yield undefined;
      for (let i = 0; i < (count ?? 0); i++) {
        context.spend(step.span);
        const place = loop();
        if (step.index !== undefined) bindName(step.index, numberValue(i), place.scope.names, context);
        yield { body: step.body, place };
      }
      return;
    }
    case "for": {
      checkParameterNames([...patternNames(step.pattern), ...(step.index === undefined ? [] : [step.index])], context);
      const over = evaluate(step.over, placeOf(around, flow), context);
      if (over.kind !== "tuple") {
        if (over.kind !== "error") {
          const help = over.kind === "number" ? "`repeat n as i { }` counts from 0" : undefined;
          context.report(notATuple.at(step.over.span, { found: describeValue(over) }, { help }));
        }
        yield undefined;
        return;
      }
      for (const [i, item] of over.items.entries()) {
        context.spend(step.span);
        const place = loop();
        bindPattern(step.pattern, item, step.over.span, place.scope.names, context);
        if (step.index !== undefined) bindName(step.index, numberValue(i), place.scope.names, context);
        yield { body: step.body, place };
      }
      return;
    }
  }
}
