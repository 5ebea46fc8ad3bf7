/**
 * In: kernels in order. Out: a place for every stored value. Values that persist (parameters, running statistics, gradients) come
 * with a place; each of the others gets a slot, shared with values that are dead before it is written or born after its last
 * reader. Guarantees: no kernel reads and writes one slot, but where a stage overwrites a value (see `overwriteInPlace`).
 *
 *   before: a written by k0, read by k1; b written by k1, read by k2; c written by k2
 *   after:  slot 0 holds a, then c; slot 1 holds b
 *
 * Largest first, each into the smallest slot that is free throughout its life: greedy by size (Pisarchyk and Lee 2020,
 * "Efficient Memory Management for Deep Neural Net Inference").
 */
import { elementBytes, elementCount } from "../ir/graph.ts";
import type { TensorType, ValueId } from "../ir/graph.ts";
import { namedValue, storageIn } from "../ir/kernel.ts";
import type { KernelPlan } from "../ir/kernel.ts";
import { bindingAlignmentBytes } from "../ir/memory.ts";
import type { Lifetime, MemoryPlan, Place, SlabStep, Slot } from "../ir/memory.ts";
import { loadsOf } from "../ir/expression.ts";

export interface PlanMemoryOptions {
  /** Samples of the batch, or of one slab of it. */
  readonly batch: number;
  /** Bytes that one binding can hold: asked where the batch is in slabs. */
  readonly bindingBytes?: number;
  readonly typeOf: (value: ValueId) => TensorType;
  /** Values that the host writes before the first kernel. */
  readonly inputs: readonly ValueId[];
  /** Values that the host reads after the last kernel. */
  readonly outputs: readonly ValueId[];
  /** Slots that exist anyway, and the places in them. */
  readonly persistentSlots: readonly Slot[];
  readonly persistentPlaces: ReadonlyMap<ValueId, Place>;
}

/** Bytes of a value, padded to whole vectors of four as its binding is declared. */
export function sizeBytesOf(type: TensorType, batch: number): number {
  const bytes = elementCount(type) * (type.batched ? batch : 1) * elementBytes(type);
  return Math.ceil(bytes / 16) * 16;
}

/** Rounds up to where a binding may start. */
export function alignBytes(bytes: number): number {
  return Math.ceil(bytes / bindingAlignmentBytes) * bindingAlignmentBytes;
}

/** Slots of one size behind each other that a value's slabs lie in, one each; of most values one slot. */
interface Bank {
  readonly firstSlot: number;
  readonly sizeBytes: number;
  readonly tenants: Lifetime[];
}

export function planMemory(plan: KernelPlan, options: PlanMemoryOptions): MemoryPlan {
  const lifetimes = lifetimesOf(plan, options);
  const inPlaceOf = overwrittenBy(plan, lifetimes);
  const takenBy = new Map([...inPlaceOf].map(([value, overwritten]) => [overwritten, value]));
  const slots: Slot[] = [...options.persistentSlots];
  const placeOf = new Map<ValueId, Place>(options.persistentPlaces);
  const slabStepOf = new Map<ValueId, SlabStep>();
  const lifetimeOf = new Map<ValueId, Lifetime>();
  const inputs = new Set(options.inputs);
  const batchSlabs = plan.batchSlabs?.count ?? 1;

  const waiting = [...lifetimes].filter(([value]) => !placeOf.has(value) && !inPlaceOf.has(value));
  const sized = waiting.map(([value]) => {
    const lifetime = wholeLife(value);
    const type = options.typeOf(value);
    return { value, lifetime, count: type.batched ? batchSlabs : 1, sizeBytes: sizeBytesOf(type, options.batch) };
  });
  sized.sort((a, b) => b.sizeBytes - a.sizeBytes || a.lifetime.first - b.lifetime.first || a.value - b.value);
  const banks = new Map<number, Bank[]>();
  for (const { value, lifetime, count, sizeBytes } of sized) {
    placeOf.set(value, placeSlabs(value, count, sizeBytes, lifetime));
    lifetimeOf.set(value, lifetimes.get(value) ?? lifetime);
  }
  for (const [value, overwritten] of inPlaceOf) {
    const [place, lifetime] = [placeOf.get(overwritten), lifetimes.get(value)];
    const slabStep = slabStepOf.get(overwritten);
    if (place !== undefined) placeOf.set(value, place);
    if (slabStep !== undefined) slabStepOf.set(value, slabStep);
    if (lifetime !== undefined) lifetimeOf.set(value, lifetime);
  }
  return { slots, placeOf, slabStepOf, lifetimeOf, inPlaceOf };

  /** From a value's first writer to the last reader of what takes its place. */
  function wholeLife(value: ValueId): Lifetime {
    const { first, last } = lifetimes.get(value) ?? { first: 0, last: 0 };
    const next = takenBy.get(value);
    return next === undefined ? { first, last } : { first, last: wholeLife(next).last };
  }

  /** Where a value's first slab lies: an input's in one piece where it can be, since the host or a kernel writes it whole. */
  function placeSlabs(value: ValueId, count: number, sizeBytes: number, lifetime: Lifetime): Place {
    const wholeBytes = count * sizeBytes;
    const inOnePiece =
      inputs.has(value) && alignBytes(sizeBytes) === sizeBytes && wholeBytes <= (options.bindingBytes ?? Infinity);
    if (count > 1)
      slabStepOf.set(value, inOnePiece ? { count, slots: 0, bytes: sizeBytes } : { count, slots: 1, bytes: 0 });
    const slot = inOnePiece ? findBank(1, wholeBytes, lifetime) : findBank(count, sizeBytes, lifetime);
    return { slot, offsetBytes: 0, sizeBytes };
  }

  /** The first of the smallest slots that are free for as long, or of new ones. */
  function findBank(count: number, sizeBytes: number, lifetime: Lifetime): number {
    const known = banks.get(count) ?? [];
    banks.set(count, known);
    let smallest: Bank | undefined;
    for (const bank of known) {
      if (bank.sizeBytes < sizeBytes || (smallest !== undefined && bank.sizeBytes >= smallest.sizeBytes)) continue;
      if (!isTaken(bank.tenants, lifetime)) smallest = bank;
    }
    const bank = smallest ?? addBank(known, count, sizeBytes);
    addTenant(bank.tenants, lifetime);
    return bank.firstSlot;
  }

  function addBank(to: Bank[], count: number, sizeBytes: number): Bank {
    const firstSlot = slots.length;
    for (let slot = firstSlot; slot < firstSlot + count; slot++)
      slots.push({ name: `slot${slot - options.persistentSlots.length}`, sizeBytes, lifetime: "step" });
    const bank = { firstSlot, sizeBytes, tenants: [] };
    to.push(bank);
    return bank;
  }
}

/** From the kernel that writes each stored value to the last that reads it; inputs live from before the first kernel. */
function lifetimesOf(plan: KernelPlan, options: PlanMemoryOptions): ReadonlyMap<ValueId, Lifetime> {
  const lifetimes = new Map<ValueId, { first: number; last: number }>();
  for (const value of options.inputs) lifetimes.set(value, { first: -1, last: -1 });
  for (const [index, kernel] of plan.kernels.entries()) {
    const inside = new Set(kernel.stages.map((stage) => stage.value));
    for (const stage of kernel.stages) {
      for (const load of loadsOf(stage.computation)) {
        const value = storageIn(plan, namedValue(load.from));
        const lifetime = lifetimes.get(value);
        if (!inside.has(value) && lifetime !== undefined) lifetime.last = index;
      }
      // What overwrites a running statistic lies where that does.
      if (!stage.stored || (stage.overwrites !== undefined && options.persistentPlaces.has(stage.overwrites))) continue;
      // A value that others are stored in lives from the first of them on.
      const value = storageIn(plan, stage.slice?.of ?? stage.value);
      lifetimes.set(value, { first: lifetimes.get(value)?.first ?? index, last: index });
    }
  }
  for (const output of options.outputs) {
    const lifetime = lifetimes.get(plan.aliasOf.get(output) ?? output);
    if (lifetime !== undefined) lifetime.last = plan.kernels.length;
  }
  return lifetimes;
}

/** Of each value that takes the place of one that dies: that one, in the order of the kernels. */
function overwrittenBy(
  { kernels }: KernelPlan,
  lifetimes: ReadonlyMap<ValueId, Lifetime>,
): ReadonlyMap<ValueId, ValueId> {
  const found = new Map<ValueId, ValueId>();
  for (const { stages } of kernels) {
    for (const { value, overwrites } of stages) {
      if (overwrites !== undefined && lifetimes.has(overwrites)) found.set(value, overwrites);
    }
  }
  return found;
}

/** Whether one of a slot's tenants, in the order of their lives, is alive during another life. */
function isTaken(tenants: readonly Lifetime[], life: Lifetime): boolean {
  const next = tenants[firstEndingFrom(tenants, life.first)];
  return next !== undefined && next.first <= life.last;
}

function addTenant(tenants: Lifetime[], life: Lifetime): void {
  tenants.splice(firstEndingFrom(tenants, life.first), 0, life);
}

/** The position of the first tenant whose life ends at `time` or later; lives in a slot do not overlap. */
function firstEndingFrom(tenants: readonly Lifetime[], time: number): number {
  let [low, high] = [0, tenants.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tenants[middle]?.last ?? Infinity) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
