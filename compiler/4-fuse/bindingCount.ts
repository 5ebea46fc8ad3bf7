/** How many storage buffers a kernel binds, and where one that binds too many is cut. */
import { loadsOf } from "../ir/expression.ts";
import type { ValueId } from "../ir/graph.ts";
import { loadedNames, namedValue, valueName } from "../ir/kernel.ts";
import type { Stage } from "../ir/kernel.ts";

/**
 * The stage before which a kernel with too many bindings is cut, so that what stands before it binds few enough: a layer's
 * own sum, if there is one, since what follows such a sum belongs to it; else as late as possible.
 */
export function firstTooMuch(
  stages: readonly Stage[],
  aliasOf: ReadonlyMap<ValueId, ValueId>,
  storageBuffers: number,
): Stage | undefined {
  const fits = (count: number): boolean => {
    const readLater = new Set(stages.slice(count).flatMap(({ computation }) => [...loadedNames(computation)]));
    const kept = stages
      .slice(0, count)
      .map((stage) => ({ ...stage, stored: stage.stored || readLater.has(valueName(stage.value)) }));
    return bindingCount(kept, aliasOf) <= storageBuffers;
  };
  if (fits(stages.length)) return undefined;
  const inside = new Set(stages.map((stage) => valueName(stage.value)));
  const sumsItsOwn = ({ computation }: Stage): boolean =>
    computation.body.kind === "reduce" && loadsOf(computation).filter(({ from }) => !inside.has(from)).length > 0;
  const cuts = stages.flatMap((stage, count) => (count > 0 && fits(count) ? [stage] : [])).reverse();
  return cuts.find(sumsItsOwn) ?? cuts[0] ?? stages[1];
}

/** Storage buffers that a kernel binds. */
export function bindingCount(stages: readonly Stage[], aliasOf: ReadonlyMap<ValueId, ValueId>): number {
  const inside = new Set(stages.map((stage) => stage.value));
  const buffers = new Set<ValueId>();
  for (const stage of stages) {
    for (const load of loadsOf(stage.computation)) {
      const value = namedValue(load.from);
      if (!inside.has(aliasOf.get(value) ?? value)) buffers.add(aliasOf.get(value) ?? value);
    }
    if (stage.stored) buffers.add(stage.overwrites ?? stage.slice?.of ?? stage.value);
  }
  return buffers.size;
}
