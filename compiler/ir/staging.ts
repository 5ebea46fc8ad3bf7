/**
 * staging.ts: what the invocations of a workgroup read together. They cover neighbouring tiles of the grid, and for a part of
 * the sum each dimension of a load's index takes a range of values: together they touch a box of the tensor, for a convolution
 * the tiles with their halo. A schedule that is `staged` copies such boxes to workgroup memory and sums from there.
 */
import { addAffine, affineOf, constantAffine, divAffine, modAffine, scaleAffine } from "./affine.ts";
import type { Affine, Bindings, Ranges } from "./affine.ts";
import { computedParts, loadsOf, map } from "./expression.ts";
import type { Axis, IndexExpr, Load, ReduceBody } from "./expression.ts";
import { printScalar } from "./kernel.ts";
import type { Kernel, Schedule, Stage } from "./kernel.ts";
import { loopStages, productOf } from "./tiles.ts";

/** A box of a tensor in workgroup memory. */
export interface Box {
  /** All loads that read it: equal ones of several sums. */
  readonly loads: readonly Load[];
  /** The tensor's dimensions as they lie in the box, the outermost first. */
  readonly order: readonly number[];
  /** Elements along each dimension of the tensor; the innermost in whole quanta. */
  readonly extents: readonly number[];
  /** From one element of a dimension to the next, within the box. */
  readonly strides: readonly number[];
  /** Neighbours along the innermost dimension that an invocation copies at once. */
  readonly quantum: 1 | 4;
  readonly elements: number;
}

/** WebGPU's maxComputeWorkgroupStorageSize, which every adapter offers, in f32. */
export const workgroupElements = 16384 / 4;
/** WebGPU's maxComputeInvocationsPerWorkgroup. */
export const workgroupInvocations = 256;
/** How many times the invocations must read an element of a box, so that copying it pays. */
const leastReuse = 1.5;

/** How far an axis reaches: in the workgroup, in one invocation's tile, in one pass of the innermost loop; and its step there. */
interface Reach {
  readonly group: number;
  readonly tile: number;
  readonly pass: number;
  /** By how much the place of a pass moves from one to the next; undefined where there is one pass only. */
  readonly step?: number;
  readonly onGrid: boolean;
}

/** Elements of a reduced axis that one invocation sums: all, or its part. */
export function elementsToSum({ name, extent }: Axis, { unroll, split }: Schedule): number {
  const factor = unroll[name] ?? 1;
  return split?.axis === name ? Math.ceil(extent / factor / split.parts) * factor : extent;
}

/** Elements of a reduced axis in workgroup memory at a time. */
export function chunkOf(axis: Axis, schedule: Schedule): number {
  const all = elementsToSum(axis, schedule);
  return Math.min(all, schedule.staged?.chunk[axis.name] ?? all);
}

/** What the sums of a kernel read under a staged schedule: equal loads are one. */
export interface Read {
  readonly loads: readonly Load[];
  /** Elements that one invocation reads of it in a chunk. */
  readonly ownElements: number;
  /** Absent where each invocation reads from where the tensor is bound. */
  readonly box?: Box;
}

/** The boxes that a kernel's sums are read from under a staged schedule: those of the loads that several invocations share. */
export function boxesOf(kernel: Kernel, isStageable: (load: Load) => boolean): readonly Box[] {
  return readsOf(kernel, isStageable).flatMap(({ box }) => box ?? []);
}

/** `loads` are the kernel's, where they are known already. */
export function readsOf(
  kernel: Kernel,
  isStageable: (load: Load) => boolean,
  loads: readonly (readonly Load[])[] = loadsOfSums(kernel),
): readonly Read[] {
  const { staged } = kernel.schedule;
  const root = kernel.stages[0]?.computation;
  if (staged === undefined || root?.body.kind !== "reduce") return [];
  const reaches = new Map<string, Reach>();
  for (const { name } of root.axes) {
    const tile = kernel.schedule.tile[name] ?? 1;
    const lanes = staged.group[name] ?? 1;
    reaches.set(name, { group: tile * lanes, tile, pass: tile, ...(lanes > 1 && { step: tile }), onGrid: true });
  }
  for (const axis of root.body.over) {
    const group = chunkOf(axis, kernel.schedule);
    const pass = Math.min(group, kernel.schedule.unroll[axis.name] ?? 1);
    reaches.set(axis.name, { group, tile: group, pass, ...(pass < group && { step: pass }), onGrid: false });
  }
  const lanes = productOf(Object.values(staged.group));
  return loads.map((equal): Read => {
    const [load] = equal;
    const shape = load === undefined ? undefined : shapeOf(load, reaches);
    if (load === undefined || shape === undefined) return { loads: equal, ownElements: 1 };
    const ownElements = productOf(shape.inTile);
    const isShared = shape.onGrid && ownElements * lanes >= leastReuse * productOf(shape.inGroup);
    return { loads: equal, ownElements, ...(isShared && isStageable(load) && { box: boxOf(equal, shape) }) };
  });
}

/** The loads of a kernel's sums, equal ones together. */
export function loadsOfSums(kernel: Kernel): readonly (readonly Load[])[] {
  const equal = new Map<string, Load[]>();
  for (const load of loadsIn(loopStages(kernel))) {
    const key = printScalar(load);
    const known = equal.get(key);
    if (known === undefined) equal.set(key, [load]);
    else known.push(load);
  }
  return [...equal.values()];
}

function loadsIn(stages: readonly Stage[]): readonly Load[] {
  return stages.flatMap(({ computation }) => loadsOf(map([], (computation.body as ReduceBody).value)));
}

/** The elements that a load touches along each dimension. */
interface Shape {
  readonly inGroup: readonly number[];
  readonly inTile: readonly number[];
  readonly inPass: readonly number[];
  /** Whether it depends on the grid. */
  readonly onGrid: boolean;
  /** Of each dimension: whether invocations and passes are multiples of four apart. */
  readonly inVectors: readonly boolean[];
}

/** Undefined where what a load touches is no box. */
function shapeOf(load: Load, reaches: ReadonlyMap<string, Reach>): Shape | undefined {
  const extentsOver = (which: "group" | "tile" | "pass"): readonly number[] | undefined => {
    const spans = load.index.map((position) => spanOf(position, (axis) => (reaches.get(axis)?.[which] ?? 1) - 1));
    return spans.every((span) => span !== undefined) ? spans.map((span) => span + 1) : undefined;
  };
  const [inGroup, inTile, inPass] = [extentsOver("group"), extentsOver("tile"), extentsOver("pass")];
  if (inGroup === undefined || inTile === undefined || inPass === undefined) return undefined;
  const steps = load.index.map((position) => stepsOf(position, reaches));
  return {
    ...{ inGroup, inTile, inPass },
    onGrid: steps.some((step) => step.onGrid),
    inVectors: steps.map((step) => step.inVectors),
  };
}

function boxOf(loads: readonly Load[], { inGroup, inPass, inVectors }: Shape): Box {
  // A dimension along which passes read whole vectors lies innermost: the tensor's own one, or the one that most are read of.
  const natural = inGroup.map((_, dimension) => dimension);
  const whole = natural
    .filter((dimension) => (inPass[dimension] ?? 1) >= 4 && inVectors[dimension] === true)
    .sort((a, b) => (inPass[b] ?? 1) - (inPass[a] ?? 1));
  const last = natural.length - 1;
  const innermost = whole.includes(last) ? last : whole[0];
  const order = innermost === undefined ? natural : [...natural.filter((each) => each !== innermost), innermost];
  const quantum = innermost === undefined ? 1 : 4;
  const extents = inGroup.map((extent, dimension) => (dimension === innermost ? Math.ceil(extent / 4) * 4 : extent));
  const strides = extents.map(() => 1);
  let elements = 1;
  for (const dimension of [...order].reverse()) {
    strides[dimension] = elements;
    elements *= extents[dimension] ?? 1;
  }
  return { loads, order, extents, strides, quantum, elements };
}

/** How far an index's values may lie apart, when each axis takes values up to `reach` apart; undefined where it jumps. */
export function spanOf(index: IndexExpr, reach: (axis: string) => number): number | undefined {
  if (computedParts(index).length > 0) return undefined;
  switch (index.kind) {
    case "axis":
      return reach(index.name);
    case "add": {
      const [left, right] = [spanOf(index.left, reach), spanOf(index.right, reach)];
      return left === undefined || right === undefined ? undefined : left + right;
    }
    case "mul": {
      const span = spanOf(index.of, reach);
      return span === undefined ? undefined : span * Math.abs(index.by);
    }
    case "div": {
      // Where the first value lies between two multiples is not known: one more of them may be touched.
      const span = spanOf(index.of, reach);
      return span === undefined ? undefined : Math.ceil(span / index.by);
    }
    case "mod":
      return spanOf(index.of, reach) === 0 ? 0 : undefined;
    case "int":
    case "computed":
      return 0;
  }
}

/** The smallest of an index's values, when each axis takes values from `starts` on, up to `reach` apart. */
export function lowestOf(index: IndexExpr, starts: Bindings, reach: (axis: string) => number, ranges: Ranges): Affine {
  const lowest = (inner: IndexExpr): Affine => lowestOf(inner, starts, reach, ranges);
  switch (index.kind) {
    case "add":
      return addAffine(lowest(index.left), lowest(index.right));
    case "mul": {
      // A falling index is lowest where what it counts along ends.
      const end = index.by < 0 ? (spanOf(index.of, reach) ?? 0) : 0;
      return scaleAffine(addAffine(lowest(index.of), constantAffine(end)), index.by);
    }
    case "div":
      return divAffine(lowest(index.of), index.by, ranges);
    case "mod":
      return modAffine(lowest(index.of), index.by, ranges);
    case "axis":
    case "int":
    case "computed":
      return affineOf(index, starts, ranges);
  }
}

/** Whether an index depends on the grid, and whether it moves by multiples of four from one invocation and pass to the next. */
function stepsOf(
  index: IndexExpr,
  reaches: ReadonlyMap<string, Reach>,
): { readonly onGrid: boolean; readonly inVectors: boolean } {
  let [onGrid, inVectors] = [false, true];
  const visit = (inner: IndexExpr, by: number): void => {
    switch (inner.kind) {
      case "axis": {
        const reach = reaches.get(inner.name);
        onGrid ||= reach?.onGrid === true;
        if (reach?.step !== undefined && (reach.step * by) % 4 !== 0) inVectors = false;
        return;
      }
      case "add":
        visit(inner.left, by);
        visit(inner.right, by);
        return;
      case "mul":
        visit(inner.of, by * inner.by);
        return;
      case "div":
      case "mod":
        inVectors = false;
        visit(inner.of, by);
        return;
      case "int":
      case "computed":
        return;
    }
  };
  visit(index, 1);
  return { onGrid, inVectors };
}
