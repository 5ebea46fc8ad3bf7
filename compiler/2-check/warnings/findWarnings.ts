/** Every check of a network that compiles and yet is most likely not what was meant. */
import type { HeadStatement, TrainDefinition } from "../../ir/ast.ts";
import type { Graph } from "../../ir/graph.ts";
import type { Recipe } from "../../ir/recipe.ts";
import type { LayerTable } from "../context.ts";
import { batchNormWarnings } from "./batchNormWarnings.ts";
import { dataWarnings } from "./dataWarnings.ts";
import { dropoutWarnings, lossWarnings } from "./endWarnings.ts";
import { headWarnings, unusedLayers } from "./headWarnings.ts";
import { vanishingWarnings } from "./vanishingWarnings.ts";
import type { Subject, Warning } from "./warning.ts";

/** A model that was elaborated, with the recipe that trains it. */
export interface CheckedModel {
  readonly graph: Graph;
  readonly recipe: Recipe | undefined;
  readonly train: TrainDefinition | undefined;
}

/** The warnings of one model with one recipe; one at each place, however often a loop unfolds it. */
export function findWarnings(
  { graph, recipe, train }: CheckedModel,
  options: { readonly batch?: number; readonly ownImages?: boolean },
  heads: readonly HeadStatement[],
  ops: LayerTable["ops"],
): readonly Warning[] {
  const subject: Subject = {
    graph,
    recipe,
    train: recipe === undefined ? undefined : train,
    batch: options.batch,
    ownImages: options.ownImages === true,
    ops,
    nodeOf: new Map(graph.nodes.map((node) => [node.output, node])),
    parameterOf: new Map(graph.parameters.map((parameter) => [parameter.value, parameter])),
  };
  const found = [
    ...headWarnings(subject, heads),
    ...unusedLayers(subject),
    ...lossWarnings(subject),
    ...dropoutWarnings(subject),
    ...batchNormWarnings(subject),
    ...vanishingWarnings(subject),
    ...dataWarnings(subject),
  ];
  const seen = new Set<string>();
  return found.filter(({ diagnostic: { code, span } }) => {
    const place = `${code} ${span.file.path}:${span.start}:${span.end}`;
    const isNew = !seen.has(place);
    seen.add(place);
    return isNew;
  });
}
