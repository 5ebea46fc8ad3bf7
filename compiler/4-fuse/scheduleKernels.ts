/**
 * In: kernels without schedules. Out: the same kernels with the schedules that the cost model chooses, equal kernels the same
 * one; a long sum over the batch becomes two kernels. See `chooseSchedule` and `splitReduction`.
 */
import type { Choices } from "../ir/choices.ts";
import { elementCount, typeOf, valueId } from "../ir/graph.ts";
import type { ValueId } from "../ir/graph.ts";
import { loadedNames, namedValue, partStride, signatureOf } from "../ir/kernel.ts";
import type { Kernel, KernelPlan, KernelSignature, Schedule, Stage } from "../ir/kernel.ts";
import { sharesLoops } from "../ir/tiles.ts";
import type { LayoutsOf } from "../ir/tiles.ts";
import { chooseSchedule, workOf } from "./chooseSchedule.ts";
import { splitReduction, sumsToSplit } from "./splitReduction.ts";

export interface ScheduleKernelsOptions {
  readonly adapterClass: "cpu" | "gpu";
  /** Bytes that one binding can hold. */
  readonly bindingBytes: number;
  /** The parameters' gradients: one that the update alone reads may be left in parts. */
  readonly gradients: ReadonlySet<ValueId | undefined>;
  readonly choices: Choices;
  /** One that remembers saves time. */
  readonly layoutsOf?: LayoutsOf;
}

/**
 * Lines of WGSL that one kernel may unroll to. Software adapters compile slowly, so a kernel gets its lines by the root of
 * its share of the network's work: the few heavy ones of a small network may be long.
 */
const lineBudget = {
  cpu: { least: 120, most: 560, scale: 1200 },
  gpu: { least: 400, most: 1200, scale: 4000 },
} as const;

/** Chooses every kernel's schedule, and cuts long sums over the batch in two kernels. */
export function scheduleKernels(plan: KernelPlan, options: ScheduleKernelsOptions): KernelPlan {
  const { gradients, adapterClass, layoutsOf } = options;
  const searched = { adapterClass, ...(layoutsOf !== undefined && { layoutsOf }) };
  const read = new Set(
    plan.kernels.flatMap((kernel) =>
      kernel.stages.flatMap((stage) => [...loadedNames(stage.computation)].map(namedValue)),
    ),
  );
  const onlyForUpdate = new Set([...gradients].filter((value) => value !== undefined && !read.has(value)));
  const work = plan.kernels.reduce((sum, kernel) => sum + workOf(kernel), 1);
  const { least, most, scale } = lineBudget[adapterClass];
  const scratch = new Map(plan.scratch);
  const types = new Map(plan.types);
  let next = Math.max(-1, ...types.keys());
  // Equal layers have equal schedules, each searched for once.
  const known = new Map<string, Schedule>();
  const signatures = new Map<readonly Stage[], KernelSignature>();
  const schedule = (kernel: Kernel, splittable: boolean): Schedule => {
    const budget = Math.round(Math.min(most, Math.max(least, scale * Math.sqrt(workOf(kernel) / work))));
    const signature = signatureOf(kernel, (value) => typeOf(types, value));
    signatures.set(kernel.stages, signature);
    const given = options.choices.schedules?.get(scheduleKey(signature, splittable));
    if (given !== undefined) return given;
    const key = `${splittable} ${budget} ${signature.text}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const chosen = chooseSchedule(kernel, { ...searched, splittable, lineBudget: budget });
    const fitting = withinBinding(chosen, kernel, options.bindingBytes);
    known.set(key, fitting);
    return fitting;
  };
  const kernels = plan.kernels.flatMap((kernel): readonly Kernel[] => {
    if (sumsOnlyGradients(kernel, onlyForUpdate)) return [{ ...kernel, schedule: schedule(kernel, true) }];
    const sums = sumsToSplit(kernel);
    const inParts = sums === undefined ? undefined : schedule(sums, true);
    if (sums === undefined || inParts?.split === undefined) return [{ ...kernel, schedule: schedule(kernel, false) }];
    const split = splitReduction(kernel, sums, inParts, () => valueId(++next));
    for (const [value, type] of split.scratch) {
      scratch.set(value, type);
      types.set(value, type);
    }
    return [split.sums, { ...split.rest, schedule: schedule(split.rest, false) }];
  });
  return { ...plan, kernels, scratch, signatures };
}

/** What names a kernel's schedule in `Choices`: equal kernels have one. A sum that may be left in parts is a kernel of its own. */
export function scheduleKey(signature: KernelSignature, splittable: boolean): string {
  return `${splittable ? "in parts" : "whole"}\n${signature.text}`;
}

/** The schedule with no more parts than the largest of the kernel's sums may have in one binding. */
function withinBinding(schedule: Schedule, { stages }: Kernel, bindingBytes: number): Schedule {
  const { split, ...rest } = schedule;
  if (split === undefined) return schedule;
  const largest = Math.max(...stages.map(({ type }) => partStride(elementCount(type)) * 4));
  const parts = Math.min(split.parts, Math.floor(bindingBytes / largest));
  return parts > 1 ? { ...rest, split: { ...split, parts } } : rest;
}

/** Whether all that a kernel computes are gradients that the update alone reads, in one set of loops: it adds their parts. */
function sumsOnlyGradients(kernel: Kernel, gradients: ReadonlySet<ValueId | undefined>): boolean {
  const root = kernel.stages[0]?.computation;
  if (root?.body.kind !== "reduce" || root.body.finish.kind !== "reduced") return false;
  return kernel.stages.every(
    (stage, index) => gradients.has(stage.value) && (index === 0 || sharesLoops(stage.computation, root, new Map())),
  );
}

/** In how many parts a gradient is summed. */
export function partsOf(value: ValueId, plan: KernelPlan): number {
  const kernel = plan.kernels.find((each) => each.stages.some((stage) => stage.value === value));
  return kernel?.schedule.split?.parts ?? 1;
}
