/** A further head of a model: steps from a value to logits of their own, which weigh in the training loss. */
import { headName, outOfRange, wrongArgument } from "../diagnostics/names.ts";
import { outputNotLogits } from "../diagnostics/shapes.ts";
import type { Body, HeadStatement } from "../ir/ast.ts";
import { valueId } from "../ir/graph.ts";
import { evaluate } from "./evaluate.ts";
import { arriving } from "./applyLayer.ts";
import { placeOf, type BodyKind, type BodyPlace, type Flow } from "./frame.ts";
import { namedPath, pathScope } from "./modulePath.ts";
import { describeValue, shapeText, type Tensor } from "./values.ts";
import { valueFromName } from "./valueFromName.ts";

type ElaborateBody = (body: Body, flow: Flow, around: BodyPlace, kind: BodyKind) => Flow;

/** Adds the head to the model; the value that flows on is not its concern. */
export function elaborateHead(
  statement: HeadStatement,
  flow: Flow,
  place: BodyPlace,
  elaborateBody: ElaborateBody,
): void {
  const { frame } = place;
  const { context, model } = frame;
  const { text: name, span } = statement.name;
  const start = statement.from === undefined ? flow : valueFromName(statement.from, place);
  const weight = headWeight(statement, flow, place);
  const paths = pathScope(namedPath(frame.paths, name, true) + ".");
  const inner: BodyPlace = { ...place, frame: { ...frame, within: `head ${name}`, paths } };
  arriving(start, statement.span, frame);
  const end = elaborateBody(statement.body, start === "nothing" ? "error" : start, inner, "head");
  const earlier = model.heads.get(name);
  if (name === "output" || earlier !== undefined) {
    const notes = earlier === undefined ? [] : [{ message: "the other head is here", span: earlier.span }];
    context.report(headName.at(span, { name }, { notes }));
    return;
  }
  const classes = typeof end === "string" ? undefined : logitsOf(end, `head ${name}`, inner);
  if (classes === undefined || typeof end === "string" || weight === undefined) {
    model.heads.set(name, {
      head: { name, value: valueId(0), weight: 1, origin: originOf(statement) },
      span,
      classes: 0,
    });
    return;
  }
  model.heads.set(name, { head: { name, value: end.id, weight, origin: originOf(statement) }, span, classes });
}

function originOf(statement: HeadStatement) {
  return { span: statement.span, calls: [], path: statement.name.text };
}

function headWeight({ weight }: HeadStatement, flow: Flow, place: BodyPlace): number | undefined {
  if (weight === undefined) return 1;
  const { context } = place.frame;
  const value = evaluate(weight, placeOf(place, flow), context);
  if (value.kind === "error") return undefined;
  if (value.kind !== "number") {
    context.report(
      wrongArgument.at(weight.span, { name: "weight", expected: "a number", found: describeValue(value) }),
    );
    return undefined;
  }
  if (value.value >= 0) return value.value;
  context.report(outOfRange.at(weight.span, { what: "`weight`", range: "at least 0", found: String(value.value) }));
  return undefined;
}

/** The number of logits of a value that ends a model or head; undefined after a diagnostic. */
export function logitsOf(end: Tensor, what: string, place: BodyPlace): number | undefined {
  if (end.type.shape.length === 1) return end.type.shape[0];
  const found = shapeText(end.type);
  const [channels, height, width] = end.type.shape;
  const help =
    height === 1 && width === 1
      ? `\`flatten\` at the end makes ${channels} logits`
      : "`flatten` and `linear` make logits";
  place.frame.context.report(outputNotLogits.at(end.madeBy.span, { what, found }, { help }));
  return undefined;
}
