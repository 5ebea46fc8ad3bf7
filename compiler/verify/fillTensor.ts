/** The formula behind every input and parameter of the conformance cases; see the format's README. */
import { shapeElements } from "../ir/graph.ts";

export interface Fill {
  readonly seed: number;
  readonly scale: number;
  readonly offset: number;
  /** Rounds down to this many levels, which makes ties. */
  readonly levels?: number;
}

export interface FilledTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly fill: Fill;
}

/** 32-bit FNV-1a of the UTF-8 bytes: the seed of tensor `name` of case `c` is that of `c/name`. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** The u32 hash of element `index`. */
export function hashIndex(index: number, seed: number): number {
  let x = (Math.imul(index, 2654435761) + seed) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** The tensor's values in row-major order, rounded to float32. */
export function fillTensor({ shape, fill }: Pick<FilledTensor, "shape" | "fill">): Float32Array<ArrayBuffer> {
  const { seed, scale, offset, levels } = fill;
  const values = new Float32Array(shapeElements(shape));
  for (let index = 0; index < values.length; index++) {
    let unit = hashIndex(index, seed) / 2 ** 32;
    if (levels !== undefined) unit = Math.floor(unit * levels) / levels;
    values[index] = offset + scale * (unit * 2 - 1);
  }
  return values;
}

/** The class of each of `count` images in cases whose images are filled. */
export function formulaLabels(count: number, classes: number): Uint32Array<ArrayBuffer> {
  return Uint32Array.from({ length: count }, (_, index) => (index * 7 + 3) % classes);
}
