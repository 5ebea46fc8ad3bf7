/**
 * memory.ts: where values live. A slot is one GPUBuffer; a place is a range of it. Two values share a slot only when
 * they never live at the same time, so no kernel reads and writes one slot, except a slot that it overwrites in place.
 */
import { InternalCompilerError } from "./diagnostic.ts";
import type { ValueId } from "./graph.ts";

export interface Slot {
  readonly name: string;
  readonly sizeBytes: number;
  readonly lifetime: "persistent" | "step";
}

export interface Place {
  /** Index into `slots`. */
  readonly slot: number;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** From the kernel that writes a value to the last that reads it; kernel indices, both inclusive. */
export interface Lifetime {
  readonly first: number;
  readonly last: number;
}

/** From one slab to the next: so many slots and bytes further. */
export interface SlabStep {
  readonly count: number;
  readonly slots: number;
  readonly bytes: number;
}

export interface MemoryPlan {
  readonly slots: readonly Slot[];
  readonly placeOf: ReadonlyMap<ValueId, Place>;
  /** Of a value that lies in several slabs of the batch: how each follows the one before; `placeOf` has the first. */
  readonly slabStepOf: ReadonlyMap<ValueId, SlabStep>;
  readonly lifetimeOf: ReadonlyMap<ValueId, Lifetime>;
  /** Of each value that a kernel writes where it reads another for the last time: that other. */
  readonly inPlaceOf: ReadonlyMap<ValueId, ValueId>;
}

/** Storage bindings start at multiples of this (minStorageBufferOffsetAlignment's default). */
export const bindingAlignmentBytes = 256;

/** How a value's slabs follow each other; most values have one. */
function slabStepIn({ slabStepOf }: MemoryPlan, value: ValueId): SlabStep {
  return slabStepOf.get(value) ?? { count: 1, slots: 0, bytes: 0 };
}

/** Where a value lies, slab by slab; nowhere if it is not stored. */
export function slabPlaces(plan: MemoryPlan, value: ValueId): readonly Place[] {
  const first = plan.placeOf.get(value);
  if (first === undefined) return [];
  const { count, slots, bytes } = slabStepIn(plan, value);
  return Array.from({ length: count }, (_, slab) => ({
    ...first,
    slot: first.slot + slab * slots,
    offsetBytes: first.offsetBytes + slab * bytes,
  }));
}

type Tenant = readonly [value: ValueId, place: Place];

export function dumpMemory(plan: MemoryPlan): string {
  const lines = plan.slots.map((slot, index) => `slot ${index} ${slot.name} ${slot.sizeBytes} bytes ${slot.lifetime}`);
  for (const value of plan.placeOf.keys()) {
    const lifetime = plan.lifetimeOf.get(value);
    const alive = lifetime === undefined ? "" : ` alive ${lifetime.first}-${lifetime.last}`;
    for (const { slot, offsetBytes, sizeBytes } of slabPlaces(plan, value))
      lines.push(`  %${value} at slot ${slot} + ${offsetBytes}, ${sizeBytes} bytes${alive}`);
  }
  const peak = plan.slots.reduce((sum, slot) => sum + slot.sizeBytes, 0);
  return `${lines.join("\n")}\ntotal ${peak} bytes\n`;
}

/**
 * Of each slot whose tenants all have their first slab in one other slot, and lie in that as they do here: that slot, which says for
 * both whether they are apart. Of each that no slab reaches from another slot, itself; undefined of any other.
 */
function firstSlotsOf(plan: MemoryPlan): ReadonlyMap<number, number | undefined> {
  const found = new Map<number, number | undefined>();
  for (const [value, { slot }] of plan.placeOf) {
    const { count, slots, bytes } = slabStepIn(plan, value);
    const first = slots === 0 || (slots === 1 && bytes === 0) ? slot : undefined;
    for (let slab = 0; slab < count; slab++) {
      const at = slot + slab * slots;
      found.set(at, found.has(at) && found.get(at) !== first ? undefined : first);
    }
  }
  return found;
}

/** No two values that live at once overlap; every place lies in its slot and is aligned. */
export function verifyMemory(plan: MemoryPlan): void {
  const fail = (message: string): never => {
    throw new InternalCompilerError("verifyMemory", message);
  };
  const bySlot = new Map<number, Tenant[]>();
  const firstSlots = firstSlotsOf(plan);
  for (const [value, place] of plan.placeOf) {
    const { count, slots, bytes } = slabStepIn(plan, value);
    for (let slab = 0; slab < count; slab++) {
      const at = place.slot + slab * slots;
      const offsetBytes = place.offsetBytes + slab * bytes;
      const slot = plan.slots[at] ?? fail(`%${value} lies in no slot`);
      if (offsetBytes % bindingAlignmentBytes !== 0) fail(`%${value} is not aligned`);
      if (offsetBytes + place.sizeBytes > slot.sizeBytes) fail(`%${value} reaches past its slot`);
      const first = firstSlots.get(at);
      if (first !== undefined && first !== at) continue;
      const tenants = bySlot.get(at);
      const tenant: Tenant = [value, { ...place, slot: at, offsetBytes }];
      if (tenants === undefined) bySlot.set(at, [tenant]);
      else tenants.push(tenant);
    }
  }
  const always: Lifetime = { first: -Infinity, last: Infinity };
  for (const values of bySlot.values()) {
    const tenants = values
      .map(([value, place]) => ({ value, place, life: plan.lifetimeOf.get(value) ?? always }))
      .sort((a, b) => a.life.first - b.life.first || a.place.offsetBytes - b.place.offsetBytes);
    const mustBeApart = (one: (typeof tenants)[number], other: (typeof tenants)[number]): void => {
      const [a, b] = [one.place, other.place];
      const areApart = a.offsetBytes + a.sizeBytes <= b.offsetBytes || b.offsetBytes + b.sizeBytes <= a.offsetBytes;
      if (!areApart) fail(`%${one.value} and %${other.value} share memory while both are alive`);
    };
    // Those that live always lie in the order of their places: each is compared with the one before it.
    if (tenants.every(({ life }) => life === always)) {
      for (const [index, tenant] of tenants.entries()) {
        const before = tenants[index - 1];
        if (before !== undefined) mustBeApart(before, tenant);
      }
      continue;
    }
    // In the order of their births, each is compared with those that are still alive then.
    let alive: typeof tenants = [];
    for (const tenant of tenants) {
      const { value, life } = tenant;
      alive = alive.filter((other) => other.life.last >= life.first);
      for (const other of alive) {
        if (plan.inPlaceOf.get(value) === other.value && other.life.last === life.first) continue;
        mustBeApart(other, tenant);
      }
      alive.push(tenant);
    }
  }
}
