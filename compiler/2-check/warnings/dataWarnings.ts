/** What the language knows of the named data sets, against the model that is to learn them. Nothing is read. */
import { classCount, imageShape } from "../../diagnostics/warnings.ts";
import { elementCount, formatShape } from "../../ir/graph.ts";
import { cropSize, preparedShape, takesImages } from "../../ir/preparedShape.ts";
import { dataSets, type NamedData } from "../recipeTables.ts";
import { layerName, recipeLine, warnAt, type Subject, type Warning } from "./warning.ts";

/** The number of classes, and the shape of the prepared images. */
export function dataWarnings(subject: Subject): readonly Warning[] {
  const { recipe, graph, ownImages } = subject;
  if (recipe?.data.source.kind !== "named" || ownImages) return [];
  const data = recipe.data.source.name;
  const line = recipeLine(subject, "data");
  const span = line?.value?.span ?? line?.span ?? graph.heads[0]?.origin.span;
  const [input] = graph.inputs;
  if (span === undefined || input === undefined) return [];
  const place = { span, calls: [], path: "" };
  const model = `model ${graph.name}`;
  const warnings: Warning[] = [];
  const { channels: own, size: side } = dataSets[data];
  const images = preparedShape([own, side, side], recipe.data);
  if (!takesImages(input.type.shape, images)) {
    const [channels, height, width] = input.type.shape;
    const size = height === width ? `${height}` : `(${height}, ${width})`;
    const isCropped = recipe.data.augment.some((call) => cropSize(call) !== undefined);
    const help =
      width !== undefined && channels === images[0] && !isCropped ? `\`resize ${size}\` in its braces` : undefined;
    const shape = input.type.shape.length === 1 ? `${formatShape(input.type.shape)} features` : formatShape(input.type.shape); // prettier-ignore
    warnings.push(warnAt(imageShape, place, { model, input: shape, data, images: formatShape(images) }, subject, { help })); // prettier-ignore
  }
  return [...warnings, ...classWarning(subject, data, place, model)];
}

function classWarning(
  subject: Subject,
  data: NamedData,
  place: Parameters<typeof warnAt>[1],
  model: string,
): readonly Warning[] {
  const [main] = subject.graph.heads;
  const end = main && subject.nodeOf.get(main.value);
  const { classes } = dataSets[data];
  if (end?.type.shape.length !== 1) return [];
  const logits = elementCount(end.type);
  if (logits === classes) return [];
  const notes = [{ message: `${logits} logits come from ${layerName(end)}`, span: end.origin.span }];
  const help = end.op === "linear" ? `\`linear(${classes})\` at the end` : undefined;
  return [warnAt(classCount, place, { model, logits, data, classes }, subject, { notes, help })];
}
