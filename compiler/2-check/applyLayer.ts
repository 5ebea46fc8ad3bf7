/** One layer at one place: its arguments and its input checked, its nodes and parameters added to the graph. */
import { noModelInput, needsFlatten, needsImage } from "../diagnostics/shapes.ts";
import { placeProblem } from "../diagnostics/problem.ts";
import { elementCount, type Attrs, type Origin } from "../ir/graph.ts";
import type { Identifier } from "../ir/ast.ts";
import type { Span } from "../ir/source.ts";
import type { LayerDefinition } from "../ops/defineOp.ts";
import { sourceNote, type Flow, type Frame } from "./frame.ts";
import { StepFailed } from "./graphBuilder.ts";
import { checkArguments } from "./layerArguments.ts";
import { namedPath, numberedPath } from "./modulePath.ts";
import { shapeText, type BoundArguments, type Tensor } from "./values.ts";

/** The value after the layer; "error" after a diagnostic. `name` is what `as` calls the result. */
export function applyLayer(
  layer: LayerDefinition,
  given: BoundArguments,
  span: Span,
  flow: Flow,
  frame: Frame,
  name: Identifier | undefined,
): Flow {
  const attrs = checkArguments(layer.name, layer.arguments, given, span, frame.context);
  // The number is taken even when the layer fails, so that the names of later ones do not depend on mistakes.
  const automatic = name === undefined ? numberedPath(frame.paths, layer.name) : undefined;
  const x = arriving(flow, span, frame);
  if (attrs === undefined || x === undefined || !accepts(layer, attrs, given, span, x, frame)) return "error";
  try {
    return build(layer, attrs, span, x, frame, automatic ?? pathOf(layer, attrs, x, frame, name));
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    frame.context.report(error.diagnostic);
    return "error";
  }
}

/** The tensor that arrives at a step; undefined when there is none, reported once a model. */
export function arriving(flow: Flow, span: Span, frame: Frame): Tensor | undefined {
  if (flow === "nothing" && !frame.model.reportedNoInput) {
    frame.model.reportedNoInput = true;
    frame.context.report(noModelInput.at(span, {}));
  }
  return typeof flow === "string" ? undefined : flow;
}

/** Whether the layer takes such an input; reports it when not. */
function accepts(
  layer: LayerDefinition,
  attrs: Attrs,
  given: BoundArguments,
  span: Span,
  x: Tensor,
  frame: Frame,
): boolean {
  const found = shapeText(x.type);
  const notes = [sourceNote(found, x)];
  const isVector = x.type.shape.length === 1;
  if (layer.expects === "image" && isVector) {
    const help = x.madeBy.what === "flatten" ? `${layer.name} goes before \`flatten\`` : undefined;
    frame.context.report(needsImage.at(span, { layer: layer.name, found }, { notes, help }));
    return false;
  }
  if (layer.expects === "vector" && !isVector) {
    const help = `\`flatten\` before it makes ${elementCount(x.type)} features of ${found}`;
    frame.context.report(needsFlatten.at(span, { layer: layer.name, found }, { notes, help }));
    return false;
  }
  const problem = layer.check?.(x.type, attrs);
  if (problem === undefined) return true;
  const at = problem.argument === undefined ? undefined : given.get(problem.argument)?.span;
  frame.context.report(placeProblem(problem, at ?? span, notes));
  return false;
}

/** The path of a layer that `as` names: the name is used up only by layers that own parameters. */
function pathOf(layer: LayerDefinition, attrs: Attrs, x: Tensor, frame: Frame, name: Identifier | undefined): string {
  return namedPath(frame.paths, name?.text ?? layer.name, ownsParameters(layer, attrs, x));
}

/** Runs the layer's `build` on nothing, to see whether it asks for a parameter or a running statistic. */
function ownsParameters(layer: LayerDefinition, args: Attrs, x: Tensor): boolean {
  let owns = false;
  const note = (): Tensor["id"] => {
    owns = true;
    return x.id;
  };
  layer.build({ args, x: x.id, type: x.type, parameter: note, state: note, node: () => x.id });
  return owns;
}

function build(layer: LayerDefinition, args: Attrs, span: Span, x: Tensor, frame: Frame, path: string): Tensor {
  const calls = frame.calls.map(({ block, span: callSpan }) => ({ block, span: callSpan }));
  const origin: Origin = { span, calls, path };
  const { graph } = frame;
  const id = layer.build({
    args,
    x: x.id,
    type: x.type,
    parameter: (name, role, shape, fanIn, fanOut, start) =>
      graph.parameter({
        name: `${path}.${name}`,
        type: { shape, batched: false, dtype: "f32" },
        role,
        fanIn,
        fanOut,
        ...(start !== undefined && { start }),
        op: layer.name,
        origin,
      }),
    state: (name, shape, initial) => graph.state(`${path}.${name}`, shape, initial),
    node: (op, inputs, attrs = {}) => graph.node(op, inputs, attrs, origin),
  });
  return { id, type: graph.typeOf(id), madeBy: { what: layer.name, span, within: frame.within } };
}
