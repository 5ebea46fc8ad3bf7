/** A whole model: its parameters given, its body walked, its end checked. */
import { headClasses } from "../diagnostics/shapes.ts";
import type { ModelDefinition } from "../ir/ast.ts";
import type { Graph } from "../ir/graph.ts";
import { ModelAbandoned, type CheckContext } from "./context.ts";
import { elaborateStatements } from "./elaborate.ts";
import { arriving } from "./applyLayer.ts";
import { logitsOf } from "./elaborateHead.ts";
import type { BodyPlace, Flow, Frame, ModelFrame } from "./frame.ts";
import { createGraphBuilder } from "./graphBuilder.ts";
import { pathScope } from "./modulePath.ts";
import { innerScope, type Scope } from "./scope.ts";

/** The model's graph; undefined after a diagnostic. `parameters` is the scope that holds its parameters. */
export function elaborateModel(
  model: ModelDefinition,
  parameters: Scope,
  anyOutput: boolean,
  context: CheckContext,
): Graph | undefined {
  const graph = createGraphBuilder(context);
  const state: ModelFrame = {
    heads: new Map(),
    named: new Map(),
    names: [],
    inputSpan: undefined,
    reportedNoInput: false,
  };
  const within = `model ${model.name.text}`;
  const frame: Frame = { context, graph, within, paths: pathScope(""), calls: [], model: state };
  const place: BodyPlace = { frame, scope: innerScope(parameters), kind: "model" };
  const flow = untilAbandoned(() => elaborateStatements(model.body.statements, "nothing", place));
  if (flow === undefined) return undefined;
  const end = arriving(flow, model.name.span, frame);
  if (end === undefined) return undefined;
  const classes = anyOutput ? undefined : logitsOf(end, within, place);
  const origin = { span: end.madeBy.span, calls: [], path: "" };
  graph.head({ name: "output", value: end.id, weight: 1, origin });
  for (const { head, span, classes: found } of state.heads.values()) {
    if (classes !== undefined && found !== 0 && found !== classes) {
      context.report(headClasses.at(span, { head: head.name, found, classes }));
    }
    graph.head(head);
  }
  return { ...graph.finish(model.name.text, state.named), names: state.names };
}

/** What a walk leaves; undefined where it met an `error`, behind which the model's author expects nothing to be in order. */
function untilAbandoned(walk: () => Flow): Flow | undefined {
  try {
    return walk();
  } catch (error) {
    if (error instanceof ModelAbandoned) return undefined;
    throw error;
  }
}
