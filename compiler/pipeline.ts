/** The passes from a checked graph to a plan, in order: the only file that names them all. */
import { differentiate } from "./3-differentiate/differentiate.ts";
import type { TrainingLoss } from "./3-differentiate/buildLoss.ts";
import { inferenceGraph } from "./3-differentiate/inferenceGraph.ts";
import { addInPlace } from "./4-fuse/addInPlace.ts";
import { countSamples, cutBatch } from "./4-fuse/cutBatch.ts";
import { fuseKernels } from "./4-fuse/fuseKernels.ts";
import { useImplicitGemm } from "./4-fuse/implicitGemm.ts";
import { lowerGraph } from "./4-fuse/lowerGraph.ts";
import { placeJoins } from "./4-fuse/placeJoins.ts";
import { openWindows } from "./4-fuse/openWindows.ts";
import { partsOf, scheduleKernels } from "./4-fuse/scheduleKernels.ts";
import { storeActivations } from "./4-fuse/storeActivations.ts";
import { splitIntoSlabs } from "./4-fuse/splitIntoSlabs.ts";
import { useWinograd } from "./4-fuse/winograd.ts";
import { gradientBanks } from "./5-plan/gradientBanks.ts";
import { planMemory } from "./5-plan/planMemory.ts";
import { overwriteInPlace } from "./5-plan/overwriteInPlace.ts";
import { persistentTensors } from "./5-plan/persistentTensors.ts";
import type { PersistentTensors } from "./5-plan/persistentTensors.ts";
import type { ImageSource, PreparationLines } from "./3-differentiate/preparationGraph.ts";
import { runPreparation } from "./preparationPipeline.ts";
import { emitPlan } from "./6-emit/emitPlan.ts";
import type { OptimizerPart, TrainingPart } from "./6-emit/emitPlan.ts";
import { verifyKernels } from "./ir/kernel.ts";
import type { Choices } from "./ir/choices.ts";
import { elementCount, typeOf, verifyGraph } from "./ir/graph.ts";
import type { Graph, Initial, TensorType, TrainingGraph, ValueId } from "./ir/graph.ts";
import type { BatchSlabs, KernelPlan } from "./ir/kernel.ts";
import { verifyMemory } from "./ir/memory.ts";
import type { Place } from "./ir/memory.ts";
import type { ProgramPlan, Recomputation } from "./ir/output.ts";
import { rememberLayouts } from "./ir/tiles.ts";
import type { LayoutsOf } from "./ir/tiles.ts";
import { verifyProgram } from "./ir/program.ts";
import type { TensorProgram } from "./ir/program.ts";
import { ops } from "./ops/index.ts";
import { holdingAtMost, leanUnasked } from "./recomputation.ts";
import type { LeanGraph } from "./recomputation.ts";
import type { CoursePlan, NetworkPlan } from "../runtime/plan.ts";

export interface TrainingRequest {
  readonly loss: TrainingLoss;
  readonly optimizer: OptimizerPart;
  readonly freeze: readonly string[];
  readonly imageGradient: boolean;
  readonly keepLogits: boolean;
  /** False: batch norm by its running statistics, nothing dropped (conformance cases in eval mode). */
  readonly trainingMode: boolean;
  /** False: nothing is dropped. */
  readonly dropout: boolean;
  /** The share of the activations' bytes that the step may hold for its backward pass; the rest is computed again. */
  readonly memory?: number;
  /** What the module shall know of a whole training. */
  readonly course: CoursePlan;
}

export interface PipelineOptions {
  readonly name: string;
  readonly batch: number;
  readonly seed: number;
  readonly initials: readonly Initial[];
  readonly counters: readonly string[];
  readonly training?: TrainingRequest;
  readonly adapterClass: "cpu" | "gpu";
  readonly bindingBytes: number;
  readonly storageBuffers: number;
  /** Values that can be predicted besides the logits, by name. */
  readonly features: ReadonlyMap<string, ValueId>;
  /** False gives every node a kernel of its own. */
  readonly fuse: boolean;
  /** "f16" stores activations in half the bytes. */
  readonly precision: "f32" | "f16";
  /** What the cost model shall not decide. */
  readonly choices: Choices;
  /** How images are made of what the host sends. */
  readonly preparation?: { readonly source: ImageSource; readonly data: PreparationLines };
  /** Sees the WGSL of each distinct kernel when it is written, in the plan's order. */
  readonly onKernel?: (wgsl: string) => void;
}

/** Everything about a network but its texts. */
export interface PlannedNetwork {
  readonly trainingGraph?: TrainingGraph;
  readonly training?: ProgramPlan;
  /** What is computed again, where the request asks for a share of the memory or it is worthwhile unasked. */
  readonly recomputation?: Recomputation;
  readonly inference: ProgramPlan;
  /** Writes the kernels, which takes as long as all before: the plan that the runtime runs. */
  readonly write: () => NetworkPlan;
}

/** What the passes of one compilation share. */
interface RunOptions extends PipelineOptions {
  /** Samples that the programs are planned for: the batch, or a slab of it. */
  readonly batch: number;
  /** The most samples of a step. */
  readonly wholeBatch: number;
  readonly batchSlabs?: BatchSlabs;
  readonly layoutsOf: LayoutsOf;
}

/** Steps whose losses wait on the device before the host must have read them. */
const ringSlots = 32;
/** From a checked graph to kernels with their memory, and from there to the plan that the runtime runs. */
export function runPipeline(graph: Graph, request: PipelineOptions): PlannedNetwork {
  verifyGraph(graph);
  const lean = request.training && trainingGraphOf(graph, request.training, request);
  const batchSlabs = cutBatch(graph, lean?.graph, request.batch, request);
  const options: RunOptions = {
    ...request,
    wholeBatch: request.batch,
    ...(batchSlabs !== undefined && { batchSlabs, batch: batchSlabs.rows }),
    layoutsOf: rememberLayouts(),
  };
  const inference = inferenceKernels(graph, { ...options, choices: options.choices.inference ?? options.choices });
  const step = request.training && lean && planStep(graph, lean, request.training, inference, options);
  const { training, tensors } = step ?? {
    tensors: persistentTensors(graph, inference.program, undefined, options.bindingBytes),
  };
  const inferenceProgram = planInference(inference, options, tensors);
  const write = (): NetworkPlan => writePlan(graph, training, inferenceProgram, tensors, options);
  return {
    ...(training !== undefined && { trainingGraph: training.graph, training: training.program }),
    ...(step?.recomputation !== undefined && { recomputation: step.recomputation }),
    inference: inferenceProgram,
    write,
  };
}

function writePlan(
  graph: Graph,
  training: TrainingPart | undefined,
  inference: ProgramPlan,
  tensors: PersistentTensors,
  options: RunOptions,
): NetworkPlan {
  const { batchSlabs } = options;
  return emitPlan({
    name: options.name,
    graph,
    batch: options.wholeBatch,
    ...(batchSlabs !== undefined && { batchSlabs }),
    adapterClass: options.adapterClass,
    seed: options.seed,
    initials: options.initials,
    parameterSlabs: tensors.slabs,
    parameterPlaces: tensors.parameterPlaces,
    statePlaces: tensors.statePlaces,
    persistentSlots: tensors.slots,
    ...(training !== undefined && { training }),
    inference,
    counters: options.counters,
    layoutsOf: options.layoutsOf,
    ...(options.onKernel !== undefined && { onKernel: options.onKernel }),
    ...(options.preparation !== undefined && {
      preparation: runPreparation(options.preparation.source, options.preparation.data, {
        batch: options.wholeBatch,
        adapterClass: options.adapterClass,
        training: training !== undefined,
      }),
    }),
  });
}

/** A training step with its memory, and where the tensors lie that outlive it. */
interface PlannedStep {
  readonly training: TrainingPart;
  readonly tensors: PersistentTensors;
  readonly recomputation?: Recomputation;
}

function trainingGraphOf(
  graph: Graph,
  { loss, imageGradient, freeze, trainingMode, dropout, memory }: TrainingRequest,
  { batch, fuse, precision }: PipelineOptions,
): LeanGraph {
  const step = differentiate(graph, { loss, imageGradient, freeze, training: trainingMode, dropout }).output;
  if (memory !== undefined || !fuse) return { graph: step, work: 0 };
  return leanUnasked(step, (type) => (type.batched ? batch : 1) * elementCount(type) * (precision === "f16" ? 2 : 4));
}

function planStep(
  graph: Graph,
  { graph: trainingGraph, work }: LeanGraph,
  request: TrainingRequest,
  inference: ScheduledProgram<Graph>,
  options: RunOptions,
): PlannedStep {
  const plan = (candidate: TrainingGraph): PlannedStep => {
    verifyGraph(candidate);
    const step = trainingKernels(candidate, request, options);
    const parts = step.gradients.map((gradient) => gradient.parts);
    const tensors = persistentTensors(graph, inference.program, parts, options.bindingBytes);
    return { training: trainingPart(step, options, tensors), tensors };
  };
  const plain = plan(trainingGraph);
  if (request.memory !== undefined) return holdingAtMost(request.memory, plain, plan);
  return work === 0 ? plain : { ...plain, recomputation: { work } };
}

/** A program with its kernels, before it has memory. */
interface ScheduledProgram<G extends Graph> {
  readonly graph: G;
  readonly program: TensorProgram;
  readonly kernels: KernelPlan;
  readonly inputs: readonly ValueId[];
  readonly outputs: readonly ValueId[];
}

interface ScheduledTraining extends ScheduledProgram<TrainingGraph> {
  readonly request: TrainingRequest;
  /** Of every parameter, or of each of its slabs: its gradient, and in how many parts that is summed. */
  readonly gradients: readonly { readonly value: ValueId | undefined; readonly parts: number }[];
}

/** A graph as a program that fits the adapter: in slabs where it must be, its joins in place. */
function programOf(
  graph: Graph,
  keep: ReadonlySet<ValueId>,
  overwrites: ReadonlyMap<ValueId, ValueId>,
  options: RunOptions,
): TensorProgram {
  const { batch, batchSlabs, wholeBatch } = options;
  const external = [...externalValues(graph)];
  const whole = lowerGraph(graph, ops, batch);
  const lowered = batchSlabs === undefined ? whole : countSamples(whole, wholeBatch);
  const slabbed = splitIntoSlabs(lowered, { batch, limitBytes: options.bindingBytes, external });
  const kept = new Set([...slabsOf(slabbed, [...keep]), ...overwrites.keys()]);
  const places = { batch, keep: kept };
  const placed = options.fuse ? addInPlace(placeJoins(slabbed, places), places) : slabbed;
  const program = useWinograd(placed, options);
  verifyProgram(program, new Set(slabsOf(program, external)), batch);
  return program;
}

/** The storages of values, slab by slab. */
function slabsOf(program: TensorProgram, values: readonly ValueId[]): readonly ValueId[] {
  return values.flatMap((value) => {
    const storage = program.aliasOf.get(value) ?? value;
    return program.slabsOf.get(storage) ?? [storage];
  });
}

/** The scheduled kernels of a graph's program; `keep` is stored whoever reads it. */
function kernelsOf(
  program: TensorProgram,
  graph: Graph,
  keep: readonly ValueId[],
  overwrites: ReadonlyMap<ValueId, ValueId>,
  gradients: ReadonlySet<ValueId | undefined>,
  options: RunOptions,
): KernelPlan {
  const fused = fuseKernels(program, {
    storageBuffers: options.storageBuffers,
    adapterClass: options.adapterClass,
    keep: new Set(slabsOf(program, keep)),
    overwrites,
    fuse: options.fuse,
    ...(options.batchSlabs !== undefined && { batchSlabs: options.batchSlabs }),
  });
  const formed = useImplicitGemm(storeActivations(fused, graph, keep, options), options);
  const kernels = scheduleKernels(openWindows(formed, options.batch), { ...options, gradients });
  verifyKernels(kernels, new Set(slabsOf(program, [...externalValues(graph)])));
  return kernels;
}

function trainingKernels(
  trainingGraph: TrainingGraph,
  request: TrainingRequest,
  options: RunOptions,
): ScheduledTraining {
  const images = trainingGraph.inputs.find((input) => input.name === "images")?.value;
  const imageGradient = images === undefined ? undefined : trainingGraph.gradientOf.get(images);
  const read = [
    ...(request.keepLogits ? trainingGraph.heads.map(({ value }) => value) : []),
    ...(imageGradient !== undefined ? [imageGradient] : []),
  ];
  const keep = new Set([...trainingGraph.gradientOf.values(), trainingGraph.metrics, ...read]);
  const overwrites = new Map([...trainingGraph.updateOf].map(([state, update]) => [update, state]));
  const program = programOf(trainingGraph, keep, overwrites, options);
  const gradientValues = trainingGraph.parameters.flatMap(({ value }): readonly (ValueId | undefined)[] => {
    const gradient = trainingGraph.gradientOf.get(value);
    const slabs = program.slabsOf.get(value) ?? [value];
    return gradient === undefined ? slabs.map(() => undefined) : slabsOf(program, [gradient]);
  });
  const kernels = kernelsOf(program, trainingGraph, [...keep], overwrites, new Set(gradientValues), options);
  const inputs = slabsOf(program, trainingGraph.inputs.map((input) => input.value)); // prettier-ignore
  const parts = partsOf(kernels);
  const gradients = gradientValues.map((value) => ({
    value,
    parts: value === undefined ? 1 : (parts.get(value) ?? 1),
  }));
  return { graph: trainingGraph, program, kernels, inputs, outputs: slabsOf(program, read), request, gradients };
}

function trainingPart(step: ScheduledTraining, options: RunOptions, persistent: PersistentTensors): TrainingPart {
  const { graph, program, request } = step;
  // Gradients lie as their parameters do, each in as many parts as its kernel sums.
  const banks = gradientBanks(step.gradients, persistent.parameterPlaces);
  const firstGradient = persistent.slots.length;
  const places = new Map(persistent.placesIn(program));
  const gradientPlaces = step.gradients.map(({ value }, index) => {
    const place = banks.places[index];
    if (value === undefined || place === undefined) return undefined;
    const placed = { ...place, slot: place.slot + firstGradient };
    places.set(value, placed);
    return placed;
  });
  const ringBytes = Math.ceil((2 * options.wholeBatch * ringSlots) / 4) * 16;
  places.set(graph.metrics, { slot: firstGradient + banks.slots.length, offsetBytes: 0, sizeBytes: ringBytes });
  const kernels = inPlace(step, places, options);
  const memory = planMemory(kernels, {
    batch: options.batch,
    bindingBytes: options.bindingBytes,
    typeOf: typeLookup(kernels),
    inputs: step.inputs,
    outputs: step.outputs,
    persistentSlots: [
      ...persistent.slots,
      ...banks.slots,
      { name: "metrics", sizeBytes: ringBytes, lifetime: "persistent" },
    ],
    persistentPlaces: places,
  });
  verifyMemory(memory);
  return {
    graph,
    program: { graph, kernels, memory },
    optimizer: request.optimizer,
    gradientPlaces,
    gradientParts: step.gradients.map(({ parts }) => parts),
    gradientSlotBytes: banks.slots.map((slot) => slot.sizeBytes),
    ringSlots,
    ...(request.loss.kind !== "dot" &&
      request.loss.classWeights !== undefined && { classWeights: request.loss.classWeights }),
    keepLogits: request.keepLogits,
    course: request.course,
  };
}

function inferenceKernels(graph: Graph, options: RunOptions): ScheduledProgram<Graph> {
  const inference = inferenceGraph(graph, options.features).output;
  verifyGraph(inference);
  const read = inference.heads.map(({ value }) => value);
  const program = programOf(inference, new Set(read), new Map(), options);
  const outputs = slabsOf(program, read);
  const kernels = kernelsOf(program, inference, read, new Map(), new Set(), options);
  const inputs = slabsOf(program, inference.inputs.map((input) => input.value)); // prettier-ignore
  return { graph: inference, program, kernels, inputs, outputs };
}

function planInference(step: ScheduledProgram<Graph>, options: RunOptions, persistent: PersistentTensors): ProgramPlan {
  const { graph, program, inputs, outputs } = step;
  const kernels = inPlace(step, persistent.placesIn(program), options);
  const memory = planMemory(kernels, {
    batch: options.batch,
    bindingBytes: options.bindingBytes,
    typeOf: typeLookup(kernels),
    inputs,
    outputs,
    persistentSlots: persistent.slots,
    persistentPlaces: persistent.placesIn(program),
  });
  verifyMemory(memory);
  return { graph, kernels, memory };
}

/** A program's kernels, values that die overwritten; those of `places` and what the host knows stay where they are. */
function inPlace(
  { graph, program, kernels, inputs, outputs }: ScheduledProgram<Graph>,
  places: ReadonlyMap<ValueId, Place>,
  options: RunOptions,
): KernelPlan {
  if (!options.fuse) return kernels;
  const fixed = new Set([...inputs, ...outputs, ...places.keys()]);
  const placed = overwriteInPlace(kernels, { typeOf: typeLookup(kernels), fixed, layoutsOf: options.layoutsOf });
  verifyKernels(placed, new Set(slabsOf(program, [...externalValues(graph)])));
  return placed;
}

function externalValues(graph: Graph): ReadonlySet<ValueId> {
  return new Set([...graph.inputs, ...graph.parameters, ...graph.states].map(({ value }) => value));
}

function typeLookup(kernels: KernelPlan): (value: ValueId) => TensorType {
  const types = new Map([...kernels.types, ...kernels.scratch]);
  return (value) => typeOf(types, value);
}
