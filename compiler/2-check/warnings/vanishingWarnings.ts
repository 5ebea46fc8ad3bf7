/**
 * Gradients that saturating activations take away. From each loss backwards, along the way that keeps most of it:
 *
 *   share(input of a node) = share(its output) * what the op lets pass      1 at a head, and before a normalisation
 */
import { vanishingGradient } from "../../diagnostics/warnings.ts";
import type { GraphNode, Parameter, ValueId } from "../../ir/graph.ts";
import { layerName, warnAt, type Subject, type Warning } from "./warning.ts";

/** A layer that less than this reaches hardly learns: five sigmoids or fourteen tanh in a row. */
const leastShare = 1 / 1000;

interface Way {
  readonly share: number;
  /** The node that the value goes through next; absent at a head. */
  readonly node?: GraphNode;
  /** Whether the chain of saturating activations ends there. */
  readonly endsChain?: boolean;
}

/** At most one warning: for the layer that the least of any loss reaches. */
export function vanishingWarnings(subject: Subject): readonly Warning[] {
  const { graph, recipe } = subject;
  const ways = bestWays(subject);
  const frozen = new Set(recipe?.freeze ?? []);
  let worst: { readonly parameter: Parameter; readonly way: Way } | undefined;
  for (const parameter of graph.parameters) {
    const way = ways.get(parameter.value);
    if (way?.node === undefined || frozen.has(parameter.name) || way.share >= leastShare) continue;
    if (worst === undefined || way.share < worst.way.share) worst = { parameter, way };
  }
  if (worst?.way.node === undefined) return [];
  const layer = worst.way.node;
  const passed = saturatingOnTheWay(layer, ways, subject);
  const [nearest] = passed;
  if (nearest === undefined) return [];
  const counts = new Map<string, number>();
  for (const { op } of passed) counts.set(op, (counts.get(op) ?? 0) + 1);
  const activations = [...counts].map(([op, count]) => `${count} ${op}`).join(" and ");
  const params = { layer: layerName(layer), activations, share: Math.round(1 / worst.way.share) };
  const notes = [{ message: `${layerName(layer)} is here`, span: layer.origin.span }];
  const help = "`relu` in their place, or `batch_norm` before them, keeps gradients alive";
  return [warnAt(vanishingGradient, nearest.origin, params, subject, { notes, help })];
}

/** For every value, the way to a loss that keeps most of the gradient. */
function bestWays({ graph, ops }: Subject): ReadonlyMap<ValueId, Way> {
  const ways = new Map<ValueId, Way>();
  for (const { value, weight } of graph.heads) if (weight > 0) ways.set(value, { share: 1 });
  for (const node of [...graph.nodes].reverse()) {
    const after = ways.get(node.output);
    if (after === undefined) continue;
    const op = ops.get(node.op);
    for (const [name, input] of Object.entries(node.inputs)) {
      const endsChain = op?.normalizes === true && name === "x";
      const share = endsChain ? 1 : after.share * (op?.passes ?? 1);
      const known = ways.get(input);
      if (known === undefined || share > known.share) ways.set(input, { share, node, ...(endsChain && { endsChain }) });
    }
  }
  return ways;
}

/** The saturating activations that the gradient of a layer passes, the nearest to the layer first. */
function saturatingOnTheWay(layer: GraphNode, ways: ReadonlyMap<ValueId, Way>, { ops }: Subject): readonly GraphNode[] {
  const passed: GraphNode[] = [];
  for (let way = ways.get(layer.output); way?.node !== undefined && way.endsChain !== true;) {
    if (ops.get(way.node.op)?.passes !== undefined) passed.push(way.node);
    way = ways.get(way.node.output);
  }
  return passed;
}
