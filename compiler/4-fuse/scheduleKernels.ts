/**
 * In: kernels without schedules. Out: the same kernels with the schedules that the cost model chooses, equal kernels the same
 * one; a long sum over the batch becomes two kernels. See `chooseSchedule` and `splitReduction`.
 */
import type { Choices } from "../ir/choices.ts";
import { InternalCompilerError } from "../ir/diagnostic.ts";
import { elementCount, typeOf, valueId } from "../ir/graph.ts";
import type { TensorType, ValueId } from "../ir/graph.ts";
import { loadedNames, namedValue, partStride, signatureOf, sumsOverBatch, workOf } from "../ir/kernel.ts";
import type { Kernel, KernelPlan, KernelSignature, Schedule, ScheduleRequest, Stage } from "../ir/kernel.ts";
import { loopStages } from "../ir/tiles.ts";
import type { LayoutsOf } from "../ir/tiles.ts";
import { chooseSchedule } from "./chooseSchedule.ts";
import { fitsKernel } from "./listSchedules.ts";
import { CannotSplit } from "./splitIntoSlabs.ts";
import { shareReads } from "./shareReads.ts";
import { splitReduction, sumsAlone, sumsToSplit } from "./splitReduction.ts";

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
 * its share of the network's work, equal ones together since they share a text: the few heavy ones of a network may be long.
 */
const lineBudget = {
  cpu: { least: 120, most: 540, scale: 1800 },
  gpu: { least: 400, most: 1200, scale: 4000 },
} as const;

/** Equal kernels with a smaller part of the network's work are not worth a text of their own for adapters that share loads in quads. */
const leastShareInQuads = 0.005;

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
  const requests = new Map<readonly Stage[], ScheduleRequest>();
  const typeIn = (value: ValueId): TensorType => typeOf(types, value);
  const signatureIn = (kernel: Kernel): KernelSignature => {
    const signature = signatures.get(kernel.stages) ?? signatureOf(kernel, typeIn);
    signatures.set(kernel.stages, signature);
    return signature;
  };
  const uses = new Map<string, number>();
  for (const kernel of plan.kernels) {
    const { text } = signatureIn(kernel);
    uses.set(text, (uses.get(text) ?? 0) + 1);
  }
  /** `cutFrom`: the kernel of the plan that this one is a part of. */
  const schedule = (kernel: Kernel, splittable: boolean, cutFrom = kernel): Schedule => {
    const share = (workOf(kernel) * (uses.get(signatureIn(cutFrom).text) ?? 1)) / work;
    const budget = Math.round(Math.min(most, Math.max(least, scale * Math.sqrt(share))));
    const signature = signatureIn(kernel);
    requests.set(kernel.stages, { kernel, signature, splittable, isCut: false, lineBudget: budget, typeOf: typeIn });
    const quads = options.choices.subgroups === true && share >= leastShareInQuads;
    const key = `${splittable} ${budget} ${quads} ${signature.text}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const isPacked = (name: string): boolean => typeIn(namedValue(name)).packed === true;
    const asked = { ...searched, quads, splittable, lineBudget: budget, isPacked };
    const given = options.choices.schedules?.get(scheduleKey(signature, splittable));
    const isGiven = given !== undefined && fitsKernel(given, kernel, asked);
    const chosen = isGiven ? given : chooseSchedule(kernel, asked);
    const fitting = withinBinding(chosen, kernel, options.bindingBytes);
    const shared = isGiven ? fitting : shareReads(kernel, fitting, options.choices, typeIn);
    known.set(key, shared);
    return shared;
  };
  const kernels = plan.kernels.flatMap((kernel): readonly Kernel[] => {
    if (sumsOnlyGradients(kernel, onlyForUpdate)) return [{ ...kernel, schedule: schedule(kernel, true) }];
    const mustSplit = plan.batchSlabs !== undefined && sumsOverBatch(kernel) && !isPlainSum(kernel);
    const sums = mustSplit ? sumsAlone(kernel) : sumsToSplit(kernel, adapterClass);
    if (mustSplit && sums === undefined) throw cannotSplit(kernel);
    const inParts = sums === undefined ? undefined : schedule(sums, true, kernel);
    if (sums === undefined || inParts === undefined || (inParts.split === undefined && !mustSplit))
      return [{ ...kernel, schedule: schedule(kernel, false) }];
    const split = splitReduction(kernel, sums, inParts, () => valueId(++next));
    const request = requests.get(sums.stages);
    if (request !== undefined) requests.set(split.sums.stages, { ...request, isCut: true });
    for (const [value, type] of split.scratch) {
      scratch.set(value, type);
      types.set(value, type);
    }
    return [split.sums, { ...split.rest, schedule: schedule(split.rest, false, kernel) }];
  });
  return { ...plan, kernels, scratch, signatures, requests };
}

/**
 * What names a kernel's schedule in `Choices`: short, and the same for equal kernels of any spec. A sum that may be left in parts is
 * a kernel of its own.
 */
export function scheduleKey({ text }: KernelSignature, splittable: boolean): string {
  // Two kernels whose hashes are the same by chance share a schedule at worst, and one that does not fit is not taken.
  const [name = ""] = text.split("|", 2).slice(1);
  return `${name} ${hashText(`${splittable ? "in parts" : "whole"}\n${text}`)}`;
}

/** 64 bits of a text, by two FNV-1a hashes with other starts. */
function hashText(text: string): string {
  let [a, b] = [0x811c9dc5, 0x2f0b4c47];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x01000193) ^ (b >>> 15);
  }
  return [a, b].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
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
  return isPlainSum(kernel) && kernel.stages.every((stage) => gradients.has(stage.value));
}

/** Whether all that a kernel computes are sums of one set of loops, and nothing is made of them: slabs add to them in turn. */
function isPlainSum(kernel: Kernel): boolean {
  const isPlain = ({ computation: { body } }: Stage): boolean =>
    body.kind === "reduce" && body.combine === "sum" && body.finish.kind === "reduced";
  const sums = loopStages(kernel);
  return sums.length > 0 && sums.length === kernel.stages.length && sums.every(isPlain);
}

function cannotSplit({ stages: [root] }: Kernel): Error {
  if (root === undefined) throw new InternalCompilerError("scheduleKernels", "a kernel without stages");
  return new CannotSplit(root.value, root.op);
}

/** In how many parts each value is summed that is left in parts. */
export function partsOf({ kernels }: KernelPlan): ReadonlyMap<ValueId, number> {
  return new Map(
    kernels.flatMap(({ stages, schedule: { split } }) =>
      split === undefined ? [] : stages.map(({ value }) => [value, split.parts] as const),
    ),
  );
}
