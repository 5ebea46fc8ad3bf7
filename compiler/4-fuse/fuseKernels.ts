/**
 * In: a program, nodes in topological order. Out: kernels in order, each a list of stages, still without a real schedule.
 * Guarantees: every node is a stage of exactly one kernel; a stage's loads are registers of its own
 * kernel or values stored by an earlier one; no kernel binds more than `storageBuffers` buffers.
 *
 *   before: conv, sigmoid, avg_pool, flatten, linear, sigmoid
 *   after:  [conv sigmoid avg_pool], [linear sigmoid]
 *
 * A node joins the kernel of the latest of its inputs when its loads of that kernel's values can be registers (an
 * epilogue), or when it reduces over the same axes as the kernel's root and reads one of the same tensors (a sibling). Updates of running
 * statistics that nothing else takes stand beside each other.
 */
import type { Axis, Computation } from "../ir/expression.ts";
import type { ValueId } from "../ir/graph.ts";
import { namedValue, reducesBatch, valueName } from "../ir/kernel.ts";
import type { BatchSlabs, KernelPlan } from "../ir/kernel.ts";
import { readsOf } from "../ir/program.ts";
import type { ProgramNode, TensorProgram } from "../ir/program.ts";
import { loadsOf } from "../ir/expression.ts";
import { isComputedOnce, layoutStage, mergeConstraints, rootLayout, stageTile, standsBeside } from "../ir/tiles.ts";
import type { RegisterValue, StageLayout, TileConstraint } from "../ir/tiles.ts";
import { axesOf } from "../ops/defineOp.ts";
import { firstTooMuch } from "./bindingCount.ts";
import { kernelCloser } from "./closeKernel.ts";
import type { OpenStage } from "./closeKernel.ts";
import { isShortSum } from "./splitReduction.ts";
import { renameLoads, splitLastAxis } from "./rewriteComputation.ts";
import { siblingOf } from "./siblings.ts";

export interface FuseOptions {
  /** Which sums over the batch are short enough for one invocation a result: on few lanes longer ones than on many. */
  readonly adapterClass: "cpu" | "gpu";
  /** maxStorageBuffersPerShaderStage of the adapter. */
  readonly storageBuffers: number;
  /** Values that must be stored whether or not a kernel reads them: gradients, logits, metrics. */
  readonly keep: ReadonlySet<ValueId>;
  /** Value -> running statistic that it overwrites in place. */
  readonly overwrites: ReadonlyMap<ValueId, ValueId>;
  /** Where the batch is computed slab by slab: a kernel that runs once a slab takes no node that runs once. */
  readonly batchSlabs?: BatchSlabs;
  /** False gives one kernel a node: what the tests compare with. */
  readonly fuse: boolean;
}

/** Registers that an epilogue may ask of one invocation beyond the root's own choice of tile. */
const requiredTileLimit = 16;
/** The same where the kernel holds whole axes in each invocation: of what lies along the others. */
const requiredTilesLimit = 8;
/** Elements that one invocation may unroll in a reduction over registers. */
const registerReductionLimit = 64;

interface OpenKernel {
  readonly stages: readonly OpenStage[];
  readonly registers: ReadonlyMap<string, RegisterValue>;
  readonly constraints: ReadonlyMap<string, TileConstraint>;
  /** The stages that are summed in the root's loops, by their positions. */
  readonly siblings: readonly number[];
}
/** What every round of grouping starts from. */
interface Grouping {
  readonly consumers: ReadonlyMap<ValueId, readonly ValueId[]>;
  /** Of every node: the values that it reads, views looked through. */
  readonly reads: ReadonlyMap<ValueId, readonly ValueId[]>;
  /** The nodes that must open a kernel. */
  readonly opening: ReadonlySet<ValueId>;
  /** Of every node: the kernel that it is alone. */
  readonly opened: ReadonlyMap<ValueId, OpenKernel>;
  readonly epilogues: Epilogues;
}
/** By kernel and node: the kernel with that node as its epilogue, or null where it cannot be one. Regrouping asks again. */
type Epilogues = Map<OpenKernel, Map<ValueId, OpenKernel | null>>;
/**
 * A kernel's bindings are known only when all its nodes are: a value is stored or not as its readers join or not. So the
 * nodes join freely, and a kernel that ends with too many bindings is cut: the first node that is too much opens a kernel of
 * its own, and those after it join again, that one or an earlier one.
 */
export function fuseKernels(program: TensorProgram, options: FuseOptions): KernelPlan {
  const opening = new Set<ValueId>();
  const opened = new Map(program.nodes.map((node) => [node.value, openKernel(node)]));
  const epilogues: Epilogues = new Map();
  const reads = new Map(program.nodes.map((node) => [node.value, [...readsOf(node, program.aliasOf)]]));
  const consumers = consumersOf(reads);
  for (;;) {
    const plan = groupNodes(program, options, { consumers, reads, opening, opened, epilogues });
    const before = opening.size;
    for (const { stages } of plan.kernels) {
      const first = firstTooMuch(stages, plan.aliasOf, options.storageBuffers);
      if (first !== undefined) opening.add(first.value);
    }
    if (opening.size === before) return plan;
  }
}

function groupNodes(
  program: TensorProgram,
  options: FuseOptions,
  { consumers, reads, opening, opened, epilogues }: Grouping,
): KernelPlan {
  const { aliasOf, types, sliceOf } = program;
  const storageOf = (value: ValueId): ValueId => aliasOf.get(value) ?? value;
  const keep = new Set([...options.keep].map(storageOf));
  const kernels: OpenKernel[] = [];
  const kernelOf = new Map<ValueId, number>();
  // Of a value that others lie in: the last kernel that writes one of them.
  const filledBy = new Map<ValueId, number>();

  for (const node of program.nodes) {
    const opens = node.opens === true || opening.has(node.value);
    const target = options.fuse && !opens ? join(node) : undefined;
    const index = target ?? kernels.length;
    if (target === undefined) kernels.push(opened.get(node.value) ?? openKernel(node));
    kernelOf.set(node.value, index);
    for (let slice = sliceOf.get(node.value); slice !== undefined; slice = sliceOf.get(slice.of))
      filledBy.set(slice.of, Math.max(index, filledBy.get(slice.of) ?? -1));
  }
  // What is computed from registers alone does not read the memory that it was to lie in.
  const slices = new Map(
    [...sliceOf].filter(([value, { of }]) => !kernelOf.has(of) || kernelOf.get(value) !== kernelOf.get(of)),
  );
  const close = kernelCloser({ consumers, keep, overwrites: options.overwrites, sliceOf: slices });
  return {
    ...(options.batchSlabs !== undefined && { batchSlabs: options.batchSlabs }),
    kernels: kernels.map(({ stages }, index) => close(stages, index)),
    aliasOf,
    slabsOf: program.slabsOf,
    types,
    scratch: new Map(),
  };

  /** The kernel that takes the node, or undefined when it needs one of its own. */
  function join(node: ProgramNode): number | undefined {
    const own = reads.get(node.value) ?? [];
    const latest = Math.max(-1, ...own.map((value) => kernelOf.get(value) ?? filledBy.get(value) ?? -1));
    // A value that others lie in is in memory alone, once the last of their kernels has run.
    const inMemory = Math.max(-1, ...own.map((value) => (kernelOf.has(value) ? -1 : (filledBy.get(value) ?? -1))));
    if (latest > inMemory && appendEpilogue(latest, node)) return latest;
    // A sibling shares the loops of a kernel that comes no earlier than its inputs.
    for (let index = kernels.length - 1; index > latest; index--) {
      if (appendSibling(index, node) || appendUpdate(index, node)) return index;
    }
    return undefined;
  }

  /** Running statistics of equally many channels are updated by one kernel: a dispatch costs more than what they compute. */
  function appendUpdate(index: number, node: ProgramNode): boolean {
    const kernel = kernels[index];
    const root = kernel?.stages[0]?.computation;
    if (kernel === undefined || root === undefined || !isUpdate(node)) return false;
    const { computation } = node;
    if (!kernel.stages.every((stage) => isUpdate(stage.node)) || !standsBeside(computation, root, kernel.registers))
      return false;
    const { scales } = rootLayout(computation.axes);
    kernels[index] = {
      ...kernel,
      stages: [...kernel.stages, { node, computation }],
      registers: new Map(kernel.registers).set(valueName(node.value), { axes: computation.axes, scales }),
    };
    return true;
  }

  function isUpdate({ value }: ProgramNode): boolean {
    return options.overwrites.has(value);
  }

  function appendEpilogue(index: number, node: ProgramNode): boolean {
    const kernel = kernels[index];
    if (kernel === undefined) return false;
    const known = epilogues.get(kernel) ?? new Map<ValueId, OpenKernel | null>();
    epilogues.set(kernel, known);
    const before = known.get(node.value);
    const extended = before === undefined ? withEpilogue(kernel, node) : before;
    known.set(node.value, extended);
    if (extended !== null) kernels[index] = extended;
    return extended !== null;
  }

  function withEpilogue(kernel: OpenKernel, node: ProgramNode): OpenKernel | null {
    if (options.batchSlabs !== undefined && !runsAsOften(kernel, node)) return null;
    for (const candidate of reshapings(kernel, node)) {
      const { computation } = candidate;
      const layout = layoutStage(computation, candidate.registers);
      if (layout === undefined || !affordable(candidate, layout)) continue;
      if (addsInPlace(node) && !isComputedOnce(layout, candidate.stages[0]?.computation.axes ?? [])) continue;
      const constraints = new Map(kernel.constraints);
      mergeConstraints(constraints, layout.constraints);
      return {
        siblings: kernel.siblings,
        stages: [...candidate.stages, { node, computation }],
        registers: new Map(candidate.registers).set(valueName(node.value), {
          axes: computation.axes,
          scales: layout.scales,
        }),
        constraints,
      };
    }
    return null;
  }

  function appendSibling(index: number, node: ProgramNode): boolean {
    const kernel = kernels[index];
    const root = kernel?.stages[0]?.computation;
    if (kernel === undefined || root === undefined || kernel.constraints.size > 0) return false;
    const others = kernel.siblings.flatMap((at) => kernel.stages[at]?.computation ?? []);
    const renamed = siblingOf(node.computation, [root, ...others], {
      adapterClass: options.adapterClass,
      meets: () => meets(kernel, node),
    });
    if (renamed === undefined) return false;
    kernels[index] = {
      ...kernel,
      siblings: [...kernel.siblings, kernel.stages.length],
      stages: [...kernel.stages, { node, computation: renamed }],
      registers: new Map(kernel.registers).set(valueName(node.value), {
        axes: renamed.axes,
        scales: rootLayout(renamed.axes).scales,
      }),
    };
    return true;
  }

  /** Whether one node reads both this node and a value of the kernel. */
  function meets(kernel: OpenKernel, { value }: ProgramNode): boolean {
    return (consumers.get(value) ?? []).some((reader) =>
      reads.get(reader)?.some((read) => kernel.registers.has(valueName(read))),
    );
  }

  /**
   * The ways in which the node can read the kernel's values: as it is; or, where it reads one through a view (flatten, or the
   * reshaping in its gradient), with the vector's axis cut into channel, row and column on whichever side has the vector.
   */
  function* reshapings(kernel: OpenKernel, { value: own, computation }: ProgramNode): Iterable<Candidate> {
    const through = new Map<string, ValueId>();
    for (const load of loadsOf(computation)) {
      const value = namedValue(load.from);
      const storage = storageOf(value);
      if (storage !== value && kernel.registers.has(valueName(storage))) through.set(load.from, storage);
    }
    if (through.size === 0) {
      yield { computation, stages: kernel.stages, registers: kernel.registers, constraints: kernel.constraints };
      return;
    }
    const [[viewed, storage]] = through as unknown as [[string, ValueId]];
    const [viewType, storageType] = [types.get(namedValue(viewed)), types.get(storage)];
    if (viewType === undefined || storageType === undefined || through.size > 1) return;
    // A value with its place inside another is stored along that one's dimensions.
    if (sliceOf.has(own) || kernel.stages.some(({ node }) => sliceOf.has(node.value))) return;
    if (storageType.shape.length === 3 && viewType.shape.length === 1) {
      // The node has the vector: cut its axis like the kernel's.
      const cut = splitLastAxis(computation, viewType.shape[0] ?? 0, axesOf({ ...storageType, batched: false }, 0));
      if (cut === undefined) return;
      const renamed = renameLoads(cut, viewed, valueName(storage), storageType.shape);
      if (renamed === undefined) return;
      yield {
        computation: renamed,
        stages: kernel.stages,
        registers: kernel.registers,
        constraints: kernel.constraints,
      };
    } else if (storageType.shape.length === 1 && viewType.shape.length === 3) {
      // The kernel has the vector: cut the axis of all its stages.
      const axes = axesOf({ ...viewType, batched: false }, 0).map((each) => ({ ...each, name: `${each.name}_` }));
      const stages: OpenStage[] = [];
      const registers = new Map<string, RegisterValue>();
      for (const [position, stage] of kernel.stages.entries()) {
        let cut = splitLastAxis(stage.computation, storageType.shape[0] ?? 0, axes);
        for (const earlier of kernel.stages.slice(0, position)) {
          if (cut !== undefined)
            cut = renameLoads(cut, valueName(earlier.node.value), valueName(earlier.node.value), viewType.shape);
        }
        if (cut === undefined) return;
        const layout = position === 0 ? rootLayout(cut.axes) : layoutStage(cut, registers);
        if (layout === undefined || layout.constraints.size > 0) return;
        stages.push({ node: stage.node, computation: cut });
        registers.set(valueName(stage.node.value), { axes: cut.axes, scales: layout.scales });
      }
      if (kernel.constraints.size > 0) return;
      const renamed = renameLoads(computation, viewed, valueName(storage), viewType.shape);
      if (renamed !== undefined) yield { computation: renamed, stages, registers, constraints: new Map() };
    }
  }

  /** Whether a node is computed once a slab, or once, as the kernel is. */
  function runsAsOften(kernel: OpenKernel, { computation }: ProgramNode): boolean {
    const root = kernel.stages[0]?.computation;
    const ofBatch = (axes: readonly Axis[] = []): boolean => axes.some((axis) => axis.batch === true);
    return !reducesBatch(computation) && ofBatch(computation.axes) === ofBatch(root?.axes);
  }

  /** Whether a node reads what it writes over, which is a part of another node's value. */
  function addsInPlace({ value }: ProgramNode): boolean {
    const slice = sliceOf.get(value);
    return slice !== undefined && opened.has(slice.of);
  }

  function affordable(candidate: Candidate, layout: StageLayout): boolean {
    const merged = new Map(candidate.constraints);
    mergeConstraints(merged, layout.constraints);
    const root = candidate.stages[0]?.computation.axes ?? [];
    let required = 1;
    let whole = 1;
    let divides = true;
    const tile: Record<string, number> = {};
    for (const axis of root) {
      const constraint = merged.get(axis.name);
      const least =
        constraint === undefined ? 1 : constraint.full ? axis.extent : Math.min(constraint.multipleOf, axis.extent);
      if (constraint !== undefined && constraint.full && axis.extent % constraint.multipleOf !== 0) return false;
      tile[axis.name] = least;
      required *= least;
      divides &&= axis.extent % least === 0;
      if (candidate.constraints.get(axis.name)?.full === true) whole *= axis.extent;
    }
    const { axes, body } = candidate.computation;
    const own = axes.reduce(
      (product, axis) =>
        product * Math.max(1, stageTile(axis, layout.scales.get(axis.name) ?? { numerator: 1, denominator: 1 }, tile)),
      1,
    );
    const over = body.kind === "reduce" ? body.over.filter((axis) => layout.unrolledOver.has(axis.name)) : [];
    const unrolled = over.reduce((product, axis) => product * axis.extent, 1);
    if (body.kind === "reduce" && over.length > 0 && over.length < body.over.length) return false;
    // One over the batch has too few elements to run alone: it wants a kernel that splits it, unless it is short.
    if (body.kind === "reduce" && body.over.some((axis) => axis.batch === true)) {
      const first = candidate.stages[0]?.computation.body;
      if (
        first?.kind !== "reduce" ||
        !isShortSum(body, options.adapterClass) ||
        !isShortSum(first, options.adapterClass)
      )
        return false;
    }
    // A reduction over memory may follow another only when both keep their sums in the same few registers.
    if (body.kind === "reduce" && over.length === 0 && body.over.length > 0 && own > 1) return false;
    const mostRequired = Math.max(requiredTileLimit, divides ? whole * requiredTilesLimit : 0);
    return required <= mostRequired && own <= requiredTileLimit && unrolled <= registerReductionLimit;
  }
}

function openKernel(node: ProgramNode): OpenKernel {
  const { computation } = node;
  const layout = rootLayout(computation.axes);
  const registers = new Map([[valueName(node.value), { axes: computation.axes, scales: layout.scales }]]);
  return { stages: [{ node, computation }], registers, constraints: new Map(), siblings: [] };
}

interface Candidate {
  readonly computation: Computation;
  readonly stages: readonly OpenStage[];
  readonly registers: ReadonlyMap<string, RegisterValue>;
  readonly constraints: ReadonlyMap<string, TileConstraint>;
}

/** The nodes' values that read each value, views looked through; what lies in another is read with it. */
function consumersOf(reads: Grouping["reads"]): ReadonlyMap<ValueId, readonly ValueId[]> {
  const consumers = new Map<ValueId, ValueId[]>();
  for (const [node, values] of reads) for (const value of values) appendTo(consumers, value, node);
  return consumers;
}

function appendTo<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
