/**
 * In: a kernel that sums over the batch for few elements, such as the mean of each channel. Out: two: the first sums in
 * parts, one invocation a part; the second adds the parts in order, and does what followed the sum. Few long sums would leave
 * an adapter idle, and a long sum in f32 loses digits that a sum of sums keeps.
 *
 *   before: [batch_mean over n y x, running_mean_update]
 *   after:  [batch_mean over n y x, in 16 parts], [batch_mean over the parts, running_mean_update]
 */
import { axis, iadd, idx, imul, load } from "../ir/expression.ts";
import type { Axis, IndexExpr, ReduceBody } from "../ir/expression.ts";
import { elementCount } from "../ir/graph.ts";
import type { TensorType, ValueId } from "../ir/graph.ts";
import { partStride, valueName } from "../ir/kernel.ts";
import type { Kernel, Schedule, Stage } from "../ir/kernel.ts";
import { loopStages } from "../ir/tiles.ts";

/** Elements of a sum over the batch up to which it is not worth a second kernel that adds its parts. */
const shortSum = { cpu: 4096, gpu: 1024 } as const;

/** Whether a sum is short enough for one invocation a result. */
export function isShortSum(body: ReduceBody, adapterClass: keyof typeof shortSum): boolean {
  return body.over.reduce((product, axis) => product * axis.extent, 1) <= shortSum[adapterClass];
}

/** The sums of a kernel alone, to be scheduled in parts; undefined when they are better left or cannot be. */
export function sumsToSplit(kernel: Kernel, adapterClass: "cpu" | "gpu"): Kernel | undefined {
  const body = kernel.stages[0]?.computation.body;
  if (body?.kind !== "reduce" || body.over[0]?.batch !== true || body.over.length < 2 || isShortSum(body, adapterClass))
    return undefined;
  return sumsAlone(kernel);
}

/** The sums of a kernel alone, however short; undefined when the root is no sum. */
export function sumsAlone(kernel: Kernel): Kernel | undefined {
  const sums = loopStages(kernel);
  if (
    sums.length === 0 ||
    sums.some(({ computation }) => computation.body.kind !== "reduce" || computation.body.combine !== "sum")
  )
    return undefined;
  // Where the whole sum lies is no place for its parts.
  const stages = sums.map((stage): Stage => {
    const { slice: _slice, ...rest } = withoutFinish(stage);
    return { ...rest, stored: true };
  });
  return { ...kernel, name: `${kernel.name}_parts`, stages };
}

export interface SplitKernels {
  readonly sums: Kernel;
  readonly rest: Kernel;
  readonly scratch: ReadonlyMap<ValueId, TensorType>;
}

/** The two kernels, from the sums with the schedule chosen for them; `fresh` makes the parts' values. */
export function splitReduction(kernel: Kernel, sums: Kernel, schedule: Schedule, fresh: () => ValueId): SplitKernels {
  const parts = schedule.split?.parts ?? 1;
  const scratch = new Map<ValueId, TensorType>();
  const partsOf = new Map<ValueId, ValueId>();
  const stages = sums.stages.map((stage): Stage => {
    const value = fresh();
    partsOf.set(stage.value, value);
    scratch.set(value, { shape: [parts, partStride(elementCount(stage.type))], batched: false, dtype: "f32" });
    return { ...stage, value };
  });
  const rest = kernel.stages.map((stage): Stage => {
    const value = partsOf.get(stage.value);
    return value === undefined ? stage : addParts(stage, value, axis("p", parts));
  });
  return { sums: { ...sums, stages, schedule }, rest: { ...kernel, stages: rest }, scratch };
}

function withoutFinish(stage: Stage): Stage {
  const { body } = stage.computation;
  if (body.kind !== "reduce") return stage;
  return { ...stage, computation: { ...stage.computation, body: { ...body, finish: { kind: "reduced" } } } };
}

/** The stage as the sum of its parts; its finish stays. */
function addParts(stage: Stage, parts: ValueId, over: Axis): Stage {
  const { axes, body } = stage.computation;
  if (body.kind !== "reduce") return stage;
  const linear = axes.reduce<IndexExpr>((outer, each) => iadd(imul(outer, each.extent), each), idx(0));
  const value = load(valueName(parts), [idx(over), linear]);
  return {
    ...stage,
    computation: { axes, body: { kind: "reduce", over: [over], combine: "sum", value, finish: body.finish } },
    roles: new Map([...stage.roles, [valueName(parts), `${stage.op}_parts`]]),
  };
}
