/** Dawn's own validation of shaders and pipelines, without any adapter. */
import { create } from "webgpu";

export interface WgslValidator {
  /** Held as long as the validator: Dawn crashes when its instance is collected before the device. */
  readonly gpu: GPU;
  /** What Dawn says against a shader and its pipeline, a line each; empty when nothing is. */
  problemsOf(name: string, wgsl: string): Promise<readonly string[]>;
  destroy(): void;
}

/** Opens Dawn's null backend, which validates everything and runs nothing; it has all of WebGPU's features to ask for. */
export async function openWgslValidator(requiredFeatures: GPUFeatureName[] = []): Promise<WgslValidator> {
  const gpu = create(["backend=null"]);
  const adapter = await gpu.requestAdapter();
  if (adapter === null) throw new Error("Dawn's null backend gives no adapter");
  const device = await adapter.requestDevice({ requiredFeatures });
  return {
    gpu,
    async problemsOf(name, wgsl) {
      device.pushErrorScope("validation");
      const module = device.createShaderModule({ label: name, code: wgsl });
      const { messages } = await module.getCompilationInfo();
      device.createComputePipeline({ label: name, layout: "auto", compute: { module, entryPoint: "main" } });
      const error = await device.popErrorScope();
      const found = messages.map(({ lineNum, linePos, message }) => `${name}:${lineNum}:${linePos}: ${message}`);
      return [...found, ...(error !== null ? [`${name}: ${error.message}`] : [])];
    },
    destroy: () => {
      device.destroy();
    },
  };
}
