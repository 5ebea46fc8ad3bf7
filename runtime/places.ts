import type { Buffers } from "./buffers.ts";
import type { PlacePlan } from "./plan.ts";

/** A run of 4-byte elements in one buffer; offset and size in bytes. */
export interface Segment {
  readonly buffer: number;
  readonly offset: number;
  readonly size: number;
}

/** The ranges that hold `elements` elements of a place from element `start` on: one, or one of each slab that they touch. */
export function segmentsOf(place: PlacePlan, start: number, elements: number): readonly Segment[] {
  const { slabs, buffer, offset } = place;
  if (slabs === undefined) return [{ buffer, offset: offset + start * 4, size: elements * 4 }];
  let first = 0;
  return slabs.flatMap((slab) => {
    const [from, to] = [Math.max(start, first), Math.min(start + elements, first + slab.elements)];
    const at = slab.offset + (from - first) * 4;
    first += slab.elements;
    return from < to ? [{ buffer: slab.buffer, offset: at, size: (to - from) * 4 }] : [];
  });
}

/** Writes 4-byte elements to a place from its element `start` on. */
export function writeElements(
  buffers: Buffers,
  place: PlacePlan,
  data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>,
  start = 0,
): void {
  let at = 0;
  for (const { buffer, offset, size } of segmentsOf(place, start, data.length)) {
    buffers.write(buffer, offset, data.subarray(at, (at += size / 4)));
  }
}
