/**
 * In: kernels without schedules, every value stored as f32. Out: the same kernels with activations stored as f16, forward values and
 * their gradients: a kernel converts what it loads to f32 and what it stores to f16, and computes in between as ever.
 *
 *   before: %3 conv : N[8x24x24] stored
 *   after:  %3 conv : N[8x24x24] f16 stored
 *
 * Parameters, their gradients, running statistics, what the host gives or reads, logits, statistics and losses stay f32.
 * Gradients of a mean over a batch are small, and f16 ends at 6e-8: they are stored times a power of two. Since whoever loads
 * one divides by it again, neither the loss nor the update knows of it.
 */
import type { ReduceBody } from "../ir/expression.ts";
import { shapeElements, typeOf } from "../ir/graph.ts";
import type { ValueId } from "../ir/graph.ts";
import { loadedNames, namedValue } from "../ir/kernel.ts";
import type { KernelPlan, Stage } from "../ir/kernel.ts";

export interface HalfOptions {
  /** What the loss is a mean of. */
  readonly batch: number;
  /** Storages of values that the host reads, and of logits: never f16. */
  readonly whole: ReadonlySet<ValueId>;
  /** Storages that the backward pass starts from: labels, or a cotangent. What is computed from them is a gradient. */
  readonly targets: readonly ValueId[];
  /** Whether an op gives statistics or the loss's own gradients. */
  readonly hasWideRange: (op: string) => boolean;
}

/** Whole numbers up to this are exact in f16. */
const exactWhole = 2048;

/** What a gradient is multiplied by on top of the batch, which its mean was divided by: docs/results.md has what it was chosen by. */
const gradientScale = 1024;

/** The power of two that stored gradients are multiplied by. */
export function halfGradientScale(batch: number): number {
  return gradientScale * 2 ** Math.ceil(Math.log2(batch));
}

/** The plan with its activations stored as f16. */
export function storeHalf(plan: KernelPlan, options: HalfOptions): KernelPlan {
  const storageOf = (value: ValueId): ValueId => plan.aliasOf.get(value) ?? value;
  const stages = plan.kernels.flatMap((kernel) => kernel.stages);
  const gradients = gradientsAmong(stages, options.targets, storageOf);
  // A value that others lie in is f16 only where all of them may be.
  const refused = new Set(options.whole);
  const stored = new Set<ValueId>();
  for (const stage of stages) {
    if (!stage.stored) continue;
    const value = stage.slice?.of ?? stage.value;
    stored.add(value);
    if (!isActivation(stage, options)) refused.add(value);
  }
  const types = new Map(plan.types);
  for (const value of stored) {
    const type = typeOf(types, value);
    if (refused.has(value)) continue;
    types.set(value, {
      ...type,
      dtype: "f16",
      ...(gradients.has(value) && { scale: halfGradientScale(options.batch) }),
    });
  }
  return {
    ...plan,
    types,
    kernels: plan.kernels.map((kernel) => ({
      ...kernel,
      stages: kernel.stages.map((stage) => {
        const type = types.get(stage.value) ?? stage.type;
        return type === stage.type || type.dtype !== "f16" ? stage : { ...stage, type };
      }),
    })),
  };
}

/** Whether a stage's elements are such as f16 holds: an image's or a vector's, no statistic, no position beyond whole f16 numbers. */
function isActivation({ op, type, computation, overwrites }: Stage, { hasWideRange }: HalfOptions): boolean {
  if (!type.batched || overwrites !== undefined || type.dtype !== "f32" || hasWideRange(op)) return false;
  if (type.shape.length !== 1 && type.shape.length !== 3) return false;
  const { body } = computation;
  return body.kind !== "reduce" || body.combine !== "argmax" || positionsOf(body) <= exactWhole;
}

function positionsOf({ over }: ReduceBody): number {
  return shapeElements(over.map(({ extent }) => extent));
}

/** The storages of all values that are computed from the targets. */
function gradientsAmong(
  stages: readonly Stage[],
  targets: readonly ValueId[],
  storageOf: (value: ValueId) => ValueId,
): ReadonlySet<ValueId> {
  const found = new Set(targets);
  for (const { value, slice, computation } of stages) {
    if (![...loadedNames(computation)].some((name) => found.has(storageOf(namedValue(name))))) continue;
    found.add(value);
    if (slice !== undefined) found.add(slice.of);
  }
  return found;
}
