/**
 * In: the kernels and the memory of the programs that make images of bytes. Out: what the runtime needs to run them before a
 * step. What they read and write besides buffers of their own is the same for both: the host's bytes, and the mean.
 */
import type { PreparationPlan, BindingPlan, BufferPlan, DispatchPlan, PlacePlan } from "../../runtime/plan.ts";
import { InternalCompilerError } from "../ir/diagnostic.ts";
import { typeOf, typesOf } from "../ir/graph.ts";
import type { Graph, ValueId } from "../ir/graph.ts";
import type { KernelPlan } from "../ir/kernel.ts";
import type { MemoryPlan } from "../ir/memory.ts";
import { emitWgsl } from "./emitWgsl.ts";
import type { UniformWord } from "./uniforms.ts";

/** One form of preparation. */
export interface PreparationProgram {
  readonly graph: Graph;
  readonly kernels: KernelPlan;
  readonly memory: MemoryPlan;
}

export interface PreparationPart {
  readonly source: { readonly shape: readonly number[]; readonly dtype: "u8" | "f32" };
  readonly meanShape?: readonly number[];
  readonly training?: PreparationProgram;
  readonly inference: PreparationProgram;
}

export interface PreparationContext {
  readonly batch: number;
  readonly uniforms: readonly UniformWord[];
  /** The plan's buffers so far; those of preparation are added. */
  readonly buffers: BufferPlan[];
  readonly addKernel: (wgsl: string, name: string, workgroupSize: number, label: string) => number;
  readonly trainingImages?: PlacePlan;
  readonly inferenceImages: PlacePlan;
}

export function emitPreparation(part: PreparationPart, context: PreparationContext): PreparationPlan {
  const { buffers, trainingImages, inferenceImages } = context;
  const addBuffer = (name: string, size: number): number => buffers.push({ name, size, role: "preparation" }) - 1;
  // Both programs have the same slots first: images, source, sizes, mean.
  const shared = new Map<string, number>();
  for (const { name, sizeBytes } of part.inference.memory.slots.filter(({ lifetime }) => lifetime === "persistent")) {
    if (name !== "images") shared.set(name, addBuffer(`preparation ${name}`, sizeBytes));
  }
  const emit = (program: PreparationProgram, images: PlacePlan): readonly DispatchPlan[] => {
    const slots = program.memory.slots.map(({ name, sizeBytes, lifetime }): PlacePlan => {
      if (lifetime === "persistent" && name === "images") return images;
      const known = lifetime === "persistent" ? shared.get(name) : undefined;
      return { buffer: known ?? addBuffer(`preparation ${name}`, sizeBytes), offset: 0 };
    });
    return dispatchesOf(program, slots, context);
  };
  const place = (name: string): PlacePlan | undefined => {
    const buffer = shared.get(name);
    return buffer === undefined ? undefined : { buffer, offset: 0 };
  };
  const [source, sizes, mean] = [place("source"), place("sizes"), place("mean")];
  if (source === undefined)
    throw new InternalCompilerError("emitPreparation", "nothing says where the host's bytes go");
  return {
    sourceShape: part.source.shape,
    sourceType: part.source.dtype,
    source,
    ...(sizes !== undefined && { sizes }),
    ...(mean !== undefined && part.meanShape !== undefined && { mean: { ...mean, shape: part.meanShape } }),
    ...(part.training !== undefined &&
      trainingImages !== undefined && { training: emit(part.training, trainingImages) }),
    inference: emit(part.inference, inferenceImages),
  };
}

function dispatchesOf(
  program: PreparationProgram,
  slots: readonly PlacePlan[],
  { batch, uniforms, addKernel }: PreparationContext,
): readonly DispatchPlan[] {
  const types = typesOf(program.graph);
  const placeOf = (value: ValueId): PlacePlan => {
    const place = program.memory.placeOf.get(value);
    const slot = place === undefined ? undefined : slots[place.slot];
    if (place === undefined || slot === undefined) {
      throw new InternalCompilerError("emitPreparation", `%${value} has no place`);
    }
    return { buffer: slot.buffer, offset: slot.offset + place.offsetBytes };
  };
  return program.kernels.kernels.map((kernel): DispatchPlan => {
    const emitted = emitWgsl(kernel, {
      batch,
      typeOf: (value) => typeOf(types, value),
      storageOf: (value) => value,
      uniforms,
      ringSlots: 1,
    });
    const op = kernel.stages[0]?.op ?? "prepare";
    const isLast = kernel === program.kernels.kernels.at(-1);
    const name = isLast ? `prepare_${program.graph.name.replaceAll(" ", "_")}` : `prepare_${op}`;
    const label = isLast ? program.graph.name : op.replaceAll("_", " ");
    return {
      kernel: addKernel(emitted.wgsl, name, emitted.workgroupSize, label),
      label,
      bindings: emitted.bindings.map(({ value, writes, sizeBytes }): BindingPlan => ({
        ...placeOf(value),
        size: sizeBytes,
        writes,
      })),
      samplesPerTile: emitted.samplesPerTile,
      invocationsPerTile: emitted.invocationsPerTile,
    };
  });
}
