/** What WebGPU asks of a plan's dispatches, checked without a device. */
import type { DispatchPlan, NetworkPlan } from "../../runtime/plan.ts";
import { rangesOf } from "../../runtime/programs.ts";

/** maxStorageBuffersPerShaderStage and minStorageBufferOffsetAlignment of every adapter. */
const storageBuffers = 8;
const offsetAlignment = 256;

/** The plan, and those that it holds for single kinds of adapters. */
export function plansIn(plan: NetworkPlan): readonly NetworkPlan[] {
  return [plan, ...(plan.tuned ?? []).map((tuned) => ({ ...plan, ...tuned.plan }))];
}

/** Every dispatch of a plan, with the role of its program. */
export function dispatchesOf(plan: NetworkPlan): readonly DispatchPlan[] {
  const { training, inference, preparation } = plan;
  const trained =
    training === undefined
      ? []
      : [...training.dispatches, ...(training.gather ?? []), ...training.update, ...training.collect];
  const prepared = [...(preparation?.training ?? []), ...(preparation?.inference ?? [])];
  return [...trained, ...inference.dispatches, ...prepared];
}

/** What is wrong with the bindings of a plan, a line each; empty when nothing is. */
export function planProblems(plan: NetworkPlan): readonly string[] {
  return dispatchesOf(plan).flatMap(({ label, bindings }) => {
    const problems: string[] = [];
    if (bindings.length > storageBuffers) problems.push(`${label}: ${bindings.length} storage buffers`);
    for (const [index, binding] of bindings.entries()) {
      const { buffer, offset, size, writes } = binding;
      const name = `${label}: binding ${index + 1} (${plan.buffers[buffer]?.name ?? "no buffer"})`;
      for (const range of rangesOf(plan, binding)) {
        const bytes = plan.buffers[range.buffer]?.size ?? 0;
        if (range.offset % offsetAlignment !== 0) problems.push(`${name} starts at ${range.offset}`);
        if (size <= 0 || range.offset + size > bytes)
          problems.push(`${name} spans ${range.offset} + ${size} of ${bytes} bytes`);
      }
      for (const [before, other] of bindings.slice(0, index).entries()) {
        if (other.buffer !== buffer) continue;
        if (other.writes !== writes) problems.push(`${name} is read and written, as binding ${before + 1}`);
        const apart = offset + size <= other.offset || other.offset + other.size <= offset;
        if (writes && !apart) problems.push(`${name} overlaps binding ${before + 1}`);
      }
    }
    return problems;
  });
}
