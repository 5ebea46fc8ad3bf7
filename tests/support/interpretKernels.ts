/**
 * A kernel plan on the CPU, stage by stage: what a fused plan means, without WGSL. A stage sees the registers of its own
 * kernel and what earlier kernels stored, nothing else; and `assertTiles` checks what the schedule promises: that each
 * invocation finds every register that it reads in its own tile, and that the tiles cover every element.
 */
import { iadd, loadsOf } from "../../compiler/ir/expression.ts";
import { rewriteScalar, substituteIndex } from "../../compiler/ir/rewrite.ts";
import type { Axis, Computation, IndexExpr } from "../../compiler/ir/expression.ts";
import { shapeElements } from "../../compiler/ir/graph.ts";
import type { Graph, TensorType, ValueId } from "../../compiler/ir/graph.ts";
import { loadedNames, namedValue, runsBySlab, storageIn, sumsOverBatch, valueName } from "../../compiler/ir/kernel.ts";
import type { Kernel, KernelPlan, Stage } from "../../compiler/ir/kernel.ts";
import { mergeDimensions } from "../../compiler/ir/program.ts";
import { layoutsOf, sharesLoops, stageTile } from "../../compiler/ir/tiles.ts";
import { fullShape, interpretComputation } from "./interpret.ts";
import { roundHalf } from "./roundHalf.ts";
import type { GraphFeeds, StepSettings, Tensor } from "./interpret.ts";

/** Every stored value of a plan. A running statistic's update is found under the update's own value. */
export function interpretKernels(
  graph: Graph,
  plan: KernelPlan,
  feeds: GraphFeeds,
  settings: StepSettings,
): ReadonlyMap<ValueId, Tensor> {
  const types = new Map([...plan.types, ...plan.scratch]);
  // Of a batch in slabs: what each slab has, and what all share.
  const slabs = plan.batchSlabs ?? { count: 1, rows: settings.batch };
  const ofSlab = Array.from({ length: slabs.count }, () => new Map<ValueId, Tensor>());
  const shared = new Map<ValueId, Tensor>();
  const memoryOf = (value: ValueId, slab: number): Map<ValueId, Tensor> =>
    types.get(value)?.batched === true ? (ofSlab[slab] as Map<ValueId, Tensor>) : shared;
  for (const { name, value } of graph.inputs) feed(name, value, feeds.inputs);
  for (const { name, value } of graph.parameters) feed(name, value, feeds.parameters);
  for (const { name, value } of graph.states) feed(name, value, feeds.states ?? {});
  const updates = new Map<ValueId, Tensor>();
  // What others were added to since, as it was before.
  const beforeSums = ofSlab.map(() => new Map<ValueId, Tensor>());
  const computed = new Set(plan.kernels.flatMap(({ stages }) => stages.map(({ value }) => value)));
  const states = new Set(graph.states.map(({ value }) => value));
  for (const kernel of plan.kernels) {
    for (let slab = 0; slab < (runsBySlab(kernel, plan) ? slabs.count : 1); slab++) run(kernel, slab);
  }
  ofSlab.forEach((memory, slab) => beforeSums[slab]?.forEach((tensor, value) => memory.set(value, tensor)));
  for (const value of types.keys()) joinSlabs(value);
  for (const [value, rows] of plan.slabsOf) {
    const parts = rows.flatMap((each) => shared.get(each) ?? []);
    const values = Float64Array.from(parts.flatMap((part) => [...part.values]));
    if (parts.length === rows.length)
      shared.set(value, { shape: fullShape(types.get(value) as TensorType, settings.batch), values });
  }
  return new Map([...shared, ...updates]);

  /** Runs a kernel: all of it, or for one slab of the batch. */
  function run(kernel: Kernel, slab: number): void {
    const count = Math.max(0, Math.min(settings.count - slab * slabs.rows, slabs.rows));
    const uniforms = { ...settings.uniforms, samples: settings.count, first: slab * slabs.rows };
    const own = { ...settings, batch: slabs.rows, count, uniforms };
    const adds = slab > 0 && sumsOverBatch(kernel);
    const registers = new Map<string, Tensor>();
    const written: [ValueId, Tensor][] = [];
    for (const stage of kernel.stages) {
      const { value, computation, stored: isStored, overwrites } = stage;
      const tensors = new Map(registers);
      for (const name of loadedNames(computation)) if (!registers.has(name)) tensors.set(name, fromMemory(name, slab));
      const parts = partsOf(stage, kernel, own).map((part) => interpretComputation(part, tensors, own));
      const scratch = plan.scratch.get(value);
      const tensor = scratch === undefined ? sumOf(parts) : packed(parts, scratch);
      registers.set(valueName(value), tensor);
      if (!isStored) continue;
      // What takes the place of a value that died is known by its own name, and the one that died stays to be compared.
      const isState = overwrites !== undefined && states.has(overwrites);
      written.push([isState ? overwrites : value, asStored(tensor, types.get(stage.slice?.of ?? value))]);
      if (isState) updates.set(value, tensor);
    }
    for (const [value, tensor] of written) {
      const memory = memoryOf(value, slab);
      const before = adds ? memory.get(value) : undefined;
      memory.set(value, before === undefined ? tensor : sumOf([before, tensor]));
    }
    for (const { value, slice, stored: isStored } of kernel.stages)
      if (isStored && slice !== undefined) storeInside(value, slice, slab);
  }

  /** Shows what the slabs of the batch hold as one value. */
  function joinSlabs(value: ValueId): void {
    const parts = ofSlab.flatMap((memory) => memory.get(value) ?? []);
    const [first] = parts;
    if (first === undefined || parts.length < slabs.count) return;
    const shape = fullShape(types.get(value) as TensorType, settings.batch);
    const values = Float64Array.from(parts.flatMap((part) => [...part.values]));
    shared.set(value, { shape, values: values.slice(0, shapeElements(shape)) });
  }

  /** The shape in one slab. */
  function shapeOf(value: ValueId): readonly number[] {
    return fullShape(types.get(value) as TensorType, slabs.rows);
  }

  /** Stores what the host gives, slab by slab where the value is in slabs. */
  function feed(name: string, value: ValueId, from: GraphFeeds["parameters"]): void {
    const values = from[name];
    if (values === undefined) throw new Error(`nothing is fed to ${name}`);
    const rows = plan.slabsOf.get(value) ?? [value];
    let at = 0;
    for (const each of rows) {
      const shape = shapeOf(each);
      for (let slab = 0; slab < (types.get(each)?.batched === true ? slabs.count : 1); slab++) {
        const end = Math.min(at + shapeElements(shape), values.length);
        const own = new Float64Array(shapeElements(shape));
        own.set(values.slice(at, end));
        memoryOf(each, slab).set(each, { shape, values: own });
        at = end;
      }
    }
  }

  /** Copies a stored value to its place in another. */
  function storeInside(value: ValueId, { of: named, starts }: NonNullable<Stage["slice"]>, slab: number): void {
    const of = storageIn(plan, named);
    const stored = memoryOf(of, slab);
    const part = memoryOf(value, slab).get(value);
    const shape = mergeDimensions(shapeOf(of), starts.length);
    const whole = stored.get(of) ?? {
      shape,
      values: new Float64Array(shapeElements(shape)),
    };
    if (part === undefined) throw new Error(`%${value} is not stored`);
    const own = beforeSums[slab];
    if (computed.has(of) && own?.has(of) === false) own.set(of, whole);
    const sizes = mergeDimensions(part.shape, starts.length);
    const values = Float64Array.from(whole.values);
    const first = plan.windows?.get(named)?.start ?? 0;
    for (const [position, element] of part.values.entries()) {
      let [rest, at, stride] = [position, first, 1];
      for (let dimension = shape.length - 1; dimension >= 0; dimension--) {
        const size = sizes[dimension] ?? 1;
        at += ((rest % size) + (starts[dimension] ?? 0)) * stride;
        stride *= shape[dimension] ?? 1;
        rest = Math.floor(rest / size);
      }
      values[at] = element;
    }
    stored.set(of, { shape, values });
  }

  /** A stored value under the shape of the name that it is read by: a view has its own. */
  function fromMemory(name: string, slab: number): Tensor {
    const value = namedValue(name);
    const storage = storageIn(plan, value);
    const tensor = memoryOf(storage, slab).get(storage);
    if (tensor === undefined) throw new Error(`${name} is read before it is stored`);
    const window = plan.windows?.get(value);
    if (window === undefined) return { shape: shapeOf(value), values: tensor.values };
    // A window has its value's shape, and nothing where it has ended.
    const values = new Float64Array(tensor.values.length).fill(NaN);
    values.set(tensor.values.slice(window.start, window.start + window.elements));
    return { shape: shapeOf(value), values };
  }
}

/** The computation, or one for each part of its batch where the schedule splits it: a gradient's parts, or scratch. */
function partsOf(stage: Stage, { stages, schedule }: Kernel, settings: StepSettings): readonly Computation[] {
  const { computation } = stage;
  const { body } = computation;
  const { split } = schedule;
  const root = stages[0]?.computation;
  const inRootLoops = stage === stages[0] || (root !== undefined && sharesLoops(computation, root, new Map()));
  if (split === undefined || body.kind !== "reduce" || !inRootLoops) return [computation];
  const axis = body.over.find(({ name }) => name === split.axis);
  if (axis === undefined || body.finish.kind !== "reduced" || body.combine !== "sum")
    throw new Error(`${stage.op} is split along ${split.axis}, but cannot be`);
  const factor = schedule.unroll[axis.name] ?? 1;
  const chunk = Math.ceil(axis.extent / factor / split.parts) * factor;
  const end = axis.batch === true ? settings.count : axis.extent;
  return Array.from({ length: split.parts }, (_, part): Computation => {
    const first = part * chunk;
    const own = { name: axis.name, extent: Math.max(0, Math.min(first + chunk, end) - first) };
    const moved = new Map([[axis.name, iadd(own, first)]]);
    const value = rewriteScalar(body.value, { index: (index) => substituteIndex(index, moved) });
    return { ...computation, body: { ...body, over: body.over.map((each) => (each === axis ? own : each)), value } };
  });
}

/** A tensor as it comes back from memory: rounded where it is stored as f16. */
function asStored({ shape, values }: Tensor, type: TensorType | undefined): Tensor {
  if (type?.dtype !== "f16") return { shape, values };
  const { scale = 1 } = type;
  return { shape, values: Float64Array.from(values, (value) => roundHalf(value * scale) / scale) };
}

function sumOf(parts: readonly Tensor[]): Tensor {
  const [first, ...rest] = parts;
  if (first === undefined) throw new Error("no part");
  if (rest.length === 0) return first;
  const values = Float64Array.from(first.values, (value, i) =>
    rest.reduce((sum, part) => sum + (part.values[i] as number), value),
  );
  return { shape: first.shape, values };
}

/** The parts one after another, as a second kernel reads them. */
function packed(parts: readonly Tensor[], { shape }: TensorType): Tensor {
  const [count = 0, stride = 0] = shape;
  if (count !== parts.length) throw new Error(`${parts.length} parts for ${count}`);
  const values = new Float64Array(count * stride);
  parts.forEach((part, index) => {
    values.set(part.values, index * stride);
  });
  return { shape, values };
}

/** Throws unless every register that a stage of the kernel reads lies in the tile of the invocation that reads it. */
export function assertTiles(kernel: Kernel): void {
  const named = kernel.stages.map(({ value, computation }) => ({ name: valueName(value), computation }));
  const layouts = layoutsOf(kernel);
  const root = named[0]?.computation;
  if (root === undefined) throw new Error(`${kernel.name} has no stage`);
  const rootTile = Object.fromEntries(root.axes.map((axis) => [axis.name, kernel.schedule.tile[axis.name] ?? 1]));
  const tilesOf = new Map(root.axes.map((axis) => [axis.name, Math.ceil(axis.extent / (rootTile[axis.name] ?? 1))]));
  const fail = (stage: number, message: string): never => {
    throw new Error(`${kernel.name}, stage ${stage} (${kernel.stages[stage]?.op}): ${message}`);
  };
  /** For each dimension of a stage: the root axis that it follows, and how many elements a tile has. */
  const places = named.map(({ computation }, stage) =>
    computation.axes.map((axis) => {
      const scale = layouts[stage]?.scales.get(axis.name) ?? fail(stage, `axis ${axis.name} has no place`);
      const tile = stageTile(axis, scale, rootTile);
      if (!Number.isInteger(tile) || tile < 1) fail(stage, `axis ${axis.name} has tiles of ${tile}`);
      const tiles = scale.root === undefined ? 1 : (tilesOf.get(scale.root) ?? 1);
      if (tile * tiles < axis.extent) fail(stage, `${tiles} tiles of ${tile} do not cover ${axis.name}:${axis.extent}`);
      return { root: scale.root, tile };
    }),
  );
  for (const [stage, { computation }] of named.entries()) {
    if (stage > 0 && sharesLoops(computation, root, new Map(named.slice(0, stage).map(({ name }) => [name, never]))))
      continue;
    const over = computation.body.kind === "reduce" ? computation.body.over : [];
    for (const load of loadsOf(computation)) {
      const source = named.slice(0, stage).findIndex(({ name }) => name === load.from);
      if (source < 0) continue;
      forEach([...computation.axes, ...over], (at) => {
        for (const [dimension, index] of load.index.entries()) {
          const place = places[source]?.[dimension];
          const extent = named[source]?.computation.axes[dimension]?.extent ?? 0;
          const element = valueOf(index, at);
          if (element < 0 || element >= extent) fail(stage, `reads ${load.from} at ${element} of ${extent}`);
          if (place?.root === undefined) continue;
          const holder = Math.floor(element / place.tile);
          const own = computation.axes.findIndex((_, axis) => places[stage]?.[axis]?.root === place.root);
          const reader =
            own < 0
              ? 0
              : Math.floor((at.get(computation.axes[own]?.name ?? "") ?? 0) / (places[stage]?.[own]?.tile ?? 1));
          const readers = own < 0 ? (tilesOf.get(place.root) ?? 1) : 1;
          if (holder !== reader || readers > 1) fail(stage, `reads ${load.from} from another tile of ${place.root}`);
        }
      });
    }
  }
}

const never = undefined as never;

function forEach(axes: readonly Axis[], visit: (at: ReadonlyMap<string, number>) => void): void {
  const at = new Map<string, number>();
  const walk = (depth: number): void => {
    const axis = axes[depth];
    if (axis === undefined) visit(at);
    else
      for (let index = 0; index < axis.extent; index++) {
        at.set(axis.name, index);
        walk(depth + 1);
      }
  };
  walk(0);
}

/** The whole number that an index expression is. */
export function valueOf(expr: IndexExpr, at: ReadonlyMap<string, number>): number {
  switch (expr.kind) {
    case "int":
      return expr.value;
    case "axis": {
      const value = at.get(expr.name);
      if (value === undefined) throw new Error(`no axis ${expr.name}`);
      return value;
    }
    case "add":
      return valueOf(expr.left, at) + valueOf(expr.right, at);
    case "mul":
      return valueOf(expr.of, at) * expr.by;
    case "div":
      return Math.floor(valueOf(expr.of, at) / expr.by);
    case "mod": {
      const value = valueOf(expr.of, at);
      return value - Math.floor(value / expr.by) * expr.by;
    }
    case "computed":
      throw new Error("a computed place is not known here");
  }
}
