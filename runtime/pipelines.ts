import type { WatchedDevice } from "./device.ts";
import { messageOf } from "./describeValue.ts";
import { NetworkError } from "./errors.ts";
import type { BindingPlan, KernelPlan, NetworkPlan } from "./plan.ts";

/** A network's pipelines, each compiled once, at the first request. */
export interface Pipelines {
  /** The pipeline of a kernel; dispatches with equal kinds of bindings share it. */
  request(kernel: number, bindings: readonly BindingPlan[]): Promise<GPUComputePipeline>;
  /** Explicit, since automatic layouts drop bindings that a kernel does not use. */
  layout(bindings: readonly BindingPlan[]): GPUBindGroupLayout;
}

/** Shader stage bit of compute shaders. */
const computeStage = 4;

export function createPipelines(plan: NetworkPlan, watched: WatchedDevice): Pipelines {
  const { device } = watched;
  const layouts = new Map<string, GPUBindGroupLayout>();
  const requested = new Map<number, Promise<GPUComputePipeline>>();

  const layout = (bindings: readonly BindingPlan[]): GPUBindGroupLayout => {
    const key = bindings.map(({ writes }) => (writes ? "w" : "r")).join("");
    let found = layouts.get(key);
    if (found === undefined) {
      const types: GPUBufferBindingType[] = bindings.map(({ writes }) => (writes ? "storage" : "read-only-storage"));
      found = device.createBindGroupLayout({
        label: key,
        entries: (["uniform", ...types] as const).map((type, binding) => ({
          binding,
          visibility: computeStage,
          buffer: { type },
        })),
      });
      layouts.set(key, found);
    }
    return found;
  };

  return {
    layout,
    request(index, bindings) {
      let pipeline = requested.get(index);
      if (pipeline === undefined) {
        const kernel = plan.kernels[index];
        if (kernel === undefined) throw new NetworkError("plan", `${plan.name} has no kernel ${index}`);
        pipeline = watched.wait(compile(device, kernel, () => layout(bindings)));
        requested.set(index, pipeline);
      }
      return pipeline;
    },
  };
}

async function compile(
  device: GPUDevice,
  kernel: KernelPlan,
  layoutOf: () => GPUBindGroupLayout,
): Promise<GPUComputePipeline> {
  // A module or a layout with errors is reported to the scope; the scope closes before anything is awaited, so it holds nothing else.
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ label: kernel.name, code: kernel.wgsl });
  const layout = layoutOf();
  const invalid = device.popErrorScope();
  try {
    const pipeline = await device.createComputePipelineAsync({
      label: kernel.name,
      layout: device.createPipelineLayout({ label: kernel.name, bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: "main" },
    });
    await invalid;
    return pipeline;
  } catch (error) {
    const messages = await explain(module, kernel, (await invalid)?.message ?? messageOf(error));
    throw new NetworkError("kernel", `kernel ${kernel.name} failed to compile: ${messages}`, { cause: error });
  }
}

/** The compiler's messages with the lines of WGSL that they are about. */
async function explain(module: GPUShaderModule, kernel: KernelPlan, otherwise: string): Promise<string> {
  const lines = kernel.wgsl.split("\n");
  const { messages } = await module.getCompilationInfo();
  const errors = messages.filter(({ type }) => type === "error");
  if (errors.length === 0) return otherwise;
  return errors
    .map(({ lineNum, linePos, message }) => `${message}\n  ${lineNum}:${linePos} | ${lines[lineNum - 1] ?? ""}`)
    .join("\n");
}
