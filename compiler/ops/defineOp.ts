/**
 * The shape of an op's one file. A **layer** is what the language's users write (`conv(6, kernel: 5)`): its arguments, its
 * parameters, and the graph nodes it stands for. An **op** is what a graph is made of: a shape rule, the value of one element,
 * and a gradient made of other ops. `npm run generate` collects every export tagged "layer" or "op" into `index.ts`.
 */
import type { LayerArgument } from "../ir/argument.ts";
import type { Problem } from "../ir/diagnostic.ts";
import type { Axis, Computation } from "../ir/expression.ts";
import type { Attrs, ParameterRole, TensorType, ValueId } from "../ir/graph.ts";

export type { ArgumentType, LayerArgument } from "../ir/argument.ts";

// ---- Layers ----------------------------------------------------------------------------------------------------

/** What a layer builds with. Parameters are created in the order of the calls, which is PyTorch's definition order. */
export interface LayerContext {
  readonly args: Attrs;
  readonly x: ValueId;
  readonly type: TensorType;
  /** A trainable tensor; `name` is PyTorch's within the layer: "weight", "bias"; `start` is what each slope starts at. */
  parameter(
    name: string,
    role: ParameterRole,
    shape: readonly number[],
    fanIn: number,
    fanOut: number,
    start?: number,
  ): ValueId;
  /** A running statistic of this layer. */
  state(name: string, shape: readonly number[], initial: number): ValueId;
  /** Adds a node; its type comes from the op's shape rule. */
  node(op: string, inputs: Readonly<Record<string, ValueId>>, attrs?: Attrs): ValueId;
}

export interface LayerDefinition {
  readonly tag: "layer";
  readonly name: string;
  readonly doc: string;
  readonly arguments: readonly LayerArgument[];
  /** The rank that it needs: "image" is C x H x W, "vector" is features. */
  readonly expects: "image" | "vector" | "any";
  /** False while no kernel exists: the checker reports it by name when such a layer is to be compiled. */
  readonly compiled: boolean;
  /** What is wrong with these arguments for an input of this type, before anything is built; undefined when nothing is. */
  readonly check?: (type: TensorType, args: Attrs) => Problem | undefined;
  readonly build: (context: LayerContext) => ValueId;
}

export function defineLayer(layer: Omit<LayerDefinition, "tag">): LayerDefinition {
  return { tag: "layer", ...layer };
}

// ---- Ops -------------------------------------------------------------------------------------------------------

export type InputTypes = Readonly<Record<string, TensorType>>;

export interface ComputeContext {
  readonly types: InputTypes;
  readonly output: TensorType;
  readonly attrs: Attrs;
  /** The axes of a tensor type in storage order, the batch first ("n"); see `axesOf`. */
  readonly axes: readonly Axis[];
  /** The batch axis, for reductions over it. */
  readonly batchAxis: Axis;
}

/** What an op's gradient is built with. */
export interface GradientContext {
  readonly inputs: Readonly<Record<string, ValueId>>;
  readonly types: InputTypes;
  readonly output: ValueId;
  readonly attrs: Attrs;
  /** Gradient of the loss with respect to the output; same type as the output. */
  readonly upstream: ValueId;
  /** Whether anybody asks for the gradient with respect to this input. */
  needs(input: string): boolean;
  build(op: string, inputs: Readonly<Record<string, ValueId>>, attrs?: Attrs): ValueId;
}

/** What an op is replaced with before differentiation: its form in training, or its form in inference. */
export interface ExpandContext {
  readonly inputs: Readonly<Record<string, ValueId>>;
  readonly types: InputTypes;
  readonly attrs: Attrs;
  /** False in inference, and where batch norm uses its running statistics. */
  readonly training: boolean;
  /** A number that no other node of the graph has, the same in every compilation: a stream of random numbers. */
  readonly stream: number;
  build(op: string, inputs: Readonly<Record<string, ValueId>>, attrs?: Attrs): ValueId;
  /** Says what a running statistic becomes after the step. */
  update(state: ValueId, by: ValueId): void;
}

export interface OpDefinition {
  readonly tag: "op";
  readonly name: string;
  readonly doc: string;
  /** Input names in order; a list of any length is one name ending in "*": its members are `x0`, `x1`, … */
  readonly inputs: readonly string[];
  readonly inferType: (types: InputTypes, attrs: Attrs) => TensorType;
  /** Same elements in the same order: no kernel, the output shares its input's storage ("x"). */
  readonly view?: true;
  /** Lays its inputs, in their order, beside each other along this dimension (the batch is dimension 0) and does nothing else. */
  readonly joins?: number;
  /** A channel of the value depends on that channel of each input alone: of joined inputs it is what joins the parts' values. */
  readonly byChannel?: true;
  /** Replaces the node by others (or by one of its inputs); such an op has neither `compute` nor `gradient`. */
  readonly expand?: (context: ExpandContext) => ValueId;
  /** True for dropout and its kin, whose randomness can be switched off in training. */
  readonly dropsValues?: true;
  /** The share of a gradient that a saturating activation lets pass on its way back, at most or typically; for warnings. */
  readonly passes?: number;
  /** True where values are brought back to one scale, and gradients with them; for warnings. */
  readonly normalizes?: true;
  /** True for statistics and for the loss's own gradients: f32 even where activations are stored as f16. */
  readonly wideRange?: true;
  /** What one element is. Loads name the inputs; a batched tensor's first index is the sample. */
  readonly compute?: (context: ComputeContext) => Computation;
  /** Gradients by input name; an input left out gets none. */
  readonly gradient?: (context: GradientContext) => Readonly<Record<string, ValueId>>;
}

export function defineOp(op: Omit<OpDefinition, "tag">): OpDefinition {
  return { tag: "op", ...op };
}

/** The axes of a type in storage order, the batch first when there is one. Ranks 1 and 3 have their usual names. */
export function axesOf(type: TensorType, batch: number): readonly Axis[] {
  const names = type.shape.length === 3 ? ["c", "y", "x"] : type.shape.map((_, position) => `i${position}`);
  const own = type.shape.map((extent, position) => ({ name: names[position] ?? "", extent }));
  return type.batched ? [{ name: "n", extent: batch, batch: true }, ...own] : own;
}

/** Members of a list input in order: x0, x1, … */
export function listNames(record: Readonly<Record<string, unknown>>, name: string): readonly string[] {
  const names: string[] = [];
  while (`${name}${names.length}` in record) names.push(`${name}${names.length}`);
  return names;
}

/** The type of an input that the op cannot do without. */
export function inputType(types: InputTypes, name: string): TensorType {
  const type = types[name];
  if (type === undefined) throw new TypeError(`input ${name} is missing`);
  return type;
}

/** The value of an input that the op cannot do without. */
export function inputValue(inputs: Readonly<Record<string, ValueId>>, name: string): ValueId {
  const value = inputs[name];
  if (value === undefined) throw new TypeError(`input ${name} is missing`);
  return value;
}

/** A batched f32 type. */
export function batchedType(shape: readonly number[]): TensorType {
  return { shape, batched: true, dtype: "f32" };
}

/** An f32 type of one tensor for the whole network: a parameter, a statistic, or a gradient of either. */
export function plainType(shape: readonly number[]): TensorType {
  return { shape, batched: false, dtype: "f32" };
}

/** An attribute that must be a list of numbers. */
export function listAttr(attrs: Attrs, name: string): readonly number[] {
  const value = attrs[name];
  if (!Array.isArray(value)) throw new TypeError(`attribute ${name} is not a list`);
  return value as readonly number[];
}

/** An attribute that must be a whole or real number. */
export function numberAttr(attrs: Attrs, name: string): number {
  const value = attrs[name];
  if (typeof value !== "number") throw new TypeError(`attribute ${name} is not a number`);
  return value;
}

/** An attribute that must be a pair (height, width). */
export function pairAttr(attrs: Attrs, name: string): readonly [number, number] {
  const value = attrs[name];
  if (!Array.isArray(value) || value.length !== 2) throw new TypeError(`attribute ${name} is not a pair`);
  return [value[0] as number, value[1] as number];
}

/** The sizes of an image type: channels, height, width. */
export function imageSizes(type: TensorType): readonly [number, number, number] {
  const [channels, height, width] = type.shape;
  if (channels === undefined || height === undefined || width === undefined) throw new TypeError("not an image type");
  return [channels, height, width];
}

/** The axes of a batch of images: sample, channel, row, column. */
export function imageAxes(axes: readonly Axis[]): readonly [Axis, Axis, Axis, Axis] {
  const [n, c, y, x] = axes;
  if (n === undefined || c === undefined || y === undefined || x === undefined)
    throw new TypeError("not a batch of images");
  return [n, c, y, x];
}

/** The axes of a sum over the batch and every position: of images (n, oy, ox), of vectors (n). */
export function channelReduction(
  type: TensorType,
  batchAxis: Axis,
): { readonly channel: Axis; readonly over: readonly Axis[]; readonly at: readonly Axis[] } {
  const [channels, ...space] = type.shape;
  const names = space.length === 2 ? ["oy", "ox"] : space.map((_, position) => `o${position}`);
  const channel = { name: "oc", extent: channels ?? 1 };
  const positions = space.map((extent, position) => ({ name: names[position] ?? "", extent }));
  return { channel, over: [batchAxis, ...positions], at: [batchAxis, channel, ...positions] };
}

function tagged<T extends { readonly tag: string; readonly name: string }>(
  modules: readonly object[],
  tag: T["tag"],
): ReadonlyMap<string, T> {
  const isTagged = (value: unknown): value is T =>
    typeof value === "object" && value !== null && "tag" in value && value.tag === tag;
  const found = modules.flatMap((module) => Object.values(module).filter(isTagged));
  return new Map(found.sort((a, b) => (a.name < b.name ? -1 : 1)).map((definition) => [definition.name, definition]));
}

/** The layers among the exports of modules, by name. */
export function collectLayers(modules: readonly object[]): ReadonlyMap<string, LayerDefinition> {
  return tagged<LayerDefinition>(modules, "layer");
}

/** The ops among the exports of modules, by name. */
export function collectOps(modules: readonly object[]): ReadonlyMap<string, OpDefinition> {
  return tagged<OpDefinition>(modules, "op");
}
