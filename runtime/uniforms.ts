import { refuse } from "./input.ts";
import type { Buffers } from "./buffers.ts";
import { NetworkError } from "./errors.ts";
import type { NetworkPlan } from "./plan.ts";
import { samplesIn, uniformBytes, uniformStride } from "./programs.ts";

/** The words of a step that kernels read from binding 0. */
export interface UniformBlock {
  /** Words that may be set: the optimizer's, such as its rate. */
  readonly names: readonly string[];
  get(name: string): number;
  /** Sets a word from the next step on. */
  set(name: string, value: number): void;
  setBuiltin(name: "count" | "slot" | "step" | "seed" | "micro", value: number): void;
  /** Sends the words; what is submitted next sees them. */
  write(): void;
}

const builtins: readonly string[] = ["count", "slot", "step", "seed", "micro", "samples", "first"];

export function createUniformBlock(plan: NetworkPlan, buffers: Buffers, queue: GPUQueue): UniformBlock {
  if (plan.uniforms.length * 4 > uniformBytes) {
    throw new NetworkError("plan", `${plan.name} has ${plan.uniforms.length} uniform words; at most 16 are allowed`);
  }
  const words = new Uint32Array(uniformBytes / 4);
  const floats = new Float32Array(words.buffer);
  const put = (index: number, value: number): void => {
    if (plan.uniforms[index]?.type === "f32") floats[index] = value;
    else words[index] = value;
  };
  plan.uniforms.forEach(({ initial }, index) => {
    put(index, initial ?? 0);
  });
  const names = plan.uniforms.map(({ name }) => name).filter((name) => !builtins.includes(name));
  const settable = (name: string): number => {
    if (!names.includes(name)) {
      const known = names.length === 0 ? "it has none" : `it has ${names.join(", ")}`;
      refuse(`${plan.name} has no setting called ${name}; ${known}`);
    }
    return plan.uniforms.findIndex((uniform) => uniform.name === name);
  };
  const setBuiltin = (name: string, value: number): void => {
    const index = plan.uniforms.findIndex((uniform) => uniform.name === name);
    if (index >= 0) put(index, value);
  };
  return {
    names,
    get(name) {
      const index = settable(name);
      return (plan.uniforms[index]?.type === "f32" ? floats[index] : words[index]) as number;
    },
    set(name, value) {
      if (typeof value !== "number" || !Number.isFinite(value)) {
        refuse(`${name} must be a finite number, found ${String(value)}`);
      }
      put(settable(name), value);
    },
    setBuiltin,
    write() {
      const count = words[0] as number;
      setBuiltin("samples", count);
      for (let slab = 0; slab < (plan.batchSlabs?.count ?? 1); slab++) {
        setBuiltin("count", samplesIn(plan, slab, count));
        setBuiltin("first", slab * (plan.batchSlabs?.rows ?? 0));
        queue.writeBuffer(buffers.uniforms, slab * uniformStride, words);
      }
      setBuiltin("count", count);
    },
  };
}
