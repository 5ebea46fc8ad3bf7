/** The passes from a checked graph to a plan, in order: the only file that names them all. */
import { differentiate } from "./3-differentiate/differentiate.ts";
import type { TrainingLoss } from "./3-differentiate/buildLoss.ts";
import { inferenceGraph } from "./3-differentiate/inferenceGraph.ts";
import { chooseSchedule, workOf } from "./4-fuse/chooseSchedule.ts";
import { fuseKernels } from "./4-fuse/fuseKernels.ts";
import { splitReduction, sumsToSplit } from "./4-fuse/splitReduction.ts";
import { alignBytes, planMemory } from "./5-plan/planMemory.ts";
import { layoutFlat, placesByValue } from "./5-plan/layoutParameters.ts";
import { emitPlan } from "./6-emit/emitPlan.ts";
import type { OptimizerPart, TrainingPart } from "./6-emit/emitPlan.ts";
import { partStride } from "./ir/kernel.ts";
import { InternalCompilerError } from "./ir/diagnostic.ts";
import { elementCount, typesOf, valueId, verifyGraph } from "./ir/graph.ts";
import type { Graph, Initial, TensorType, TrainingGraph, ValueId } from "./ir/graph.ts";
import { loadedNames, namedValue, signatureOf, verifyKernels } from "./ir/kernel.ts";
import type { Kernel, KernelPlan, Schedule } from "./ir/kernel.ts";
import { verifyMemory } from "./ir/memory.ts";
import type { Place, Slot } from "./ir/memory.ts";
import type { ProgramPlan } from "./ir/output.ts";
import { sharesLoops } from "./ir/tiles.ts";
import { ops } from "./ops/index.ts";
import type { NetworkPlan } from "../runtime/plan.ts";

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
  /** False gives every node a kernel of its own. */
  readonly fuse: boolean;
}

export interface PipelineResult {
  readonly trainingGraph?: TrainingGraph;
  readonly training?: ProgramPlan;
  readonly inference: ProgramPlan;
  readonly plan: NetworkPlan;
}

/** Steps whose losses wait on the device before the host must have read them. */
const ringSlots = 32;
/**
 * Lines of WGSL that one kernel may unroll to. Software adapters compile slowly, so a kernel gets its lines by the root of
 * its share of the network's work: the few heavy ones of a small network may be long.
 */
const lineBudget = {
  cpu: { least: 120, most: 560, scale: 1200 },
  gpu: { least: 400, most: 1200, scale: 4000 },
} as const;

/** From a checked graph to the plan that the runtime runs. */
export function runPipeline(graph: Graph, options: PipelineOptions): PipelineResult {
  verifyGraph(graph);
  const parameterTypes = graph.parameters.map((parameter) => parameter.type);
  const parameterLayout = layoutFlat("parameters", parameterTypes, options.bindingBytes);
  const stateLayout = layoutFlat(
    "states",
    graph.states.map((state) => state.type),
    options.bindingBytes,
  );
  const persistent: readonly Slot[] = [...parameterLayout.slots, ...stateLayout.slots];
  const persistentPlaces = new Map([
    ...placesByValue(
      graph.parameters.map(({ value }) => value),
      parameterLayout,
      0,
    ),
    ...placesByValue(
      graph.states.map(({ value }) => value),
      stateLayout,
      parameterLayout.slots.length,
    ),
  ]);

  const training =
    options.training === undefined
      ? undefined
      : trainingPart(graph, options.training, options, persistent, persistentPlaces);
  const inference = inferenceProgram(graph, options, persistent, persistentPlaces);
  const plan = emitPlan({
    name: options.name,
    graph,
    batch: options.batch,
    seed: options.seed,
    initials: options.initials,
    parameterPlaces: parameterLayout.places,
    statePlaces: stateLayout.places.map((place) => ({ ...place, slot: place.slot + parameterLayout.slots.length })),
    persistentSlots: [
      ...parameterLayout.slots.map(({ name, sizeBytes }) => ({ name, sizeBytes, role: "parameters" as const })),
      ...stateLayout.slots.map(({ name, sizeBytes }) => ({ name, sizeBytes, role: "states" as const })),
    ],
    ...(training !== undefined && { training }),
    inference,
    counters: options.counters,
  });
  return {
    ...(training !== undefined && { trainingGraph: training.graph, training: training.program }),
    inference,
    plan,
  };
}

function trainingPart(
  graph: Graph,
  request: TrainingRequest,
  options: PipelineOptions,
  persistent: readonly Slot[],
  persistentPlaces: ReadonlyMap<ValueId, Place>,
): TrainingPart {
  const trainingGraph = differentiate(graph, {
    loss: request.loss,
    imageGradient: request.imageGradient,
    freeze: request.freeze,
    training: request.trainingMode,
    dropout: request.dropout,
  }).output;
  verifyGraph(trainingGraph);
  const images = trainingGraph.inputs.find((input) => input.name === "images")?.value;
  const imageGradient = images === undefined ? undefined : trainingGraph.gradientOf.get(images);
  const parameterGradients = trainingGraph.parameters.map((parameter) => trainingGraph.gradientOf.get(parameter.value));
  const outputs = [
    ...(request.keepLogits ? trainingGraph.heads.map(({ value }) => value) : []),
    ...(imageGradient !== undefined ? [imageGradient] : []),
  ];
  const keep = new Set([...trainingGraph.gradientOf.values(), trainingGraph.metrics, ...outputs]);
  const overwrites = new Map([...trainingGraph.updateOf].map(([state, update]) => [update, state]));
  const fused = fuseKernels(trainingGraph, {
    ops,
    batch: options.batch,
    storageBuffers: options.storageBuffers,
    keep,
    overwrites,
    fuse: options.fuse,
  });
  const kernels = scheduleAll(trainingGraph, fused, new Set(parameterGradients), options);
  verifyKernels(kernels, externalValues(trainingGraph));

  // Gradients lie as their parameters do, each in as many parts as its kernel sums.
  const storageOf = (value: ValueId): ValueId => kernels.aliasOf.get(value) ?? value;
  const parts = parameterGradients.map((gradient) =>
    gradient === undefined ? 1 : partsOf(storageOf(gradient), kernels),
  );
  const banks = gradientBanks(trainingGraph, persistentPlaces, parts);
  const firstGradient = persistent.length;
  const gradientPlaces = parameterGradients.map((gradient, index) => {
    const place = banks.places[index];
    return gradient === undefined || place === undefined ? undefined : { ...place, slot: place.slot + firstGradient };
  });
  const places = new Map(persistentPlaces);
  parameterGradients.forEach((gradient, index) => {
    const place = gradientPlaces[index];
    if (gradient !== undefined && place !== undefined) places.set(storageOf(gradient), place);
  });
  const ringBytes = Math.ceil((2 * options.batch * ringSlots) / 4) * 16;
  places.set(trainingGraph.metrics, { slot: firstGradient + banks.slots.length, offsetBytes: 0, sizeBytes: ringBytes });
  const memory = planMemory(kernels, {
    batch: options.batch,
    typeOf: typeLookup(trainingGraph, kernels),
    inputs: trainingGraph.inputs.map((input) => input.value),
    outputs,
    persistentSlots: [...persistent, ...banks.slots, { name: "metrics", sizeBytes: ringBytes, lifetime: "persistent" }],
    persistentPlaces: places,
  });
  verifyMemory(memory);
  return {
    graph: trainingGraph,
    program: { graph: trainingGraph, kernels, memory },
    optimizer: request.optimizer,
    gradientPlaces,
    gradientParts: parts,
    gradientSlotBytes: banks.slots.map((slot) => slot.sizeBytes),
    ringSlots,
    keepLogits: request.keepLogits,
  };
}

/** One slot of gradients for each slot of parameters. */
function gradientBanks(
  graph: TrainingGraph,
  persistentPlaces: ReadonlyMap<ValueId, Place>,
  parts: readonly number[],
): { readonly slots: readonly Slot[]; readonly places: readonly Place[] } {
  const slots: { name: string; sizeBytes: number; lifetime: "persistent" }[] = [];
  const places = graph.parameters.map((parameter, index): Place => {
    const bank = persistentPlaces.get(parameter.value)?.slot ?? 0;
    while (slots.length <= bank) {
      slots.push({
        name: slots.length === 0 ? "gradients" : `gradients${slots.length + 1}`,
        sizeBytes: 0,
        lifetime: "persistent",
      });
    }
    const sizeBytes = partStride(elementCount(parameter.type)) * 4 * (parts[index] ?? 1);
    const slot = slots[bank];
    const place = { slot: bank, offsetBytes: slot?.sizeBytes ?? 0, sizeBytes };
    if (slot !== undefined) slot.sizeBytes += alignBytes(sizeBytes);
    return place;
  });
  return { slots, places };
}

function inferenceProgram(
  graph: Graph,
  options: PipelineOptions,
  persistent: readonly Slot[],
  persistentPlaces: ReadonlyMap<ValueId, Place>,
): ProgramPlan {
  const inference = inferenceGraph(graph).output;
  verifyGraph(inference);
  const logits = inference.heads[0]?.value;
  const outputs = logits === undefined ? [] : [logits];
  const fused = fuseKernels(inference, {
    ops,
    batch: options.batch,
    storageBuffers: options.storageBuffers,
    keep: new Set(outputs),
    overwrites: new Map(),
    fuse: options.fuse,
  });
  const kernels = scheduleAll(inference, fused, new Set(), options);
  verifyKernels(kernels, externalValues(inference));
  const memory = planMemory(kernels, {
    batch: options.batch,
    typeOf: typeLookup(inference, kernels),
    inputs: inference.inputs.map((input) => input.value),
    outputs,
    persistentSlots: persistent,
    persistentPlaces,
  });
  verifyMemory(memory);
  return { graph: inference, kernels, memory };
}

/** Chooses every kernel's schedule, and cuts long sums over the batch in two kernels. */
function scheduleAll(
  graph: Graph,
  plan: KernelPlan,
  gradients: ReadonlySet<ValueId | undefined>,
  options: PipelineOptions,
): KernelPlan {
  const read = new Set(
    plan.kernels.flatMap((kernel) =>
      kernel.stages.flatMap((stage) => [...loadedNames(stage.computation)].map(namedValue)),
    ),
  );
  const onlyForUpdate = new Set([...gradients].filter((value) => value !== undefined && !read.has(value)));
  const work = plan.kernels.reduce((sum, kernel) => sum + workOf(kernel), 1);
  const { least, most, scale } = lineBudget[options.adapterClass];
  const scratch = new Map(plan.scratch);
  const types = new Map(typesOf(graph));
  let next = Math.max(-1, ...types.keys());
  // Equal layers have equal schedules, each searched for once.
  const known = new Map<string, Schedule>();
  const schedule = (kernel: Kernel, splittable: boolean): Schedule => {
    const budget = Math.round(Math.min(most, Math.max(least, scale * Math.sqrt(workOf(kernel) / work))));
    const key = `${splittable} ${budget} ${signatureOf(kernel, lookup(types)).text}`;
    const found =
      known.get(key) ?? chooseSchedule(kernel, { adapterClass: options.adapterClass, splittable, lineBudget: budget });
    known.set(key, found);
    return found;
  };
  const kernels = plan.kernels.flatMap((kernel): readonly Kernel[] => {
    if (sumsOnlyGradients(kernel, onlyForUpdate)) return [{ ...kernel, schedule: schedule(kernel, true) }];
    const sums = sumsToSplit(kernel);
    const inParts = sums === undefined ? undefined : schedule(sums, true);
    if (sums === undefined || inParts?.split === undefined) return [{ ...kernel, schedule: schedule(kernel, false) }];
    const split = splitReduction(kernel, sums, inParts, () => valueId(++next));
    for (const [value, type] of split.scratch) {
      scratch.set(value, type);
      types.set(value, type);
    }
    return [split.sums, { ...split.rest, schedule: schedule(split.rest, false) }];
  });
  return { ...plan, kernels, scratch };
}

/** Whether all that a kernel computes are gradients that the update alone reads, in one set of loops: it adds their parts. */
function sumsOnlyGradients(kernel: Kernel, gradients: ReadonlySet<ValueId | undefined>): boolean {
  const root = kernel.stages[0]?.computation;
  if (root?.body.kind !== "reduce" || root.body.finish.kind !== "reduced") return false;
  return kernel.stages.every(
    (stage, index) => gradients.has(stage.value) && (index === 0 || sharesLoops(stage.computation, root, new Map())),
  );
}

/** In how many parts a gradient is summed. */
function partsOf(value: ValueId, plan: KernelPlan): number {
  const kernel = plan.kernels.find((each) => each.stages.some((stage) => stage.value === value));
  return kernel?.schedule.split?.parts ?? 1;
}

function externalValues(graph: Graph): ReadonlySet<ValueId> {
  return new Set([...graph.inputs, ...graph.parameters, ...graph.states].map(({ value }) => value));
}

function typeLookup(graph: Graph, kernels: KernelPlan): (value: ValueId) => TensorType {
  return lookup(new Map([...typesOf(graph), ...kernels.scratch]));
}

function lookup(types: ReadonlyMap<ValueId, TensorType>): (value: ValueId) => TensorType {
  return (value) => {
    const type = types.get(value);
    if (type === undefined) throw new InternalCompilerError("pipeline", `%${value} has no type`);
    return type;
  };
}
