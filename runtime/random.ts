/**
 * random.ts: numbers that depend only on a seed, a stream's name and an index, so that any element of any parameter can be
 * drawn by itself. Only additions, multiplications, divisions and square roots of doubles are used, which every
 * engine rounds alike: `Math.log` and its like may differ in the last bit from one to the next.
 */
import type { InitialPlan } from "./plan.ts";

/** 32 bits for an index and a draw. */
export type RandomStream = (index: number, draw?: number) => number;

/** Every bit of the result depends on every bit of x (Wellons' lowbias32). */
function mix(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** An independent stream for each seed (its low 32 bits count) and name. */
export function randomStream(seed: number, name: string): RandomStream {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  const first = mix(mix(seed >>> 0) ^ mix(hash));
  const second = mix(first ^ 0x9e3779b9);
  return (index, draw = 0) => mix(mix((index ^ first) >>> 0) + second + Math.imul(draw, 0x9e3779b9));
}

/** In [0, 1), with 32 bits. */
export function uniform(stream: RandomStream, index: number, draw = 0): number {
  return stream(index, draw) / 2 ** 32;
}

/** Mean 0 and deviation 1: the polar method, with a new pair of draws for each one that falls outside the disc. */
export function normal(stream: RandomStream, index: number): number {
  for (let draw = 0; ; draw += 2) {
    const x = 2 * uniform(stream, index, draw) - 1;
    const y = 2 * uniform(stream, index, draw + 1) - 1;
    const square = x * x + y * y;
    if (square < 1 && square > 0) return x * Math.sqrt((-2 * naturalLog(square)) / square);
  }
}

/** ln of a number in (0, 1], to about 1e-15, the same on every machine. */
function naturalLog(value: number): number {
  let [scaled, halvings] = [value, 0];
  while (scaled < 0.7) [scaled, halvings] = [scaled * 2, halvings + 1];
  // ln m = 2 atanh((m - 1) / (m + 1)), |z| < 0.18.
  const z = (scaled - 1) / (scaled + 1);
  let sum = 0;
  for (let power = 19; power > 0; power -= 2) sum = sum * z * z + 1 / power;
  return 2 * z * sum - halvings * 0.6931471805599453;
}

/** Fills `into` with elements `start`, `start + 1`, … of a tensor that starts as `initial` says. */
export function drawInitial(initial: InitialPlan, stream: RandomStream, into: Float32Array, start: number): void {
  switch (initial.kind) {
    case "constant":
      into.fill(initial.value);
      return;
    case "uniform":
      for (let i = 0; i < into.length; i++) {
        into[i] = initial.low + (initial.high - initial.low) * uniform(stream, start + i);
      }
      return;
    case "normal":
      for (let i = 0; i < into.length; i++) into[i] = initial.mean + initial.std * normal(stream, start + i);
      return;
  }
}

/** The numbers 0 … size - 1. */
export function ascending(size: number): Uint32Array<ArrayBuffer> {
  return new Uint32Array(size).map((_, index) => index);
}

/** The numbers 0 … size - 1 in the order of one epoch. */
export function shuffledOrder(size: number, seed: number, epoch: number): Uint32Array<ArrayBuffer> {
  const order = ascending(size);
  const stream = randomStream(seed, `shuffle ${epoch}`);
  for (let last = size - 1; last > 0; last--) {
    const other = Math.floor(uniform(stream, last) * (last + 1));
    const held = order[last] as number;
    order[last] = order[other] as number;
    order[other] = held;
  }
  return order;
}
