/** The compiler's public entry: a spec's text in, a compiled network or diagnostics out. Reads no file, clock or environment. */
import { checkSource, type CheckSourceOptions } from "./check.ts";
import { activationTooLarge, memoryNotReached, parameterTooLarge, tooManyBindings } from "./diagnostics/limits.ts";
import type { CheckedProgram } from "./ir/checked.ts";
import type { Choices } from "./ir/choices.ts";
import { InternalCompilerError, type Diagnostic } from "./ir/diagnostic.ts";
import { endingAt, valueNamed } from "./findValue.ts";
import { typesOf } from "./ir/graph.ts";
import type { Graph, Initial, Origin, Parameter, TensorType, ValueId } from "./ir/graph.ts";
import type { Compilation, CompiledNetwork } from "./ir/output.ts";
import { workOf } from "./ir/kernel.ts";
import { valueBytes } from "./ir/program.ts";
import type { Recipe } from "./ir/recipe.ts";
import type { SourceFile } from "./ir/source.ts";
import { addTunedPlans, type PlanOfAdapter } from "./6-emit/addTunedPlans.ts";
import type { OptimizerPart } from "./6-emit/emitPlan.ts";
import type { DeclarationSource } from "./6-emit/moduleDeclarations.ts";
import { defaultBindingBytes } from "./6-emit/requiredLimits.ts";
import { bindingCount } from "./4-fuse/bindingCount.ts";
import { expectedCost, optionsFor } from "./4-fuse/listSchedules.ts";
import { CannotSplit, slabCount } from "./4-fuse/splitIntoSlabs.ts";
import { givesInput, imageSourceOf, type ImageSource } from "./imageSource.ts";
import { knownAdapters } from "./knownAdapters.ts";
import { runPipeline, type PipelineOptions, type PlannedNetwork, type TrainingRequest } from "./pipeline.ts";
import { initialOf } from "./recipe/defineRecipePart.ts";
import { initialisers, optimizers } from "./recipe/index.ts";
import type { CoursePlan, NetworkPlan } from "../runtime/plan.ts";
import { allocatedBytes } from "../runtime/programs.ts";
import { scheduledMomentum } from "../runtime/schedules.ts";

export interface CompileOptions extends CheckSourceOptions {
  /** The most samples of a step; the recipe's otherwise, or 128. */
  readonly batch?: number;
  /** "dot": the sum of output times a given cotangent instead of the recipe's loss, for conformance cases. */
  readonly loss?: "recipe" | "dot";
  /** False: the step runs batch norm by its running statistics, as inference does. */
  readonly training?: boolean;
  /** False: nothing is dropped in training either. */
  readonly dropout?: boolean;
  /**
   * Predict the value that this name stands for in place of the logits (feature extraction): an `as` name, or a layer's path as
   * `cnnc summary` shows it. Nothing is trained then, and weights load as ever. Throws `RangeError` where the model has no such value.
   */
  readonly value?: string;
  /**
   * Values of these names can be predicted besides the logits, by the same network. Throws `RangeError` where the model has no such
   * value.
   */
  readonly features?: readonly string[];
  /** Leave the training step out, where only predictions are wanted: it takes most of the time. */
  readonly inferenceOnly?: boolean;
  /** Also compute the gradient with respect to the images. */
  readonly imageGradient?: boolean;
  /** Keep the logits of a training step readable: the main head's and the auxiliary ones'. */
  readonly keepLogits?: boolean;
  /** Few lanes and slow compilation ("cpu"), or many lanes ("gpu"). */
  readonly adapterClass?: "cpu" | "gpu";
  /** The adapter's limits where they differ from the WebGPU defaults. */
  readonly limits?: Readonly<Record<string, number>>;
  /** False gives every op a kernel of its own, for comparison. */
  readonly fuse?: boolean;
  /**
   * Ways of computing that the caller picks instead of the cost model. The plan is for all adapters then; without, it holds others for
   * those that the compiler knows (`knownAdapters.ts`).
   */
  readonly choices?: Choices;
  /** Sees what the module's declarations are made of before there is a plan, for work that can begin with it. */
  readonly onDeclared?: (source: DeclarationSource) => void;
  /** Sees the WGSL of each distinct kernel when it is written, in the order of the plan's kernels. */
  readonly onKernel?: (wgsl: string) => void;
  /** The images that the host will send, where the recipe's data does not say: their size, bytes or numbers. */
  readonly imageSource?: ImageSource;
}

const defaultBatch = 128;
/** Slabs that one activation needs for its bytes, at most: 64 of 128 MiB are more than a GPU's memory. */
const mostSlabs = 64;
/**
 * A plan for an adapter is worth its bytes where a step's sums, nearly all of its time, are expected to take less than this part of
 * theirs there. LeNet's are at 0.74, those of networks with more channels at 0.6 to 0.67.
 */
const worthPlan = 0.7;
/** maxStorageBuffersPerShaderStage of every adapter. */
const defaultStorageBuffers = 8;

/** Compiles one model of a spec. Never throws at a user's mistake; `network` is absent when a diagnostic is an error. */
export function compile(source: SourceFile, options: CompileOptions = {}): Compilation {
  const { checked, diagnostics, files } = checkSource(source, options);
  if (checked === undefined) return { diagnostics, files };
  const compiled = compileProgram(checked, options);
  return { ...compiled, diagnostics: [...diagnostics, ...compiled.diagnostics], files };
}

/** Compiles what the checker hands on, or a graph that was made without a spec; the diagnostics are those of limits. */
export function compileProgram(checked: CheckedProgram, options: CompileOptions): Omit<Compilation, "files"> {
  const limits = checkLimits(checked, options);
  if (limits.some((diagnostic) => diagnostic.severity === "error")) return { diagnostics: limits };
  const network = compileInSlabs(checked, options);
  if (network instanceof CannotSplit) return { diagnostics: [...limits, slabProblem(network, checked, options)] };
  const crowded = checkBindings(network, options);
  if (crowded.length > 0) return { diagnostics: [...limits, ...crowded] };
  const unreached = checkMemory(network);
  if (unreached.length > 0) return { diagnostics: [...limits, ...unreached] };
  return { network, diagnostics: limits };
}

/** What no binding of the adapter can hold even in slabs: one row of a parameter, or one sample of an activation. */
function checkLimits(checked: CheckedProgram, options: CompileOptions): readonly Diagnostic[] {
  const limitBytes = bindingLimit(options);
  const { inputs, parameters, nodes } = checked.graph;
  const rows = parameters.flatMap(({ name, type, origin }) => {
    if (slabCount(type, limitBytes) !== undefined) return [];
    const rowBytes = valueBytes(type, 1) / (type.shape[0] ?? 1);
    return [parameterTooLarge.at(origin.span, { name, rowBytes, limitBytes })];
  });
  const [first] = nodes;
  const activations = [
    ...(first === undefined ? [] : inputs.map(({ type, name }) => ({ type, origin: first.origin, layer: `the input (${name})` }))), // prettier-ignore
    ...nodes.map(({ type, origin, op }) => ({ type, origin, layer: origin.path || op })),
  ];
  const large = activations.find(({ type }) => valueBytes(type, 1) > limitBytes);
  if (large === undefined) return [...rows, ...checkBatch(activations, checked, options)];
  const sizeBytes = valueBytes(large.type, 1);
  const help = `no batch fits: an image, its channels or the features must be smaller, or the adapter must offer maxStorageBufferBindingSize ${sizeBytes}`;
  return [
    ...rows,
    activationTooLarge.at(large.origin.span, { layer: large.layer, sizeBytes, limitBytes, batch: 1 }, { help }),
  ];
}

/** A batch whose activations would be cut in more slabs than any adapter has memory for. */
function checkBatch(
  activations: readonly { readonly type: TensorType; readonly origin: Origin; readonly layer: string }[],
  checked: CheckedProgram,
  options: CompileOptions,
): readonly Diagnostic[] {
  const limitBytes = bindingLimit(options);
  const batch = batchOf(checked.recipe, options);
  const [largest] = activations.toSorted((a, b) => valueBytes(b.type, 1) - valueBytes(a.type, 1));
  if (largest === undefined) return [];
  const sampleBytes = valueBytes(largest.type, 1);
  // Every slab holds whole samples.
  const fitting = Math.floor(limitBytes / sampleBytes) * mostSlabs;
  if (batch <= fitting) return [];
  const { layer, origin } = largest;
  const help = `batch ${fitting} fits, in ${mostSlabs} slabs; \`accumulate\` makes a larger one of several`;
  return [activationTooLarge.at(origin.span, { layer, sizeBytes: sampleBytes * batch, limitBytes, batch }, { help })];
}

/** What the slabs of a large tensor cannot serve: an op that reads it in another order. */
function slabProblem({ value, op }: CannotSplit, checked: CheckedProgram, options: CompileOptions): Diagnostic {
  const limitBytes = bindingLimit(options);
  const { graph } = checked;
  const parameter = graph.parameters.find((each) => each.value === value);
  if (parameter !== undefined) {
    const help = `it would be cut in slabs, but ${op ?? "its layer"} with groups reads it across them; use fewer channels, or groups: 1`;
    return parameterTooLarge.at(
      parameter.origin.span,
      { name: parameter.name, rowBytes: valueBytes(parameter.type, 1), limitBytes },
      { help },
    );
  }
  const node = graph.nodes.find((each) => each.output === value) ?? graph.nodes[0];
  if (node === undefined) throw new InternalCompilerError("compile", `%${value} is in no graph`);
  const batch = batchOf(checked.recipe, options);
  const sampleBytes = valueBytes(node.type, 1);
  return activationTooLarge.at(
    node.origin.span,
    { layer: node.origin.path || node.op, sizeBytes: sampleBytes * batch, limitBytes, batch },
    { help: `batch ${Math.floor(limitBytes / sampleBytes)} fits` },
  );
}

function batchOf(recipe: Recipe | undefined, options: CompileOptions): number {
  return options.batch ?? recipe?.batch ?? defaultBatch;
}

function bindingLimit(options: CompileOptions): number {
  return options.limits?.["maxStorageBufferBindingSize"] ?? defaultBindingBytes;
}

/** Kernels that bind more storage buffers than the adapter allows: one op alone reads too many tensors. */
function checkBindings(network: CompiledNetwork, options: CompileOptions): readonly Diagnostic[] {
  const limit = storageBufferLimit(options);
  const programs = network.training === undefined ? [network.inference] : [network.training, network.inference];
  return programs.flatMap(({ kernels }) =>
    kernels.kernels.flatMap(({ stages }) => {
      const count = bindingCount(stages, kernels.aliasOf);
      const [root] = stages;
      if (count <= limit || root === undefined) return [];
      const ops = [...new Set(stages.map((stage) => stage.op.replaceAll("_", " ")))].join(", ");
      return [tooManyBindings.at(root.origin.span, { ops, count, limit })];
    }),
  );
}

/** A share of the activations' bytes that no way of computing them again comes down to. */
function checkMemory({ recipe, recomputation }: CompiledNetwork): readonly Diagnostic[] {
  const { heldBytes = 0, wholeBytes = 0 } = recomputation ?? {};
  if (recipe?.memory === undefined) return [];
  const { share, span } = recipe.memory;
  if (heldBytes <= share * wholeBytes) return [];
  const reached = Math.ceil((heldBytes / wholeBytes) * 1000) / 1000;
  const help = reached < 1 ? `memory ${reached} is what it comes down to` : "nothing of this network is worth computing again: leave the line out"; // prettier-ignore
  return [memoryNotReached.at(span, { wanted: share, reached, heldBytes, wholeBytes }, { help })];
}

function storageBufferLimit(options: CompileOptions): number {
  return options.limits?.["maxStorageBuffersPerShaderStage"] ?? defaultStorageBuffers;
}

function compileInSlabs(checked: CheckedProgram, options: CompileOptions): CompiledNetwork | CannotSplit {
  try {
    const network = compileChecked(checked, options);
    return options.choices === undefined ? withKnownPlans(network, checked, options) : network;
  } catch (error) {
    if (error instanceof CannotSplit) return error;
    throw error;
  }
}

/** The network with plans for adapters that are known, where they are expected to be faster. */
function withKnownPlans(network: CompiledNetwork, checked: CheckedProgram, options: CompileOptions): CompiledNetwork {
  const work = stepWork(network);
  // Their kernels are not this plan's.
  const { onKernel: _, ...rest } = options;
  const others = knownAdapters.flatMap(({ adapter, adapterClass, choices, ...known }): readonly PlanOfAdapter[] => {
    const { least, most } = known.work;
    if (adapterClass !== (options.adapterClass ?? "cpu") || work < least || work > most) return [];
    const other = planChecked(checked, network.graph, { ...rest, choices });
    const isWorth = stepCost(other, adapterClass) < worthPlan * stepCost(network, adapterClass);
    return isWorth ? [{ adapter, plan: other.write() }] : [];
  });
  return { ...network, plan: addTunedPlans(network.plan, others) };
}

type Programs = Pick<CompiledNetwork, "training" | "inference">;

/** Multiply-adds of a step, or of a batch of predictions where nothing is trained. */
function stepWork({ training, inference, plan }: CompiledNetwork): number {
  const { kernels } = (training ?? inference).kernels;
  return kernels.reduce((sum, kernel) => sum + workOf(kernel), 0) * (plan.batchSlabs?.count ?? 1);
}

/** What the sums of a step are expected to cost on an adapter where loads can be shared. */
function stepCost({ training, inference }: Programs, adapterClass: "cpu" | "gpu"): number {
  const { kernels, requests } = (training ?? inference).kernels;
  return kernels.reduce((sum, kernel) => {
    const request = requests?.get(kernel.stages);
    return sum + (request === undefined ? 0 : (expectedCost(kernel, optionsFor(request, adapterClass, true)) ?? 0));
  }, 0);
}

function compileChecked(checked: CheckedProgram, options: CompileOptions): CompiledNetwork {
  const { settings, doc, recipe } = checked;
  const graph = graphOf(checked, options);
  options.onDeclared?.(declaredBy(graph, checked, options));
  const { write, ...programs } = planChecked(checked, graph, options);
  const plan = write();
  return {
    name: graph.name,
    settings,
    doc,
    ...(recipe !== undefined && { recipe }),
    graph,
    ...programs,
    plan,
    peakBytes: peakBytes(plan),
  };
}

/** What a module of the graph will declare, as far as nothing but a plan knows better. */
function declaredBy(graph: Graph, { doc, recipe }: CheckedProgram, options: CompileOptions): DeclarationSource {
  const named = (tensors: readonly Parameter[] | Graph["states"]): DeclarationSource["plan"]["parameters"] =>
    tensors.map(({ name, type }) => ({ name, shape: type.shape }));
  const inputShape = graph.inputs.find(({ name }) => name === "images")?.type.shape ?? [];
  const outputShape = typesOf(graph).get(graph.heads[0]?.value as ValueId)?.shape ?? [];
  const { preparation } = recipe === undefined ? {} : preparationOf(recipe, graph, options);
  return {
    name: graph.name,
    doc,
    plan: {
      ...{ inputShape, outputShape, batch: batchOf(recipe, options) },
      ...{ parameters: named(graph.parameters), states: named(graph.states) },
    },
    sourceShape: preparation?.source.shape ?? inputShape,
    features: options.features ?? [],
  };
}

function graphOf({ graph }: CheckedProgram, { value }: CompileOptions): Graph {
  return value === undefined ? graph : endingAt(graph, valueNamed(graph, value));
}

function planChecked({ recipe }: CheckedProgram, graph: Graph, options: CompileOptions): PlannedNetwork {
  return runPipeline(graph, {
    name: graph.name,
    batch: batchOf(recipe, options),
    seed: recipe?.seed ?? 0,
    initials: graph.parameters.map((parameter) => initialFor(parameter, recipe)),
    counters: graph.states.flatMap(({ name }) =>
      name.endsWith(".running_mean") ? [name.replace(/running_mean$/, "num_batches_tracked")] : [],
    ),
    ...(recipe !== undefined &&
      options.value === undefined &&
      options.inferenceOnly !== true && { training: trainingRequest(recipe, options) }),
    adapterClass: options.adapterClass ?? "cpu",
    bindingBytes: bindingLimit(options),
    storageBuffers: storageBufferLimit(options),
    features: featuresOf(graph, options),
    fuse: options.fuse ?? true,
    precision: recipe?.precision ?? "f32",
    choices: options.choices ?? {},
    ...(options.onKernel !== undefined && { onKernel: options.onKernel }),
    ...(recipe !== undefined && preparationOf(recipe, graph, options)),
  });
}

function featuresOf(graph: Graph, { features = [] }: CompileOptions): ReadonlyMap<string, ValueId> {
  return new Map(features.map((name) => [name, valueNamed(graph, name)]));
}

/** How images are made for this network; nothing where the recipe's data does not give what it reads. */
function preparationOf({ data }: Recipe, graph: Graph, options: CompileOptions): Pick<PipelineOptions, "preparation"> {
  const inputShape = graph.inputs.find(({ name }) => name === "images")?.type.shape ?? [];
  const source = options.imageSource ?? imageSourceOf(data, inputShape);
  return givesInput(source, data, inputShape) ? { preparation: { source, data } } : {};
}

function initialFor(parameter: Parameter, recipe: Recipe | undefined): Initial {
  const { name, args } = recipe?.init ?? { name: "pytorch", args: {} };
  const initialiser = initialisers.get(name);
  if (initialiser === undefined) throw new InternalCompilerError("compile", `no initialiser is called ${name}`);
  return initialOf(initialiser, parameter, args);
}

function trainingRequest(recipe: Recipe, options: CompileOptions): TrainingRequest {
  return {
    loss: options.loss === "dot" ? { kind: "dot" } : recipe.loss,
    optimizer: optimizerPart(recipe),
    freeze: recipe.freeze,
    imageGradient: options.imageGradient ?? false,
    keepLogits: options.keepLogits ?? false,
    trainingMode: options.training ?? true,
    dropout: options.dropout ?? true,
    course: courseOf(recipe),
    ...(recipe.memory !== undefined && { memory: recipe.memory.share }),
  };
}

/** What `cnnc train` goes by besides the steps, for apps. */
function courseOf({ epochs, schedule: { name, args }, earlyStopPatience }: Recipe): CoursePlan {
  const isStill = name === "constant" && args["warmup"] === 0;
  return {
    epochs,
    ...(!isStill && { schedule: { name, ...args } }),
    ...(earlyStopPatience !== undefined && { earlyStop: earlyStopPatience }),
  };
}

function optimizerPart({ optimizer: { name, args: given }, schedule, clipNorm, accumulate }: Recipe): OptimizerPart {
  const optimizer = optimizers.get(name);
  if (optimizer === undefined) throw new InternalCompilerError("compile", `no optimizer is called ${name}`);
  // A schedule that moves the momentum gives one to an optimizer that was written without, as PyTorch's does.
  const start = { step: 0, stepsPerEpoch: 1, epochs: 1, losses: [], accuracies: [] };
  const momentum = scheduledMomentum({ ...schedule.args, name: schedule.name }, start);
  const args = momentum !== undefined && "momentum" in given ? { ...given, momentum } : given;
  return {
    formula: optimizer.update(args),
    states: optimizer.states(args),
    uniforms: optimizer.uniforms(args),
    ...(clipNorm !== undefined && { clipNorm }),
    accumulate,
  };
}

/** Bytes of the GPU buffers that the runtime makes for a program. */
function peakBytes(plan: NetworkPlan): CompiledNetwork["peakBytes"] {
  return {
    ...(plan.training !== undefined && { training: allocatedBytes(plan, "training") }),
    inference: allocatedBytes(plan, "inference"),
  };
}
