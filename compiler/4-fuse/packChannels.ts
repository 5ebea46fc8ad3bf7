/**
 * In: kernels without schedules, every value stored row by row. Out: the same kernels with every batch of images that can be stored in
 * blocks of four channels stored so: neighbours in memory are then channels of one pixel, and a load of four of them is one.
 *
 *   before: %3 conv : N[8x24x24] stored, element [n, c, y, x] at ((n * 8 + c) * 24 + y) * 24 + x
 *   after:  %3 conv : N[8x24x24] packed stored, at (((n * 2 + c div 4) * 24 + y) * 24 + x) * 4 + c mod 4
 *
 * What the host gives or reads stays as it is, and so does what is read under another shape. A value that others lie in is packed
 * where each of them begins and ends with a block.
 */
import type { TensorType, ValueId } from "../ir/graph.ts";
import { typeOf } from "../ir/graph.ts";
import { loadsOf } from "../ir/expression.ts";
import { namedValue } from "../ir/kernel.ts";
import type { KernelPlan } from "../ir/kernel.ts";

/** Channels of a block. */
const block = 4;
/** Of a batch of images: an algorithm that counts pixels along one axis sees no channels. */
const dimensions = 4;

/** The plan with its images packed, but for the storages in `kept`. */
export function packChannels(plan: KernelPlan, kept: ReadonlySet<ValueId>): KernelPlan {
  const refused = new Set([...kept, ...plan.aliasOf.values()]);
  const all = plan.kernels.flatMap((kernel) => kernel.stages);
  const stages = all.filter(({ stored }) => stored);
  for (const { type, slice, overwrites, value, computation } of stages) {
    const start = slice?.starts[1] ?? 0;
    if (slice !== undefined && (start % block !== 0 || (type.shape[0] ?? 0) % block !== 0)) refused.add(slice.of);
    if (overwrites !== undefined) refused.add(overwrites);
    if (computation.axes.length !== dimensions) refused.add(slice?.of ?? value);
  }
  for (const { computation } of all) {
    for (const { from, index } of loadsOf(computation)) if (index.length !== dimensions) refused.add(namedValue(from));
  }
  const types = new Map(plan.types);
  for (const { value, slice, overwrites } of stages) {
    const storage = overwrites ?? slice?.of ?? value;
    const type = typeOf(types, storage);
    if (!refused.has(storage) && canBePacked(type)) types.set(storage, { ...type, packed: true });
  }
  const inTypes = (value: ValueId, type: TensorType): TensorType =>
    types.get(value)?.packed === true ? { ...type, packed: true } : type;
  return {
    ...plan,
    types,
    kernels: plan.kernels.map((kernel) => ({
      ...kernel,
      stages: kernel.stages.map((stage) => ({ ...stage, type: inTypes(stage.value, stage.type) })),
    })),
  };
}

function canBePacked({ batched, shape }: TensorType): boolean {
  return batched && shape.length === 3 && (shape[0] ?? 0) % block === 0;
}
