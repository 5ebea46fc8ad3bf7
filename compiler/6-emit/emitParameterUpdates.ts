/**
 * In: where parameters and the parts of their gradients lie. Out: the dispatches that end a step: the update, the collection
 * of gradients for the host, and, where the recipe clips or accumulates, the gathering between micro-batches. Adds their
 * buffers to the plan.
 *
 *   plain:               update
 *   clip or accumulate:  gather after every micro-batch; after the last one squares, clip, update (clip: those two first)
 */
import { partStride } from "../ir/kernel.ts";
import type { Place } from "../ir/memory.ts";
import type { BindingPlan, BufferPlan, DispatchPlan, PlacePlan, TensorPlan } from "../../runtime/plan.ts";
import { emitClipKernel, emitGatherKernel, emitSquaresKernel, squaresGroups } from "./emitGather.ts";
import { blockElements, emitCollectKernel, emitUpdateKernel, updateWorkgroup } from "./emitUpdate.ts";
import type { UpdateFormula } from "./emitUpdate.ts";
import type { UniformWord } from "./uniforms.ts";

/** The optimizer as the update kernels need it. */
export interface OptimizerPart {
  readonly formula: UpdateFormula;
  readonly states: readonly string[];
  readonly uniforms: readonly { readonly name: string; readonly value: number }[];
  /** The greatest norm that all gradients together may have. */
  readonly clipNorm?: number;
  /** Micro-batches whose gradients' mean makes one update. */
  readonly accumulate: number;
}

export interface ParameterUpdatesInput {
  /** Every parameter in the graph's order, or each of its slabs where it is too large for one binding. */
  readonly tensors: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly optimizer: OptimizerPart;
  /** Of each tensor; so are the gradients' places and parts. */
  readonly parameterPlaces: readonly Place[];
  /** The first part of the gradient; undefined when the parameter is frozen. */
  readonly gradientPlaces: readonly (Place | undefined)[];
  readonly gradientParts: readonly number[];
  /** The slots of parameters, and for each the buffer and size of its gradients. */
  readonly banks: readonly {
    readonly buffer: number;
    readonly sizeBytes: number;
    readonly gradientBuffer: number;
    readonly gradientBytes: number;
  }[];
  readonly uniforms: readonly UniformWord[];
  /** Index of the kernel with this text. */
  readonly addKernel: (wgsl: string, name: string, workgroupSize: number, label: string) => number;
}

export interface ParameterUpdates {
  readonly update: readonly DispatchPlan[];
  readonly collect: readonly DispatchPlan[];
  readonly gather?: readonly DispatchPlan[];
  /** Where `collect` leaves each tensor's gradient. */
  readonly gradients: readonly PlacePlan[];
  /** The optimizer's states: all of the first tensor, then all of the second. */
  readonly states: readonly (readonly TensorPlan[])[];
}

/** True where gradients are gathered before the update: for clipping, or over several micro-batches. */
export function gathers({ clipNorm, accumulate }: OptimizerPart): boolean {
  return clipNorm !== undefined || accumulate > 1;
}

export function emitParameterUpdates(input: ParameterUpdatesInput, buffers: BufferPlan[]): ParameterUpdates {
  const { tensors, optimizer, uniforms, banks } = input;
  const clips = optimizer.clipNorm !== undefined;
  const isGathered = gathers(optimizer);
  const addBuffer = (name: string, size: number, role: BufferPlan["role"], more: Partial<BufferPlan> = {}): number =>
    buffers.push({ name, size, role, ...more }) - 1;
  const bind = (buffer: number, size: number, writes: boolean): BindingPlan => ({ buffer, offset: 0, size, writes });
  const dispatch = (
    name: string,
    label: string,
    wgsl: string,
    bindings: readonly BindingPlan[],
    invocations: number,
  ): DispatchPlan => ({
    kernel: input.addKernel(wgsl, name, updateWorkgroup, label),
    label,
    bindings,
    samplesPerTile: 0,
    invocationsPerTile: invocations,
  });

  const [update, collect, gather, squares]: DispatchPlan[][] = [[], [], [], []] as const;
  const gradients: PlacePlan[] = tensors.map(() => ({ buffer: 0, offset: 0 }));
  const states: TensorPlan[][] = tensors.map(() => []);
  // One number for each workgroup of squares, of all banks; then what gradients are multiplied by.
  const groupCounts = banks.map(({ sizeBytes }) => squaresGroups(sizeBytes / 4));
  const groupCount = groupCounts.reduce((sum, count) => sum + count, 0);
  const squaresBytes = Math.ceil(groupCount / 4) * 16;
  const squaresBuffer = clips ? addBuffer("squares of gradients", squaresBytes, "training") : -1;
  const scaleBuffer = clips ? addBuffer("clipping", 16, "training") : -1;

  for (const [bank, { buffer, sizeBytes, gradientBuffer, gradientBytes }] of banks.entries()) {
    const suffix = bank === 0 ? "" : String(bank + 1);
    const members = tensors.flatMap((tensor, index) => {
      const place = input.parameterPlaces[index];
      return place?.slot === buffer ? [{ tensor, index, place }] : [];
    });
    const sizes = { parameterElements: sizeBytes / 4, gradientElements: gradientBytes / 4 };
    const runs = members.flatMap(({ index, place }) => {
      const at = input.gradientPlaces[index];
      const parts = at === undefined ? 0 : (input.gradientParts[index] ?? 1);
      const elements = place.sizeBytes / 4;
      return [elements / blockElements, (at?.offsetBytes ?? 0) / 16, partStride(elements) / 4, parts];
    });
    const tableBytes = (sizeBytes / 4 / blockElements) * 16;
    const table = bind(addBuffer(`gradient table${suffix}`, tableBytes, "constants", { runs }), tableBytes, false);
    const parts = bind(gradientBuffer, gradientBytes, false);
    const invocations = sizeBytes / 16;
    const stateBindings = optimizer.states.map((state) => {
      const own = addBuffer(`${state}${suffix}`, sizeBytes, "optimizer");
      for (const { tensor, index, place } of members) {
        states[index]?.push({
          name: `${tensor.name}/${state}`,
          shape: tensor.shape,
          buffer: own,
          offset: place.offsetBytes,
          initial: { kind: "constant", value: 0 },
        });
      }
      return bind(own, sizeBytes, true);
    });
    const parameters = bind(buffer, sizeBytes, true);
    const whole = "update of all parameters";
    if (!isGathered) {
      const text = emitUpdateKernel(optimizer.formula, optimizer.states, sizes, uniforms);
      update.push(dispatch("update", whole, text, [parameters, parts, table, ...stateBindings], invocations));
    } else {
      const sum = addBuffer(`gathered gradients${suffix}`, sizeBytes, "training");
      const label = "gathering of gradients";
      const text = emitGatherKernel(sizes, uniforms);
      gather.push(dispatch("gather", label, text, [bind(sum, sizeBytes, true), parts, table], invocations));
      if (clips) {
        const first = groupCounts.slice(0, bank).reduce((total, count) => total + count, 0);
        const [count = 0] = groupCounts.slice(bank);
        const kernel = emitSquaresKernel(sizes.parameterElements, first, groupCount);
        const bindings = [bind(squaresBuffer, squaresBytes, true), bind(sum, sizeBytes, false)];
        squares.push(dispatch("squares", "norm of all gradients", kernel, bindings, count * updateWorkgroup));
      }
      const updateText = emitUpdateKernel(optimizer.formula, optimizer.states, sizes, uniforms, clips ? "clipped" : "gathered"); // prettier-ignore
      const bindings = [parameters, bind(sum, sizeBytes, false), table, ...stateBindings];
      update.push(dispatch("update", whole, updateText, clips ? [...bindings, bind(scaleBuffer, 16, false)] : bindings, invocations)); // prettier-ignore
    }
    const collected = addBuffer(`collected gradients${suffix}`, sizeBytes, "gradients");
    const bindings = [bind(collected, sizeBytes, true), parts, table];
    collect.push(dispatch("collect", "gradients of all parameters", emitCollectKernel(sizes), bindings, invocations));
    for (const { index, place } of members) gradients[index] = { buffer: collected, offset: place.offsetBytes };
  }
  const clip = clips
    ? [
        dispatch(
          "clip",
          "clipping of gradients",
          emitClipKernel(groupCount, uniforms),
          [bind(scaleBuffer, 16, true), bind(squaresBuffer, squaresBytes, false)],
          updateWorkgroup,
        ),
      ]
    : [];
  return {
    update: [...squares, ...clip, ...update],
    collect,
    ...(isGathered && { gather }),
    gradients,
    states,
  };
}
