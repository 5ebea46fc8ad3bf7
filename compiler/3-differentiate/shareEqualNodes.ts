/**
 * shareEqualNodes: nodes of the same op on the same inputs become one. Gradients of one value through several uses often ask
 * for the same sum twice.
 *
 *   %5 = channel_sum(x=%3), %9 = channel_sum(x=%3), %10 = f(%9)   becomes   %5 = channel_sum(x=%3), %10 = f(%5)
 */
import type { GraphNode, ValueId } from "../ir/graph.ts";

/** The nodes without those that compute what an earlier one has computed; the values of `own` stay what they are. */
export function shareEqualNodes(nodes: readonly GraphNode[], own: ReadonlySet<ValueId>): readonly GraphNode[] {
  const replacedBy = new Map<ValueId, ValueId>();
  const known = new Map<string, ValueId>();
  const sharedOf = (value: ValueId): ValueId => replacedBy.get(value) ?? value;
  return nodes.flatMap((node): readonly GraphNode[] => {
    const entries = Object.entries(node.inputs).map(([name, value]) => [name, sharedOf(value)] as const);
    const shared = { ...node, inputs: Object.fromEntries(entries) };
    const key = questionOf(shared);
    const before = known.get(key);
    if (before !== undefined && !own.has(node.output)) {
      replacedBy.set(node.output, before);
      return [];
    }
    if (before === undefined) known.set(key, node.output);
    return [shared];
  });
}

/** Equal for nodes that compute the same. */
export function questionOf({ op, attrs, inputs }: GraphNode): string {
  return JSON.stringify([op, attrs, inputs]);
}
