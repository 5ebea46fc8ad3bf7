import { typeOf, typesOf } from "../ir/graph.ts";
import type { Graph, ValueId } from "../ir/graph.ts";
import type { FeaturePlan, InferencePlan, PlacePlan } from "../../runtime/plan.ts";

/** Where the further heads of prediction's graph lie, by name; nothing where it has the logits alone. */
export function featuresOf(graph: Graph, placeOf: (value: ValueId) => PlacePlan): Pick<InferencePlan, "features"> {
  const heads = graph.heads.slice(1);
  if (heads.length === 0) return {};
  const types = typesOf(graph);
  const placed = heads.map(({ name, value }): readonly [string, FeaturePlan] => {
    return [name, { ...placeOf(value), shape: typeOf(types, value).shape }];
  });
  return { features: Object.fromEntries(placed) };
}
