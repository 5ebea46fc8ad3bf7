/**
 * Parameters lie one after another in flat slots, one slot for each storage-binding limit's worth, and so do running
 * statistics; gradients and optimizer state lie the same way, so that one dispatch a slot updates everything.
 */
import { elementCount } from "../ir/graph.ts";
import type { TensorType, ValueId } from "../ir/graph.ts";
import type { Place, Slot } from "../ir/memory.ts";
import { alignBytes } from "./planMemory.ts";

export interface FlatLayout {
  readonly slots: readonly Slot[];
  /** In the order of the tensors given. */
  readonly places: readonly Place[];
}

/** A tensor too large for any binding. */
export interface TooLarge {
  readonly index: number;
  readonly sizeBytes: number;
}

/** Places tensors one after another in slots of at most `limitBytes`. */
export function layoutFlat(name: string, types: readonly TensorType[], limitBytes: number): FlatLayout {
  const slots: { name: string; sizeBytes: number; lifetime: "persistent" }[] = [];
  const places: Place[] = [];
  for (const type of types) {
    const sizeBytes = alignBytes(elementCount(type) * 4);
    let slot = slots.at(-1);
    if (slot === undefined || slot.sizeBytes + sizeBytes > limitBytes) {
      slot = { name: slots.length === 0 ? name : `${name}${slots.length + 1}`, sizeBytes: 0, lifetime: "persistent" };
      slots.push(slot);
    }
    places.push({ slot: slots.length - 1, offsetBytes: slot.sizeBytes, sizeBytes });
    slot.sizeBytes += sizeBytes;
  }
  return { slots, places };
}

/** The tensors that no binding can hold. */
export function tooLarge(types: readonly TensorType[], limitBytes: number): readonly TooLarge[] {
  return types.flatMap((type, index) => {
    const sizeBytes = alignBytes(elementCount(type) * 4);
    return sizeBytes > limitBytes ? [{ index, sizeBytes }] : [];
  });
}

/** Where a value's place is, by value. */
export function placesByValue(
  values: readonly ValueId[],
  layout: FlatLayout,
  firstSlot: number,
): ReadonlyMap<ValueId, Place> {
  const places = new Map<ValueId, Place>();
  values.forEach((value, index) => {
    const place = layout.places[index];
    if (place !== undefined) places.set(value, { ...place, slot: place.slot + firstSlot });
  });
  return places;
}
