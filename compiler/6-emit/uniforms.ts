/** The block of numbers that the host sets before each step, binding 0 of every kernel. */

export interface UniformWord {
  readonly name: string;
  readonly type: "u32" | "f32";
  readonly initial?: number;
}

/** Words that every network has: samples in the batch, row of the ring, steps taken so far, seed. */
export const builtinUniforms: readonly UniformWord[] = [
  { name: "count", type: "u32" },
  { name: "slot", type: "u32" },
  { name: "step", type: "u32" },
  { name: "seed", type: "u32" },
];

/** Where gradients are gathered: the micro-batch's number within its step. */
export const microUniform: UniformWord = { name: "micro", type: "u32" };

/**
 * Where the batch is computed slab by slab, and `count` is the slab's: the samples of all of them, and the number of the slab's first
 * one. Each slab has a block of its own.
 */
export const slabUniforms: readonly UniformWord[] = [
  { name: "samples", type: "u32" },
  { name: "first", type: "u32" },
];

/** Most words of the block: it is 64 bytes. */
export const uniformWordLimit = 16;

/** The WGSL declaration. */
export function uniformBlock(words: readonly UniformWord[]): string {
  const members = words.map((word) => `  ${word.name}: ${word.type},`);
  return ["struct Step {", ...members, "}", "@group(0) @binding(0) var<uniform> step: Step;"].join("\n");
}
