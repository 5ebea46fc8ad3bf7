/**
 * In: the kernels and the memory of a training step and of inference. Out: the plan that the runtime runs, with the WGSL of
 * every distinct kernel. Kernels of equal text are one.
 */
import { InternalCompilerError } from "../ir/diagnostic.ts";
import { targetsOf, typesOf } from "../ir/graph.ts";
import type { Graph, Initial, TensorType, TrainingGraph, ValueId } from "../ir/graph.ts";
import type { BatchSlabs } from "../ir/kernel.ts";
import type { Place } from "../ir/memory.ts";
import type { ProgramPlan } from "../ir/output.ts";
import type { LayoutsOf } from "../ir/tiles.ts";
import type { BufferPlan, CoursePlan, NetworkPlan, PlacePlan, TensorPlan, TrainingPlan } from "../../runtime/plan.ts";
import { featuresOf } from "./featuresOf.ts";
import { requiredLimits } from "./requiredLimits.ts";
import { emitPreparation } from "./emitPreparation.ts";
import type { PreparationPart } from "./emitPreparation.ts";
import { emitProgram, inSlabs } from "./emitProgram.ts";
import { emitParameterUpdates, gathers } from "./emitParameterUpdates.ts";
import type { OptimizerPart } from "./emitParameterUpdates.ts";
import { kernelTable } from "./kernelTable.ts";
import type { KernelTable } from "./kernelTable.ts";
import { builtinUniforms, microUniform, slabUniforms, uniformWordLimit } from "./uniforms.ts";
import type { UniformWord } from "./uniforms.ts";

export type { OptimizerPart } from "./emitParameterUpdates.ts";

export interface TrainingPart {
  readonly graph: TrainingGraph;
  readonly program: ProgramPlan;
  readonly optimizer: OptimizerPart;
  /** Of each parameter's slabs, in order: where the gradient's first part lies; undefined when it is frozen. */
  readonly gradientPlaces: readonly (Place | undefined)[];
  readonly gradientParts: readonly number[];
  readonly gradientSlotBytes: readonly number[];
  readonly ringSlots: number;
  /** What the loss multiplies the classes by, where they differ. */
  readonly classWeights?: readonly number[];
  readonly keepLogits: boolean;
  readonly course: CoursePlan;
}

export interface EmitPlanInput {
  readonly name: string;
  readonly graph: Graph;
  /** The most samples of a step. */
  readonly batch: number;
  /** How the batch is cut, where it is too large for a binding. */
  readonly batchSlabs?: BatchSlabs;
  readonly adapterClass: "cpu" | "gpu";
  readonly seed: number;
  readonly initials: readonly Initial[];
  /** Of each parameter: the types of its slabs; of most, its own type alone. */
  readonly parameterSlabs: readonly (readonly TensorType[])[];
  /** Where the parameters' slabs and running statistics lie; the same slots in both programs, before all others. */
  readonly parameterPlaces: readonly Place[];
  readonly statePlaces: readonly Place[];
  /** The persistent slots: parameters, then states. */
  readonly persistentSlots: readonly {
    readonly name: string;
    readonly sizeBytes: number;
    readonly role: "parameters" | "states";
  }[];
  readonly training?: TrainingPart;
  readonly inference: ProgramPlan;
  readonly counters: readonly string[];
  /** How images are made of bytes. */
  readonly preparation?: PreparationPart;
  /** One that remembers saves time. */
  readonly layoutsOf?: LayoutsOf;
  /** Sees the WGSL of each distinct kernel when it is written, in the plan's order. */
  readonly onKernel?: (wgsl: string) => void;
}

export function emitPlan(input: EmitPlanInput): NetworkPlan {
  const uniforms = uniformWords(input.training, input.batchSlabs);
  const kernels = kernelTable(input.onKernel);
  const buffers: BufferPlan[] = input.persistentSlots.map((slot) => ({
    name: slot.name,
    size: slot.sizeBytes,
    role: slot.role,
  }));
  const { graph } = input;
  const tensor = (name: string, type: TensorType, place: Place, initial: Initial): TensorPlan => ({
    name,
    shape: type.shape,
    buffer: place.slot,
    offset: place.offsetBytes,
    initial,
  });
  const parameterPlans = perParameter(input.parameterSlabs, input.parameterPlaces);
  const parameters = graph.parameters.map((parameter, index): TensorPlan => {
    const places = parameterPlans[index] ?? [];
    const pieces = places.map(({ slot, offsetBytes }) => ({ buffer: slot, offset: offsetBytes }));
    return {
      ...tensor(
        parameter.name,
        parameter.type,
        placeAt(places, 0),
        input.initials[index] ?? { kind: "constant", value: 0 },
      ),
      ...inSlabs(pieces, input.parameterSlabs[index] ?? []),
    };
  });
  const states = graph.states.map((state, index) =>
    tensor(state.name, state.type, placeAt(input.statePlaces, index), { kind: "constant", value: state.initial }),
  );
  const optimizer: TensorPlan[] = [];
  const training =
    input.training === undefined
      ? undefined
      : emitTraining(input, input.training, uniforms, kernels, buffers, optimizer);
  const inference = emitProgram(input.inference, "inference", input, uniforms, kernels, buffers, undefined);
  const output = graph.heads[0];
  const types = typesOf(graph);
  const outputValue = input.inference.graph.heads[0]?.value;
  const images = graph.inputs.find((each) => each.name === "images");
  if (output === undefined || images === undefined || outputValue === undefined)
    throw new InternalCompilerError("emitPlan", "no output");
  const features = featuresOf(input.inference.graph, inference.placeOf);
  const inferenceImages = inference.placeOf(inputValue(input.inference.graph, "images"));
  // Images in several pieces come as numbers: those too large for one binding, or of slabs that cannot begin where the last one ends.
  const inOnePiece = training?.images.slabs === undefined && inferenceImages.slabs === undefined;
  const preparation =
    input.preparation &&
    inOnePiece &&
    emitPreparation(input.preparation, {
      batch: input.batch,
      uniforms,
      buffers,
      addKernel: kernels.add,
      ...(training !== undefined && { trainingImages: training.images }),
      inferenceImages,
    });
  return {
    format: 1,
    name: input.name,
    inputShape: images.type.shape,
    outputShape: types.get(output.value)?.shape ?? [],
    batch: input.batch,
    seed: input.seed,
    parameters,
    states,
    ...(input.batchSlabs !== undefined && { batchSlabs: input.batchSlabs }),
    counters: input.counters.map((name) => ({ name })),
    optimizer,
    buffers,
    uniforms,
    kernels: kernels.list(),
    ...(training !== undefined && { training }),
    inference: {
      images: inferenceImages,
      logits: inference.placeOf(outputValue),
      ...features,
      dispatches: inference.dispatches,
    },
    ...(preparation && { preparation }),
    requiredLimits: requiredLimits(buffers),
    ...kernels.requiredFeatures(),
  };
}

/** The block of the step: the built-in words, then the optimizer's. */
function uniformWords(training: TrainingPart | undefined, batchSlabs: BatchSlabs | undefined): readonly UniformWord[] {
  const optimizer = training?.optimizer;
  const clipping = optimizer?.clipNorm === undefined ? [] : [{ name: "clip_norm", value: optimizer.clipNorm }];
  const own = [...(optimizer?.uniforms ?? []), ...clipping].map(({ name, value }): UniformWord => ({
    name,
    type: "f32",
    initial: value,
  }));
  const micro: readonly UniformWord[] = optimizer !== undefined && gathers(optimizer) ? [microUniform] : [];
  const words = [...builtinUniforms, ...(batchSlabs === undefined ? [] : slabUniforms), ...micro, ...own];
  if (words.length > uniformWordLimit) throw new InternalCompilerError("emitPlan", `${words.length} uniform words`);
  return words;
}

function emitTraining(
  input: EmitPlanInput,
  training: TrainingPart,
  uniforms: readonly UniformWord[],
  kernels: KernelTable,
  buffers: BufferPlan[],
  optimizer: TensorPlan[],
): TrainingPlan {
  const { graph, program } = training;
  const emitted = emitProgram(program, "training", input, uniforms, kernels, buffers, {
    value: graph.metrics,
    slots: training.ringSlots,
  });
  const images = inputValue(graph, "images");
  const labels = targetsOf(graph);
  const classWeights = graph.inputs.find(({ name }) => name === "class_weights");
  if (labels === undefined) throw new InternalCompilerError("emitPlan", "no labels");

  const firstGradient = program.memory.slots.findIndex((slot) => slot.name.startsWith("gradients"));
  const ownOffset =
    buffers.length - (program.memory.slots.length - input.persistentSlots.length) - input.persistentSlots.length;
  const banks = input.persistentSlots
    .flatMap(({ role, sizeBytes }, buffer) => (role === "parameters" ? [{ buffer, sizeBytes }] : []))
    .map((slot, bank) => ({
      ...slot,
      gradientBuffer: ownOffset + firstGradient + bank,
      gradientBytes: training.gradientSlotBytes[bank] ?? 0,
    }));
  const slabs = graph.parameters.flatMap(({ name }, index) =>
    (input.parameterSlabs[index] ?? []).map(({ shape }) => ({ name, shape })),
  );
  const { update, collect, gather, gradients, states } = emitParameterUpdates(
    { ...training, tensors: slabs, parameterPlaces: input.parameterPlaces, banks, uniforms, addKernel: kernels.add },
    buffers,
  );
  for (const [index, ofSlabs] of perParameter(input.parameterSlabs, states).entries()) {
    for (const [position, state] of (ofSlabs[0] ?? []).entries()) {
      const pieces = ofSlabs.flatMap((each) => each.slice(position, position + 1));
      const shape = graph.parameters[index]?.type.shape ?? [];
      optimizer.push({ ...state, shape, ...inSlabs(pieces, input.parameterSlabs[index] ?? []) });
    }
  }
  const gradientPlaces = perParameter(input.parameterSlabs, gradients).map((pieces, index): PlacePlan => ({
    ...(pieces[0] ?? { buffer: 0, offset: 0 }),
    ...inSlabs(pieces, input.parameterSlabs[index] ?? []),
  }));
  const ringPlace = emitted.placeOf(graph.metrics);
  const imageGradient = graph.gradientOf.get(images);
  const [mainHead, ...otherHeads] = training.keepLogits ? graph.heads : [];
  const types = typesOf(graph);
  return {
    images: emitted.placeOf(images),
    labels: emitted.placeOf(labels.value),
    labelType: labels.name === "cotangent" ? "cotangent" : "class",
    ...(classWeights !== undefined && {
      classWeights: { ...emitted.placeOf(classWeights.value), values: training.classWeights ?? [] },
    }),
    dispatches: emitted.dispatches,
    update,
    collect,
    ...(gather !== undefined && { gather, accumulate: training.optimizer.accumulate }),
    gradients: gradientPlaces,
    ...(imageGradient !== undefined && { imageGradient: emitted.placeOf(imageGradient) }),
    ...(mainHead !== undefined && { logits: emitted.placeOf(mainHead.value) }),
    ...(otherHeads.length > 0 && {
      auxiliaryLogits: otherHeads.map(({ name, value }) => ({
        name,
        shape: types.get(value)?.shape ?? [],
        ...emitted.placeOf(value),
      })),
    }),
    metrics: { buffer: ringPlace.buffer, slots: training.ringSlots },
    course: training.course,
  };
}

/** What each slab of the parameters has, parameter by parameter. */
function perParameter<T>(slabs: readonly (readonly unknown[])[], each: readonly T[]): readonly (readonly T[])[] {
  let at = 0;
  return slabs.map(({ length }) => each.slice(at, (at += length)));
}

function placeAt(places: readonly Place[], index: number): Place {
  const place = places[index];
  if (place === undefined) throw new InternalCompilerError("emitPlan", `tensor ${index} has no place`);
  return place;
}

function inputValue(graph: Graph, name: string): ValueId {
  const input = graph.inputs.find((each) => each.name === name);
  if (input === undefined) throw new InternalCompilerError("emitPlan", `no input is called ${name}`);
  return input.value;
}
