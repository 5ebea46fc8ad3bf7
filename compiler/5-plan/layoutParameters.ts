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

/**
 * Places tensors one after another in slots of at most `limitBytes`; `besides` are bytes that each tensor needs in another
 * buffer of the same limit, for its gradient.
 */
export function layoutFlat(
  name: string,
  types: readonly TensorType[],
  limitBytes: number,
  besides: readonly number[] = [],
): FlatLayout {
  const slots: { name: string; sizeBytes: number; lifetime: "persistent" }[] = [];
  const places: Place[] = [];
  let bytesBesides = 0;
  for (const [index, type] of types.entries()) {
    const sizeBytes = alignBytes(elementCount(type) * 4);
    const own = alignBytes(besides[index] ?? 0);
    let slot = slots.at(-1);
    bytesBesides += own;
    if (slot === undefined || slot.sizeBytes + sizeBytes > limitBytes || bytesBesides > limitBytes) {
      bytesBesides = own;
      slot = { name: slots.length === 0 ? name : `${name}${slots.length + 1}`, sizeBytes: 0, lifetime: "persistent" };
      slots.push(slot);
    }
    places.push({ slot: slots.length - 1, offsetBytes: slot.sizeBytes, sizeBytes });
    slot.sizeBytes += sizeBytes;
  }
  return { slots, places };
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
