/**
 * graph.ts: what the network means. Nodes stand in topological order, blocks and loops are unfolded, every shape is
 * known. After differentiation the backward pass is made of the same nodes, so later passes have no special case for it.
 */
import { InternalCompilerError } from "./diagnostic.ts";
import type { Span } from "./source.ts";

export type ValueId = number & { readonly __brand: "ValueId" };

/** Makes a ValueId; only the passes that build graphs call it. */
export function valueId(index: number): ValueId {
  return index as ValueId;
}

/**
 * The type of a value. `shape` is one sample's, without the batch; a batched value has the batch as its first, implicit
 * axis. Parameters and running statistics are not batched. Row-major, NCHW.
 */
export interface TensorType {
  readonly shape: readonly number[];
  readonly batched: boolean;
  /** "u8" is bytes, four in a word: what the host sends of images. "f16" is how kernels store values, never what they compute with. */
  readonly dtype: "f32" | "u32" | "u8" | "f16";
  /** Of an "f16": the power of two that its elements are multiplied by where they are stored, so that small ones are kept. */
  readonly scale?: number;
  /** Of a batch of images: stored in blocks of four channels, [batch, channels / 4, height, width, 4]. */
  readonly packed?: true;
}

/** An attribute of a node after checking: defaults filled in, pairs expanded. */
export type AttrValue = number | boolean | string | readonly number[];
export type Attrs = Readonly<Record<string, AttrValue>>;

/** One block call on the way to a node, innermost last. */
export interface CallFrame {
  readonly block: string;
  readonly span: Span;
}

/** Where a node comes from: the step in the source, the calls that led there, and its path among the modules. */
export interface Origin {
  readonly span: Span;
  readonly calls: readonly CallFrame[];
  /** PyTorch-style module path, "layer1.conv2"; "" for what no layer of the text stands for. */
  readonly path: string;
  /** Of a join, which has no path of its own: the path of the block or head that it stands in, where it stands in one. */
  readonly module?: string;
}

export interface GraphNode {
  readonly op: string;
  readonly attrs: Attrs;
  /** By the op's own input names; a list input is `name0`, `name1`, … */
  readonly inputs: Readonly<Record<string, ValueId>>;
  readonly output: ValueId;
  readonly type: TensorType;
  readonly origin: Origin;
  /** Set where the node begins a kernel: a forward value that is computed again, so that it is not computed where it was before. */
  readonly opens?: true;
}

export interface GraphInput {
  /** "source" and "sizes" are what images are prepared from: the host's bytes, and each image's height and width. */
  readonly name: "images" | "labels" | "cotangent" | "class_weights" | "source" | "sizes";
  readonly value: ValueId;
  readonly type: TensorType;
}

export type ParameterRole = "weight" | "bias" | "scale" | "shift" | "slope";

/** How a parameter starts, decided at compile time; drawn by the runtime from the seed. */
export type Initial =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "uniform"; readonly low: number; readonly high: number }
  | { readonly kind: "normal"; readonly mean: number; readonly std: number };

/** A trainable tensor. `name` is its key in a state dict: "conv1.weight". */
export interface Parameter {
  readonly name: string;
  readonly value: ValueId;
  readonly type: TensorType;
  readonly role: ParameterRole;
  /** Inputs and outputs that one element of the weight's layer sees, as PyTorch counts them; for initialisers. */
  readonly fanIn: number;
  readonly fanOut: number;
  /** What each slope starts at: the layer says it, not the initialiser. */
  readonly start?: number;
  /** The op that owns it, whose PyTorch default the `pytorch` initialiser follows. */
  readonly op: string;
  readonly origin: Origin;
}

/** A running statistic: read by inference, written by a training step, never by the optimizer. */
export interface State {
  readonly name: string; // "bn1.running_mean"
  readonly value: ValueId;
  readonly type: TensorType;
  readonly initial: number;
}

/** A classifier's end. The main head is called "output"; the others are dropped from inference. */
export interface Head {
  readonly name: string;
  readonly value: ValueId;
  readonly weight: number;
  readonly origin: Origin;
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly GraphInput[];
  readonly parameters: readonly Parameter[];
  readonly states: readonly State[];
  readonly nodes: readonly GraphNode[];
  /** heads[0] is the main one. */
  readonly heads: readonly Head[];
  /** Values named by `as` in the model's own body, for feature extraction. */
  readonly named: ReadonlyMap<string, ValueId>;
  /**
   * Of a graph as written: all that the text names, inside blocks, branches and heads too, by module path ("block2.mid"), once for each
   * time that a name is used: values at `as`, and what blocks give.
   */
  readonly names?: readonly PathName[];
}

/** A value by its module path. */
export interface PathName {
  readonly path: string;
  readonly value: ValueId;
}

/** A graph with its backward pass. */
export interface TrainingGraph extends Graph {
  /** Of each parameter (and of "images", when asked for): the value that holds its gradient. */
  readonly gradientOf: ReadonlyMap<ValueId, ValueId>;
  /** Of each running statistic: the value that replaces it after a step. */
  readonly updateOf: ReadonlyMap<ValueId, ValueId>;
  /** One row a sample: [loss, 1 if the main head's first maximum is the label, else 0]. */
  readonly metrics: ValueId;
}

/** A node's module path; a join has none of its own and goes by its op, "resblock1.add". */
export function pathOf({ op, origin }: Pick<GraphNode, "op" | "origin">): string {
  if (origin.path !== "") return origin.path;
  return origin.module === undefined ? op : `${origin.module}.${op}`;
}

/** Type of every value of a graph. */
export function typesOf(graph: Graph): ReadonlyMap<ValueId, TensorType> {
  const types = new Map<ValueId, TensorType>();
  for (const input of graph.inputs) types.set(input.value, input.type);
  for (const parameter of graph.parameters) types.set(parameter.value, parameter.type);
  for (const state of graph.states) types.set(state.value, state.type);
  for (const node of graph.nodes) types.set(node.output, node.type);
  return types;
}

/** The type of a value; throws for one without. */
export function typeOf(types: ReadonlyMap<ValueId, TensorType>, value: ValueId): TensorType {
  const type = types.get(value);
  if (type === undefined) throw new InternalCompilerError("typeOf", `%${value} has no type`);
  return type;
}

/** Number of elements of a shape: the product of its sizes. */
export function shapeElements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Number of elements of one sample (or of the whole tensor, when it is not batched). */
export function elementCount(type: TensorType): number {
  return shapeElements(type.shape);
}

/** Multiply-adds of a node by its weights, for one sample. */
export function multiplyAddsOf({ inputs, type }: GraphNode, parameterOf: ReadonlyMap<ValueId, Parameter>): number {
  const own = Object.values(inputs).flatMap((value) => parameterOf.get(value) ?? []);
  const weights = own.filter(({ role, type: { shape } }) => role === "weight" && shape.length >= 2);
  // Each element of the output sums over all of a weight but its first dimension, the channels or features that it gives.
  return weights.reduce((sum, weight) => sum + elementCount(type) * (elementCount(weight.type) / (weight.type.shape[0] ?? 1)), 0); // prettier-ignore
}

/** "6x28x28", or "10 features" for a vector: as diagnostics and summaries write shapes. */
export function formatShape(shape: readonly number[]): string {
  return shape.length === 0 ? "scalar" : shape.join("x");
}

/** Whether its elements are real numbers, whatever they are stored in. */
export function isFloat({ dtype }: Pick<TensorType, "dtype">): boolean {
  return dtype === "f32" || dtype === "f16";
}

/** Bytes of one element as it is stored. */
export function elementBytes({ dtype }: Pick<TensorType, "dtype">): number {
  return dtype === "u8" ? 1 : dtype === "f16" ? 2 : 4;
}

/** What a training graph's outputs are compared with: labels, or a cotangent; undefined in a graph for inference. */
export function targetsOf({ inputs }: Pick<Graph, "inputs">): GraphInput | undefined {
  return inputs.find(({ name }) => name === "labels" || name === "cotangent");
}

/** The invariants of a graph: each value defined once and before its uses, positive whole sizes. */
export function verifyGraph(graph: Graph): void {
  const fail = (message: string): never => {
    throw new InternalCompilerError("verifyGraph", message);
  };
  const defined = new Set<ValueId>();
  const define = (value: ValueId, type: TensorType): void => {
    if (defined.has(value)) fail(`value %${value} is defined twice`);
    if (type.shape.some((size) => !Number.isInteger(size) || size < 1)) fail(`value %${value} has shape ${type.shape}`);
    defined.add(value);
  };
  for (const { value, type } of [...graph.inputs, ...graph.parameters, ...graph.states]) define(value, type);
  for (const node of graph.nodes) {
    for (const [name, input] of Object.entries(node.inputs)) {
      if (!defined.has(input)) fail(`${node.op} reads %${input} as ${name} before it is defined`);
    }
    define(node.output, node.type);
  }
  for (const head of graph.heads) if (!defined.has(head.value)) fail(`head ${head.name} is undefined`);
  const names = [...graph.parameters, ...graph.states].map((parameter) => parameter.name);
  if (new Set(names).size !== names.length) fail("two parameters share a name");
}

/** Stable text of a graph, one line a node. */
export function dumpGraph(graph: Graph): string {
  const typeText = (type: TensorType): string =>
    `${type.batched ? "N" : ""}[${formatShape(type.shape)}]${type.dtype === "f32" ? "" : ` ${type.dtype}`}`;
  const lines = [`graph ${graph.name}`];
  for (const input of graph.inputs) lines.push(`  %${input.value} = input ${input.name} : ${typeText(input.type)}`);
  for (const p of graph.parameters) lines.push(`  %${p.value} = parameter ${p.name} : ${typeText(p.type)}`);
  for (const state of graph.states) lines.push(`  %${state.value} = state ${state.name} : ${typeText(state.type)}`);
  for (const node of graph.nodes) {
    const inputs = Object.entries(node.inputs).map(([name, value]) => `${name}=%${value}`);
    const attrs = Object.entries(node.attrs).map(
      ([name, value]) => `${name}=${Array.isArray(value) ? value.join("x") : String(value)}`,
    );
    const path = node.origin.path === "" ? "" : `  // ${node.origin.path}`;
    lines.push(`  %${node.output} = ${node.op}(${[...inputs, ...attrs].join(", ")}) : ${typeText(node.type)}${path}`);
  }
  for (const head of graph.heads) lines.push(`  head ${head.name} = %${head.value} weight ${head.weight}`);
  if ("gradientOf" in graph) {
    const training = graph as TrainingGraph;
    for (const [value, gradient] of training.gradientOf) lines.push(`  gradient of %${value} = %${gradient}`);
    for (const [value, update] of training.updateOf) lines.push(`  update of %${value} = %${update}`);
    lines.push(`  metrics = %${training.metrics}`);
  }
  return `${lines.join("\n")}\n`;
}
