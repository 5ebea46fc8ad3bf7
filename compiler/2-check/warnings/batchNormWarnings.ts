/** Batch norm that has one image, or one value a channel, to take its statistics from. */
import { batchNormOfOne } from "../../diagnostics/warnings.ts";
import { shapeElements } from "../../ir/graph.ts";
import type { GraphNode } from "../../ir/graph.ts";
import { dataSets } from "../recipeTables.ts";
import { layerName, recipeLine, warnAt, type Subject, type Warning } from "./warning.ts";

/** At most one warning: at the batch where the recipe gives it, else at the first batch norm that it spoils. */
export function batchNormWarnings(subject: Subject): readonly Warning[] {
  const { recipe, graph, ownImages } = subject;
  if (recipe === undefined) return [];
  const norms = graph.nodes.filter(({ op }) => op === "batch_norm");
  const single = norms.find((node) => positions(node) === 1);
  const batch = subject.batch ?? recipe.batch;
  if (batch === 1) {
    const worst = single ?? norms[0];
    return worst === undefined ? [] : [at(worst, { batch, values: positions(worst) }, norms.length, subject)];
  }
  const { source } = recipe.data;
  if (single === undefined || source.kind !== "named" || ownImages) return [];
  const { trainImages } = dataSets[source.name];
  return trainImages % batch === 1
    ? [at(single, { batch, values: 1, lastOf: trainImages }, norms.length, subject)]
    : [];
}

/** Values of one image in a channel. */
function positions({ type }: GraphNode): number {
  return shapeElements(type.shape.slice(1));
}

function at(
  node: GraphNode,
  found: { readonly batch: number; readonly values: number; readonly lastOf?: number },
  count: number,
  subject: Subject,
): Warning {
  const line = subject.batch === undefined ? recipeLine(subject, "batch") : undefined;
  const help =
    found.lastOf === undefined
      ? "batch 2 at the least; `group_norm` and `layer_norm` do not look at the batch"
      : `batch ${found.batch + 1} leaves another rest`;
  const params = { layer: layerName(node), ...found };
  if (line === undefined) return warnAt(batchNormOfOne, node.origin, params, subject, { help });
  const others = count === 1 ? "" : `, one of ${count} in model ${subject.graph.name}`;
  const notes = [{ message: `${layerName(node)} is here${others}`, span: node.origin.span }];
  const origin = { span: line.value?.span ?? line.span, calls: [], path: "" };
  return warnAt(batchNormOfOne, origin, params, subject, { notes, help });
}
