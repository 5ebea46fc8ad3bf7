/**
 * A plan's dispatches one by one on a device, for timing: each on buffers of its own size that hold small random numbers, so that
 * what ran before does not matter. Whole steps are timed on a real network: see `comparePlans`.
 */
import type { BindingPlan, DispatchPlan, NetworkPlan } from "../../runtime/plan.ts";
import { samplesIn, uniformBytes, workgroupCount } from "../../runtime/programs.ts";
import { UserError } from "../files/userError.ts";

/** A dispatch, ready to be repeated. */
export interface PreparedRun {
  encode(pass: GPUComputePassEncoder, times: number): void;
}

export interface PlanRunner {
  /** Compiles a dispatch's kernel; a kernel of the same text is compiled once for all plans. */
  prepare(plan: NetworkPlan, dispatch: DispatchPlan): Promise<PreparedRun>;
  destroy(): void;
}

/** WebGPU's usage bits. */
const usage = { copyTarget: 8, uniform: 64, storage: 128 } as const;
const computeStage = 4;
const mostWorkgroupsPerRow = 65_535;

export function createPlanRunner(device: GPUDevice): PlanRunner {
  const pipelines = new Map<string, Promise<GPUComputePipeline>>();
  const layouts = new Map<string, GPUBindGroupLayout>();
  // Dispatches are timed one at a time, so all of them may use the same buffers: one of each size and place among the bindings.
  const buffers = new Map<string, GPUBuffer>();

  const layoutOf = (dispatch: DispatchPlan): GPUBindGroupLayout => {
    const types = dispatch.bindings.map(({ writes }): GPUBufferBindingType =>
      writes ? "storage" : "read-only-storage",
    );
    const key = types.join(" ");
    const known = layouts.get(key);
    if (known !== undefined) return known;
    const entries = (["uniform", ...types] as const).map((type, binding) => ({
      binding,
      visibility: computeStage,
      buffer: { type },
    }));
    const layout = device.createBindGroupLayout({ entries });
    layouts.set(key, layout);
    return layout;
  };
  const bufferOf = (place: number, { size, half }: BindingPlan): GPUBuffer => {
    const key = `${place} ${size} ${half === true}`;
    const known = buffers.get(key);
    if (known !== undefined) return known;
    const buffer = device.createBuffer({ size, usage: usage.storage | usage.copyTarget });
    device.queue.writeBuffer(buffer, 0, noise(size / 4, place + 1, half === true));
    buffers.set(key, buffer);
    return buffer;
  };
  const uniforms = device.createBuffer({ size: uniformBytes, usage: usage.uniform | usage.copyTarget });

  return {
    async prepare(plan, dispatch) {
      const kernel = plan.kernels[dispatch.kernel];
      if (kernel === undefined) throw new UserError(`${plan.name} has no kernel ${dispatch.kernel}`);
      const layout = layoutOf(dispatch);
      let pipeline = pipelines.get(kernel.wgsl);
      if (pipeline === undefined) {
        pipeline = device.createComputePipelineAsync({
          layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
          compute: { module: device.createShaderModule({ code: kernel.wgsl }), entryPoint: "main" },
        });
        pipelines.set(kernel.wgsl, pipeline);
      }
      const compiled = await pipeline;
      device.queue.writeBuffer(uniforms, 0, uniformWords(plan));
      const bindGroup = device.createBindGroup({
        layout,
        entries: [
          { binding: 0, resource: { buffer: uniforms } },
          ...dispatch.bindings.map((binding, place) => ({
            binding: place + 1,
            resource: { buffer: bufferOf(place, binding), size: binding.size },
          })),
        ],
      });
      const groups = workgroupCount(dispatch, kernel.workgroupSize, samplesIn(plan, 0, plan.batch));
      return {
        encode(pass, times) {
          pass.setPipeline(compiled);
          pass.setBindGroup(0, bindGroup);
          for (let time = 0; time < times; time++) {
            pass.dispatchWorkgroups(Math.min(groups, mostWorkgroupsPerRow), Math.ceil(groups / mostWorkgroupsPerRow));
          }
        },
      };
    },
    destroy() {
      for (const buffer of [...buffers.values(), uniforms]) buffer.destroy();
      buffers.clear();
      pipelines.clear();
    },
  };
}

/** The step's words for a whole batch, or its first slab: what the optimizer would set stays as the recipe has it. */
function uniformWords(plan: NetworkPlan): Uint32Array<ArrayBuffer> {
  const { uniforms, batch } = plan;
  const words = new Uint32Array(uniformBytes / 4);
  const floats = new Float32Array(words.buffer);
  const counts: Readonly<Record<string, number>> = { count: samplesIn(plan, 0, batch), samples: batch };
  for (const [index, { name, type, initial = counts[name] ?? 0 }] of uniforms.entries()) {
    if (type === "f32") floats[index] = initial;
    else words[index] = initial;
  }
  return words;
}

/** Numbers by a fixed rule, none of them so small that arithmetic slows down: from -1 to 1, or pairs of f16 from 0.25 to 1. */
function noise(count: number, seed: number, half: boolean): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(count);
  const floats = new Float32Array(words.buffer);
  let state = seed * 2654435761;
  for (let at = 0; at < count; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    if (half) words[at] = 0x3400_3400 + ((state >>> 8) & 0x07ff_07ff);
    else floats[at] = state / 2 ** 31 - 1 || 0.5;
  }
  return words;
}
