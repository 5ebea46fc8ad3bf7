/**
 * In: scheduled kernels. Out: the same kernels, in which a stage overwrites a value that dies there, where it may: the two then
 * have one place in memory.
 *
 *   before: k7 %24 = %3 * (1 - %3) * (…) stored, with %3 read by nobody after k7
 *   after:  k7 %24 = %3 * (1 - %3) * (…) overwrites %3
 *
 * An invocation may write where it reads when nobody else reads there: the stage loads the value at its own element, no other stage of
 * the kernel loads it, and each element of the stage is computed by one invocation.
 */
import { loadsOf, map } from "../ir/expression.ts";
import type { Load } from "../ir/expression.ts";
import type { TensorType, ValueId } from "../ir/graph.ts";
import { namedValue, runsBySlab, storageIn } from "../ir/kernel.ts";
import type { Kernel, KernelPlan, Stage } from "../ir/kernel.ts";
import { isComputedOnce } from "../ir/tiles.ts";
import type { LayoutsOf } from "../ir/tiles.ts";

export interface OverwriteOptions {
  readonly typeOf: (value: ValueId) => TensorType;
  /** Values with a place of their own: what the host writes or reads, and what outlives the step. */
  readonly fixed: ReadonlySet<ValueId>;
  readonly layoutsOf: LayoutsOf;
}

/** The plan with values overwritten where they die. */
export function overwriteInPlace(plan: KernelPlan, options: OverwriteOptions): KernelPlan {
  const lastReader = new Map<ValueId, number>();
  plan.kernels.forEach((kernel, index) => {
    for (const { computation } of kernel.stages)
      for (const load of loadsOf(computation)) lastReader.set(storageOf(load), index);
  });
  const requests = new Map(plan.requests);
  // What is stored whole and in its own place so far.
  const whole = new Set<ValueId>();
  const kernels = plan.kernels.map((kernel, index): Kernel => {
    const taken = new Set<ValueId>();
    const stages = kernel.stages.map((stage, position): Stage => {
      const dying = candidates(kernel, stage, position).find(
        (value) => lastReader.get(value) === index && whole.has(value) && !taken.has(value),
      );
      if (dying === undefined) return stage;
      taken.add(dying);
      return { ...stage, overwrites: dying };
    });
    for (const { value, stored, slice } of stages) if (stored && slice === undefined) whole.add(value);
    if (taken.size === 0) return kernel;
    const request = requests.get(kernel.stages);
    if (request !== undefined) requests.set(stages, request);
    return { ...kernel, stages };
  });
  return { ...plan, kernels, ...(plan.requests !== undefined && { requests }) };

  /** The values whose places the stage could take, but for how long they live. */
  function candidates(kernel: Kernel, stage: Stage, position: number): readonly ValueId[] {
    const { value, stored, overwrites, slice, computation, type } = stage;
    if (!stored || overwrites !== undefined || slice !== undefined || options.fixed.has(value)) return [];
    // What all slabs of a batch have in common would be read in the second run where the first has overwritten it.
    if (!type.batched && runsBySlab(kernel, plan)) return [];
    const rootAxes = kernel.stages[0]?.computation.axes ?? [];
    if (kernel.schedule.split !== undefined || !isComputedOnce(options.layoutsOf(kernel)[position], rootAxes))
      return [];
    const { axes, body } = computation;
    const isOwnElement = ({ index, fill }: Load): boolean =>
      fill === undefined && index.every((at, i) => at.kind === "axis" && at.name === axes[i]?.name);
    // A sum's own loads stand in loops, where a neighbour may have written already.
    const atEnd = loadsOf(map(axes, body.kind === "map" ? body.value : body.finish));
    return atEnd.flatMap(({ from }) => {
      const read = namedValue(from);
      const all = kernel.stages.flatMap((each) => loadsOf(each.computation).filter((load) => storageOf(load) === read));
      const isMine = all.length > 0 && all.every((load) => atEnd.includes(load) && isOwnElement(load));
      return isMine && !options.fixed.has(read) && isStoredAlike(options.typeOf(read), type) ? [read] : [];
    });
  }

  function storageOf({ from }: Load): ValueId {
    return storageIn(plan, namedValue(from));
  }
}

function isStoredAlike(a: TensorType, b: TensorType): boolean {
  const sameElements = a.dtype === b.dtype && a.scale === b.scale && (a.packed === true) === (b.packed === true);
  return sameElements && a.batched === b.batched && a.shape.join() === b.shape.join();
}
