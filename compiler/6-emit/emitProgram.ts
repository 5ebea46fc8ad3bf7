/** In: the kernels and the memory of one program. Out: its dispatches, with the WGSL of every distinct kernel. */
import { InternalCompilerError } from "../ir/diagnostic.ts";
import { elementBytes, elementCount, typeOf } from "../ir/graph.ts";
import type { TensorType, ValueId } from "../ir/graph.ts";
import { runsBySlab, signatureOf, storageIn, workOf } from "../ir/kernel.ts";
import type { BatchSlabs, Kernel, Schedule } from "../ir/kernel.ts";
import { slabPlaces } from "../ir/memory.ts";
import type { Place } from "../ir/memory.ts";
import type { ProgramPlan } from "../ir/output.ts";
import type { LayoutsOf } from "../ir/tiles.ts";
import type { BindingPlan, BufferPlan, DispatchPlan, PlacePlan, SlabRange } from "../../runtime/plan.ts";
import { cutSubmits } from "./cutSubmits.ts";
import { emitWgsl } from "./emitWgsl.ts";
import type { EmittedKernel } from "./emitWgsl.ts";
import { kernelName, labelOf } from "./kernelTable.ts";
import type { KernelTable } from "./kernelTable.ts";
import type { UniformWord } from "./uniforms.ts";

/** What a network's programs share. */
export interface EmitProgramInput {
  /** The most samples of a step. */
  readonly batch: number;
  readonly batchSlabs?: BatchSlabs;
  readonly adapterClass: "cpu" | "gpu";
  /** The slots before a program's own. */
  readonly persistentSlots: readonly unknown[];
  readonly layoutsOf?: LayoutsOf;
}

/** A program as the runtime runs it. */
export interface EmittedProgram {
  readonly dispatches: readonly DispatchPlan[];
  placeOf(value: ValueId): PlacePlan;
}

/** A program's own buffers and its dispatches; persistent slots are the plan's first buffers. */
export function emitProgram(
  program: ProgramPlan,
  role: "training" | "inference",
  input: EmitProgramInput,
  uniforms: readonly UniformWord[],
  kernels: KernelTable,
  buffers: BufferPlan[],
  ring: { readonly value: ValueId; readonly slots: number } | undefined,
): EmittedProgram {
  const shared = input.persistentSlots.length;
  const first = buffers.length;
  for (const [index, slot] of program.memory.slots.entries()) {
    if (index < shared) continue;
    const isRing = ring !== undefined && program.memory.placeOf.get(ring.value)?.slot === index;
    buffers.push({ name: `${role} ${slot.name}`, size: slot.sizeBytes, role: isRing ? "metrics" : role });
  }
  const types = new Map([...program.kernels.types, ...program.kernels.scratch]);
  const typeIn = (value: ValueId): TensorType => typeOf(types, value);
  const samples = input.batchSlabs?.rows ?? input.batch;
  // A kernel binds a window under its own name.
  const boundAs = (value: ValueId): ValueId => program.kernels.aliasOf.get(value) ?? value;
  const storageOf = (value: ValueId): ValueId => storageIn(program.kernels, value);
  const rangeAt = ({ slot, offsetBytes }: Place): SlabRange => ({
    buffer: slot < shared ? slot : first + slot - shared,
    offset: offsetBytes,
  });
  const firstRangeOf = (value: ValueId): SlabRange => {
    const place = program.memory.placeOf.get(storageOf(value));
    if (place === undefined) throw new InternalCompilerError("emitProgram", `%${value} has no place`);
    return rangeAt(place);
  };
  const placeOf = (value: ValueId): PlacePlan => {
    const slabs = program.kernels.slabsOf.get(storageOf(value)) ?? [];
    if (slabs.length > 0) return { ...placeOf(slabs[0] ?? value), ...inSlabs(slabs.map(placeOf), slabs.map(typeIn)) };
    const range = firstRangeOf(value);
    const elements = elementCount(typeIn(value)) * samples;
    const all = slabPlaces(program.memory, storageOf(value)).map((place) => ({ ...rangeAt(place), elements }));
    if (all.length === 1) return range;
    // The host writes and reads what lies in one piece as one.
    const inOnePiece = all.every(
      ({ buffer, offset }, slab) => buffer === range.buffer && offset === range.offset + slab * elements * 4,
    );
    return { ...range, ...(!inOnePiece && { slabs: all }) };
  };
  // Equal layers are written once; only the values that they bind differ.
  const known = new Map<string, { readonly emitted: EmittedKernel; readonly values: readonly ValueId[] }>();
  const vectorGuesses = new Map<string, ReadonlySet<string>>();
  // Equal layers share their schedule.
  const scheduleKeys = new Map<Schedule, string>();
  const scheduleKey = (schedule: Schedule): string => {
    const key = scheduleKeys.get(schedule) ?? JSON.stringify(schedule);
    scheduleKeys.set(schedule, key);
    return key;
  };
  const emit = (kernel: Kernel): EmittedKernel => {
    const { text, values } = program.kernels.signatures?.get(kernel.stages) ?? signatureOf(kernel, typeIn);
    const isRing = kernel.stages.some((stage) => stage.value === ring?.value);
    const key = `${scheduleKey(kernel.schedule)} ${isRing} ${text}`;
    const found = known.get(key);
    if (found !== undefined) {
      const renamed = new Map(found.values.map((value, index) => [value, values[index] ?? value]));
      const bindings = found.emitted.bindings.map(({ value, name, writes, dtype, sizeBytes }) => ({
        value: renamed.get(value) ?? value,
        name,
        writes,
        dtype,
        sizeBytes,
      }));
      const { wgsl, workgroupSize, samplesPerTile, invocationsPerTile } = found.emitted;
      return { wgsl, bindings, workgroupSize, samplesPerTile, invocationsPerTile };
    }
    const emitted = emitWgsl(kernel, {
      batch: samples,
      ...(input.batchSlabs !== undefined && { wholeBatch: input.batch }),
      typeOf: typeIn,
      storageOf: boundAs,
      windowOf: (value) => program.kernels.windows?.get(value),
      uniforms,
      vectorGuesses,
      ...(input.layoutsOf !== undefined && { layoutsOf: input.layoutsOf }),
      ringSlots: ring?.slots ?? 1,
      ...(ring !== undefined && { ring: ring.value }),
    });
    known.set(key, { emitted, values });
    return emitted;
  };
  const runsOf = (kernel: Kernel): number => (runsBySlab(kernel, input) ? (input.batchSlabs?.count ?? 1) : 1);
  const submits = cutSubmits(
    program.kernels.kernels.map((kernel) => ({ work: workOf(kernel), runs: runsOf(kernel) })),
    input.adapterClass,
  );
  const dispatches = program.kernels.kernels.map((kernel, index): DispatchPlan => {
    const emitted = emit(kernel);
    const label = labelOf(kernel);
    const bindings = emitted.bindings.map(({ value, writes, sizeBytes, dtype }): BindingPlan => {
      const step = program.memory.slabStepOf.get(storageOf(value));
      const { buffer, offset } = firstRangeOf(value);
      const start = program.kernels.windows?.get(value)?.start ?? 0;
      return {
        buffer,
        offset: offset + start * elementBytes({ dtype }),
        size: sizeBytes,
        writes,
        ...(dtype === "f16" && { half: true as const }),
        ...(step !== undefined && { slabStep: { buffer: step.slots, offset: step.bytes } }),
      };
    });
    return {
      kernel: kernels.add(emitted.wgsl, kernelName(kernel), emitted.workgroupSize, label),
      label,
      bindings,
      samplesPerTile: emitted.samplesPerTile,
      invocationsPerTile: emitted.invocationsPerTile,
      ...(runsOf(kernel) > 1 && { inSlabs: true as const }),
      ...submits[index],
    };
  });
  return { dispatches, placeOf };
}

/** The ranges of a tensor that lies in several; nothing for one that lies in one. */
export function inSlabs(pieces: readonly PlacePlan[], types: readonly TensorType[]): Pick<PlacePlan, "slabs"> {
  if (pieces.length < 2) return {};
  return {
    slabs: pieces.map(({ buffer, offset }, index) => ({ buffer, offset, elements: slabElements(types[index]) })),
  };
}

/** Elements of a slab, whose rows are its own. */
function slabElements(type: TensorType | undefined): number {
  return type === undefined ? 0 : elementCount(type);
}
