import type { Buffers } from "./buffers.ts";
import type { WatchedDevice } from "./device.ts";
import { NetworkError } from "./errors.ts";
import type { Pipelines } from "./pipelines.ts";
import type { DispatchPlan, NetworkPlan } from "./plan.ts";
import { rangeIn, runsOf, samplesIn, uniformBytes, uniformStride, workgroupCount } from "./programs.ts";

/** A list of dispatches that is ready to be encoded. */
export interface Program {
  /** Of the plan. */
  readonly length: number;
  /** How often kernels are dispatched: in a batch that is cut, once a slab. */
  readonly dispatches: number;
  /**
   * Encodes the plan's dispatches from `first` to before `end`, for the first `count` samples of the batch. `nextPass` gives the pass of
   * each submit. Returns how often kernels are dispatched.
   */
  encode(nextPass: () => GPUComputePassEncoder, count: number, end: number, first: number): number;
}

interface PreparedDispatch {
  readonly plan: DispatchPlan;
  readonly pipeline: GPUComputePipeline;
  /** One, or one for each slab of the batch. */
  readonly bindGroups: readonly GPUBindGroup[];
  readonly workgroupSize: number;
}

/** More workgroups than this are laid out in rows. */
const maxWorkgroupsPerRow = 65_535;

/** Compiles what is not compiled yet, all at once, then makes buffers (`makeBuffers`) and bind groups. */
export async function prepareProgram(
  plan: NetworkPlan,
  dispatches: readonly DispatchPlan[],
  watched: WatchedDevice,
  pipelines: Pipelines,
  buffers: Buffers,
  makeBuffers: () => void,
): Promise<Program> {
  const { device } = watched;
  const compiled = await Promise.all(dispatches.map(({ kernel, bindings }) => pipelines.request(kernel, bindings)));
  watched.check();
  device.pushErrorScope("out-of-memory");
  device.pushErrorScope("validation");
  makeBuffers();
  const prepared = dispatches.map((dispatch, index): PreparedDispatch => {
    const kernel = plan.kernels[dispatch.kernel];
    const bindSlab = (slab: number): GPUBindGroup =>
      device.createBindGroup({
        label: `${kernel?.name ?? "kernel"} (${dispatch.label})`,
        layout: pipelines.layout(dispatch.bindings),
        entries: [
          { binding: 0, resource: { buffer: buffers.uniforms, offset: slab * uniformStride, size: uniformBytes } },
          ...dispatch.bindings.map((binding, position) => {
            const { buffer, offset } = rangeIn(binding, slab);
            return { binding: position + 1, resource: { buffer: buffers.get(buffer), offset, size: binding.size } };
          }),
        ],
      });
    return {
      plan: dispatch,
      pipeline: compiled[index] as GPUComputePipeline,
      workgroupSize: kernel?.workgroupSize ?? 1,
      bindGroups: Array.from({ length: runsOf(plan, dispatch) }, (_, slab) => bindSlab(slab)),
    };
  });
  const [invalid, noMemory] = await watched.wait(Promise.all([device.popErrorScope(), device.popErrorScope()]));
  if (noMemory) throw new NetworkError("device", `the GPU has too little memory for ${plan.name}: ${noMemory.message}`);
  if (invalid) throw new NetworkError("kernel", `setting up ${plan.name} failed: ${invalid.message}`);
  return {
    dispatches: prepared.reduce((sum, { bindGroups }) => sum + bindGroups.length, 0),
    length: prepared.length,
    encode(nextPass, count, end, first) {
      let dispatched = 0;
      let pass: GPUComputePassEncoder | undefined;
      for (const { plan: dispatch, pipeline, bindGroups, workgroupSize } of prepared.slice(first, end)) {
        for (const [slab, bindGroup] of bindGroups.entries()) {
          const groups = workgroupCount(dispatch, workgroupSize, samplesIn(plan, slab, count));
          if (groups === 0) continue;
          if (!pass || (slab > 0 ? slab % (dispatch.slabsPerSubmit ?? Infinity) === 0 : dispatch.beginsSubmit))
            pass = nextPass();
          pass.setPipeline(pipeline);
          pass.setBindGroup(0, bindGroup);
          pass.dispatchWorkgroups(Math.min(groups, maxWorkgroupsPerRow), Math.ceil(groups / maxWorkgroupsPerRow));
          dispatched++;
        }
      }
      return dispatched;
    },
  };
}
