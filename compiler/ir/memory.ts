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

/** Where a value lies, slab by slab; nowhere if it is not stored. */
export function slabPlaces({ placeOf, slabStepOf }: MemoryPlan, value: ValueId): readonly Place[] {
  const first = placeOf.get(value);
  if (first === undefined) return [];
  const { count, slots, bytes } = slabStepOf.get(value) ?? { count: 1, slots: 0, bytes: 0 };
  return Array.from({ length: count }, (_, slab) => ({
    ...first,
    slot: first.slot + slab * slots,
    offsetBytes: first.offsetBytes + slab * bytes,
  }));
}

type Tenant = readonly [value: ValueId, place: Place, slab: number];

/** Every place of every value, with its slab. */
export function placesOf(plan: MemoryPlan): readonly Tenant[] {
  return [...plan.placeOf.keys()].flatMap((value) =>
    slabPlaces(plan, value).map((place, slab): Tenant => [value, place, slab]),
  );
}

export function dumpMemory(plan: MemoryPlan): string {
  const lines = plan.slots.map((slot, index) => `slot ${index} ${slot.name} ${slot.sizeBytes} bytes ${slot.lifetime}`);
  for (const [value, place] of placesOf(plan)) {
    const lifetime = plan.lifetimeOf.get(value);
    const alive = lifetime === undefined ? "" : ` alive ${lifetime.first}-${lifetime.last}`;
    lines.push(`  %${value} at slot ${place.slot} + ${place.offsetBytes}, ${place.sizeBytes} bytes${alive}`);
  }
  const peak = plan.slots.reduce((sum, slot) => sum + slot.sizeBytes, 0);
  return `${lines.join("\n")}\ntotal ${peak} bytes\n`;
}

/** No two values that live at once overlap; every place lies in its slot and is aligned. */
export function verifyMemory(plan: MemoryPlan): void {
  const fail = (message: string): never => {
    throw new InternalCompilerError("verifyMemory", message);
  };
  const bySlot = new Map<number, Tenant[]>();
  for (const tenant of placesOf(plan)) {
    const [value, place] = tenant;
    const slot = plan.slots[place.slot] ?? fail(`%${value} lies in no slot`);
    if (place.offsetBytes % bindingAlignmentBytes !== 0) fail(`%${value} is not aligned`);
    if (place.offsetBytes + place.sizeBytes > slot.sizeBytes) fail(`%${value} reaches past its slot`);
    const tenants = bySlot.get(place.slot);
    if (tenants === undefined) bySlot.set(place.slot, [tenant]);
    else tenants.push(tenant);
  }
  // Where every tenant is a later slab, in the slot so many after the one that all have their first in, that one says it for both.
  const repeats = (slot: number, tenants: readonly Tenant[]): boolean => {
    const [, , slab = 0] = tenants[0] ?? [];
    const isShifted = (value: ValueId): boolean => {
      const { slots, bytes } = plan.slabStepOf.get(value) ?? { slots: 0, bytes: 0 };
      return slots === 1 && bytes === 0;
    };
    return slab > 0 && bySlot.has(slot - slab) && tenants.every(([value, , own]) => own === slab && isShifted(value));
  };
  const always: Lifetime = { first: -Infinity, last: Infinity };
  for (const [slot, values] of bySlot) {
    if (repeats(slot, values)) continue;
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
