/** The bytes of a compiled network on the GPU, as the runtime will allocate them; pure. */
import { heldForBackward } from "../5-plan/heldForBackward.ts";
import { elementCount } from "../ir/graph.ts";
import type { CompiledNetwork, Recomputation } from "../ir/output.ts";
import type { BufferPlan } from "../../runtime/plan.ts";
import { allocatedBytes, buffersOf, readbackOf, uniformSize } from "../../runtime/programs.ts";

/** What a network that has prepared one program holds, all of it: the sum is its peak. In bytes. */
export interface ProgramBytes {
  /** In whole buffers: each tensor begins where a binding may. */
  readonly parameters: number;
  /** Running statistics. */
  readonly statistics: number;
  readonly optimizer: number;
  /** Of each parameter, in as many parts as it is summed in. */
  readonly gradients: number;
  /** Images, labels, activations and their gradients, which share buffers as they come and go. */
  readonly values: number;
  /** The ring of losses. */
  readonly metrics: number;
  /** Tables that kernels read. */
  readonly tables: number;
  readonly uniforms: number;
  /** Mappable buffers that losses or logits come back in. */
  readonly readback: number;
}

export interface MemorySummary {
  /** Images of a step. */
  readonly batch: number;
  /** The network's own numbers: four bytes a parameter. */
  readonly parameters: number;
  /** Forward values that a training step holds for its backward pass, at the moment when they are most: see `heldForBackward`. */
  readonly activations?: number;
  /** What is computed again so that no more is held. */
  readonly recomputation?: Recomputation;
  /** All GPU buffers that a training step has; absent where there is no recipe. */
  readonly trainingPeak?: number;
  readonly inferencePeak: number;
  /** What each takes more where images come as bytes, which the GPU prepares; absent where the recipe's data does not tell how. */
  readonly imagesFromBytes?: { readonly training?: number; readonly inference: number };
  readonly training?: ProgramBytes;
  readonly inference: ProgramBytes;
}

export function summarizeMemory(network: CompiledNetwork): MemorySummary {
  const { graph, training, plan, peakBytes } = network;
  return {
    batch: plan.batch,
    parameters: graph.parameters.reduce((sum, { type }) => sum + elementCount(type) * 4, 0),
    ...(training !== undefined && { activations: heldForBackward(training) }),
    ...(network.recomputation !== undefined && { recomputation: network.recomputation }),
    ...(peakBytes.training !== undefined && { trainingPeak: peakBytes.training }),
    inferencePeak: peakBytes.inference,
    ...(plan.preparation !== undefined && {
      imagesFromBytes: {
        ...(peakBytes.training !== undefined && {
          training: allocatedBytes(plan, "training", true) - peakBytes.training,
        }),
        inference: allocatedBytes(plan, "inference", true) - peakBytes.inference,
      },
    }),
    ...(training !== undefined && { training: programBytes(network, "training") }),
    inference: programBytes(network, "inference"),
  };
}

function programBytes({ plan, training }: CompiledNetwork, program: "training" | "inference"): ProgramBytes {
  const buffers = buffersOf(plan, program).flatMap((index) => plan.buffers[index] ?? []);
  const sum = (...roles: readonly BufferPlan["role"][]): number =>
    buffers.reduce((total, { role, size }) => total + (roles.includes(role) ? size : 0), 0);
  const banks = training?.memory.slots.filter(({ name }) => name.startsWith("gradients")) ?? [];
  const gradients = program === "training" ? banks.reduce((total, { sizeBytes }) => total + sizeBytes, 0) : 0;
  const { count, sizeBytes } = readbackOf(plan, program);
  return {
    parameters: sum("parameters"),
    statistics: sum("states"),
    optimizer: sum("optimizer"),
    gradients,
    values: sum(program) - gradients,
    metrics: sum("metrics"),
    tables: sum("constants"),
    uniforms: uniformSize(plan),
    readback: count * sizeBytes,
  };
}
