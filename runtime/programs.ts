/**
 * programs.ts: what each program of a plan consists of: its dispatches, and every GPU buffer that it works with. The runtime
 * makes exactly these, when the program is prepared, and the compiler foretells their bytes by the same functions.
 */
import { NetworkError } from "./errors.ts";
import { preparationOf } from "./images.ts";
import { outputSize } from "./input.ts";
import type { BindingPlan, DispatchPlan, NetworkPlan, SlabRange } from "./plan.ts";
import { elementCount } from "./shapes.ts";

/**
 * What a network can do: training steps, logits, or gradients without an update; and making the images of either of bytes,
 * which runs before them.
 */
export type ProgramName = "training" | "inference" | "gradients" | "trainingBytes" | "inferenceBytes";

/** The program that makes a step's images of bytes. */
export const preparedBy = { training: "trainingBytes", inference: "inferenceBytes" } as const;

/** Room for the uniform block, which every network has: 16 words. */
export const uniformBytes = 64;

/** From one slab's uniform block to the next: minUniformBufferOffsetAlignment's default. */
export const uniformStride = 256;

/** How often a step runs a dispatch: once, or once a slab of the batch. */
export function runsOf({ batchSlabs }: NetworkPlan, { inSlabs }: DispatchPlan): number {
  return inSlabs ? (batchSlabs?.count ?? 1) : 1;
}

/** What a binding of a dispatch binds when that runs for a slab of the batch. */
export function rangeIn({ buffer, offset, slabStep }: BindingPlan, slab: number): SlabRange {
  return { buffer: buffer + slab * (slabStep?.buffer ?? 0), offset: offset + slab * (slabStep?.offset ?? 0) };
}

/** All that a binding of a dispatch binds, slab by slab. */
export function rangesOf(plan: NetworkPlan, binding: BindingPlan): readonly SlabRange[] {
  const slabs = binding.slabStep === undefined ? 1 : (plan.batchSlabs?.count ?? 1);
  return Array.from({ length: slabs }, (_, slab) => rangeIn(binding, slab));
}

/** Workgroups of a dispatch for `count` samples; see DispatchPlan. */
export function workgroupCount(dispatch: DispatchPlan, workgroupSize: number, count: number): number {
  const { samplesPerTile, invocationsPerTile } = dispatch;
  const tiles = samplesPerTile > 0 ? Math.ceil(count / samplesPerTile) : 1;
  return Math.ceil((tiles * invocationsPerTile) / workgroupSize);
}

/** How many of a step's first `count` samples a slab of the batch has; all where the batch is not cut. */
export function samplesIn({ batchSlabs }: NetworkPlan, slab: number, count: number): number {
  return batchSlabs ? Math.max(0, Math.min(count - slab * batchSlabs.rows, batchSlabs.rows)) : count;
}

/** Bytes of all uniform blocks: one, or one a slab of the batch. */
export function uniformSize({ batchSlabs }: NetworkPlan): number {
  return ((batchSlabs?.count ?? 1) - 1) * uniformStride + uniformBytes;
}

/** Mappable buffers of one size that results come back in, made once and used in turn. */
export interface ReadbackSpec {
  readonly count: number;
  readonly sizeBytes: number;
}

/** Copies of losses that may wait to be mapped at once; and batches whose logits may. */
const [metricsUnderWay, logitsUnderWay] = [3, 3];

/** The training part of a plan; throws where the network was compiled without a recipe. */
export function trainingOf(plan: NetworkPlan): NonNullable<NetworkPlan["training"]> {
  if (plan.training === undefined) {
    throw new NetworkError("plan", `${plan.name} was compiled without a training recipe; it can only predict`);
  }
  return plan.training;
}

/** A program's dispatches in their order. */
export function dispatchesOf(plan: NetworkPlan, name: ProgramName): readonly DispatchPlan[] {
  if (name === "inference") return plan.inference.dispatches;
  if (name === "inferenceBytes") return preparationOf(plan).inference;
  if (name === "trainingBytes") return preparationOf(plan).training ?? [];
  const { dispatches, gather = [], update, collect } = trainingOf(plan);
  return [...dispatches, ...(name === "training" ? [...gather, ...update] : collect)];
}

/** A place of the plan, as far as its buffers go; a tensor too large for one binding lies in several slabs. */
interface Placed {
  readonly buffer: number;
  readonly slabs?: readonly { readonly buffer: number }[];
}

/** The plan's buffers that a program works with, by their index, ascending: what it binds, and what the host writes or reads. */
export function buffersOf(plan: NetworkPlan, name: ProgramName): readonly number[] {
  const found = new Set<number>();
  const add = (place: Placed | undefined): void => {
    for (const { buffer } of place ? [place, ...(place.slabs ?? [])] : []) found.add(buffer);
  };
  // A value is bound again and again, with the same slabs.
  const steps = new Map<number, number>();
  for (const { bindings } of dispatchesOf(plan, name)) {
    for (const each of bindings) {
      const { buffer, slabStep } = each;
      const step = slabStep?.buffer ?? 0;
      if (steps.get(buffer) !== step) rangesOf(plan, each).forEach(add);
      steps.set(buffer, step);
    }
  }
  if (name === "trainingBytes" || name === "inferenceBytes") {
    const { source, sizes, mean } = preparationOf(plan);
    [source, sizes, mean].forEach(add);
  } else {
    const places: Placed[] = [...plan.parameters, ...plan.states];
    if (name === "inference") places.push(plan.inference.images, plan.inference.logits);
    else {
      const { images, labels, metrics, gradients, imageGradient, logits, auxiliaryLogits } = trainingOf(plan);
      places.push(images, labels, metrics);
      if (name === "training") places.push(...plan.optimizer);
      else [...gradients, imageGradient, logits, ...(auxiliaryLogits ?? [])].forEach(add);
    }
    places.forEach(add);
  }
  return [...found].sort((a, b) => a - b);
}

/** What a program's losses or logits are read back with. */
export function readbackOf(plan: NetworkPlan, name: ProgramName): ReadbackSpec {
  if (name === "inference") {
    const largest = Math.max(outputSize(plan), ...Object.values(plan.inference.features ?? {}).map(elementCount));
    return { count: logitsUnderWay, sizeBytes: plan.batch * largest * 4 };
  }
  return { count: metricsUnderWay, sizeBytes: trainingOf(plan).metrics.slots * plan.batch * 8 };
}

/**
 * Bytes of all GPU buffers of a network that has prepared this program alone (and, `fromBytes`, the one that makes its images of
 * bytes). They are there before its first step, and no step makes more.
 */
export function allocatedBytes(plan: NetworkPlan, name: "training" | "inference", fromBytes = false): number {
  const { count, sizeBytes } = readbackOf(plan, name);
  const indices = new Set([...buffersOf(plan, name), ...(fromBytes ? buffersOf(plan, preparedBy[name]) : [])]);
  const own = [...indices].reduce((sum, index) => sum + (plan.buffers[index]?.size ?? 0), 0);
  return uniformSize(plan) + own + count * sizeBytes;
}
