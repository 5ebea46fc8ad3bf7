/**
 * In: a kernel with a schedule of register tiles. Out: the same tiles, with what several invocations read shared among them in
 * workgroup memory (`staged`). An alternative for who asks for it: software adapters gain nothing by it.
 */
import type { Choices } from "../ir/choices.ts";
import { isFloat } from "../ir/graph.ts";
import type { TensorType, ValueId } from "../ir/graph.ts";
import { productOf } from "../ir/tiles.ts";
import { namedValue } from "../ir/kernel.ts";
import type { Kernel, Schedule, Staging } from "../ir/kernel.ts";
import {
  chunkOf,
  elementsToSum,
  loadsOfSums,
  readsOf,
  workgroupElements,
  workgroupInvocations,
} from "../ir/staging.ts";
import type { Load } from "../ir/expression.ts";

/** Invocations of a staged kernel's workgroup, at most: more make boxes larger than they make reuse greater. */
const mostLanes = 64;
/** Costs in multiply-adds: a load from memory, what copying an element adds to it, a barrier for one invocation. */
const [loadCost, copyCost, barrierCost] = [12, 4, 100];
/** Tiles with which no invocation is left without work. */
const wantedInvocations = 256;

/** The schedule with what `choices` ask for, as far as the kernel allows. */
export function shareReads(
  kernel: Kernel,
  schedule: Schedule,
  choices: Choices,
  typeOf: (value: ValueId) => TensorType,
): Schedule {
  const root = kernel.stages[0]?.computation;
  if (root?.body.kind !== "reduce" || root.body.combine !== "sum") return schedule;
  if (choices.staged === true) {
    const [staged] = stagedSchedules(kernel, schedule, ({ from }) => isFloat(typeOf(namedValue(from))));
    if (staged !== undefined) return staged;
  }
  return schedule;
}

/** A schedule's tiles in all blocks and chunks whose boxes fit into workgroup memory, by what they are expected to cost. */
export function stagedSchedules(
  kernel: Kernel,
  schedule: Schedule,
  isStageable: (load: Load) => boolean,
): readonly Schedule[] {
  const found: { readonly schedule: Schedule; readonly cost: number }[] = [];
  const { quads: _, ...plain } = schedule;
  const loads = loadsOfSums(kernel);
  const groups = [...groupsOf(kernel, schedule)].map((group) => ({ group, lanes: productOf(Object.values(group)) }));
  const full = Math.max(0, ...groups.map(({ lanes }) => lanes));
  for (const { group, lanes } of groups) {
    // Much smaller workgroups copy more for each invocation.
    if (2 * lanes <= full) continue;
    for (const chunk of chunksOf(kernel, schedule)) {
      const staged = { ...plain, staged: { group, chunk }, workgroupSize: lanes };
      const cost = costOf({ ...kernel, schedule: staged }, isStageable, loads);
      if (cost !== undefined) found.push({ schedule: staged, cost });
    }
  }
  return found.sort((a, b) => a.cost - b.cost).map((each) => each.schedule);
}

/** Whether a staged schedule from elsewhere fits a kernel: its block is a workgroup, its chunks whole steps, its boxes small enough. */
export function stagingFits(kernel: Kernel, schedule: Schedule): boolean {
  const root = kernel.stages[0]?.computation;
  const { staged, unroll, workgroupSize } = schedule;
  if (staged === undefined) return true;
  if (root?.body.kind !== "reduce") return false;
  const isCount = (value: number): boolean => Number.isInteger(value) && value >= 1;
  const { over } = root.body;
  const names = (record: Readonly<Record<string, number>>, of: readonly { readonly name: string }[]): boolean =>
    Object.entries(record).every(([name, value]) => isCount(value) && of.some((axis) => axis.name === name));
  if (!names(staged.group, root.axes) || !names(staged.chunk, over)) return false;
  if (productOf(Object.values(staged.group)) !== workgroupSize || workgroupSize > workgroupInvocations) return false;
  const chunksFit = over.every((axis) => {
    const chunk = staged.chunk[axis.name] ?? 0;
    return chunk >= 1 && chunk % (unroll[axis.name] ?? 1) === 0 && chunk <= elementsToSum(axis, schedule);
  });
  return chunksFit && costOf({ ...kernel, schedule }, () => true, loadsOfSums(kernel)) !== undefined;
}

/** The blocks that a workgroup may cover: of each axis a power of two of tiles, or all its tiles. */
function* groupsOf(kernel: Kernel, { tile }: Schedule): Iterable<Staging["group"]> {
  const axes = kernel.stages[0]?.computation.axes ?? [];
  const options = axes.map(({ name, extent }) => {
    const tiles = Math.ceil(extent / (tile[name] ?? 1));
    const powers = [1, 2, 4, 8, 16, 32, 64].filter((lanes) => lanes <= tiles);
    return tiles <= 16 && !powers.includes(tiles) ? [...powers, tiles] : powers;
  });
  const visit = function* (position: number, lanes: number, group: Staging["group"]): Iterable<Staging["group"]> {
    const axis = axes[position];
    if (axis === undefined) {
      if (lanes > 1) yield group;
      return;
    }
    for (const count of options[position] ?? []) {
      if (lanes * count <= mostLanes) yield* visit(position + 1, lanes * count, { ...group, [axis.name]: count });
    }
  };
  yield* visit(0, 1, {});
}

/** Chunks: some elements of one reduced axis, of those inside it all, of those outside it one step at a time. */
function* chunksOf(kernel: Kernel, schedule: Schedule): Iterable<Staging["chunk"]> {
  const body = kernel.stages[0]?.computation.body;
  if (body?.kind !== "reduce") return;
  for (const [position, axis] of body.over.entries()) {
    const step = schedule.unroll[axis.name] ?? 1;
    const all = elementsToSum(axis, schedule);
    const sizes = new Set([1, 2, 4, 8, 16, 32].map((times) => Math.min(all, step * times)).concat(all));
    for (const size of sizes) {
      // One step of an axis is the same as all of those inside it.
      if (size === step && position < body.over.length - 1 && size !== all) continue;
      yield Object.fromEntries(
        body.over.map((other, at) => {
          const inside = at > position ? elementsToSum(other, schedule) : (schedule.unroll[other.name] ?? 1);
          return [other.name, at === position ? size : inside];
        }),
      );
    }
  }
}

/** What sharing costs for one useful multiply-add; undefined where nothing is shared, or it does not fit. */
function costOf(
  kernel: Kernel,
  isStageable: (load: Load) => boolean,
  loads: readonly (readonly Load[])[],
): number | undefined {
  const { schedule } = kernel;
  const root = kernel.stages[0]?.computation;
  if (root?.body.kind !== "reduce") return undefined;
  const reads = readsOf(kernel, isStageable, loads);
  const elements = reads.reduce((sum, { box }) => sum + (box?.elements ?? 0), 0);
  if (elements === 0 || elements > workgroupElements) return undefined;
  const lanes = schedule.workgroupSize;
  const ways = root.axes.map(({ name, extent }) => {
    const inBlock = (schedule.tile[name] ?? 1) * (schedule.staged?.group[name] ?? 1);
    const blocks = Math.ceil(extent / inBlock);
    return { blocks, useful: extent / (blocks * inBlock) };
  });
  const useful = productOf(ways.map((each) => each.useful));
  const invocations = productOf(ways.map((each) => each.blocks)) * lanes * (schedule.split?.parts ?? 1);
  const terms = productOf(root.body.over.map((axis) => chunkOf(axis, schedule)));
  const work = lanes * terms * productOf(root.axes.map(({ name }) => schedule.tile[name] ?? 1));
  const copies = reads.reduce((sum, { box, ownElements }) => {
    const shared = (box?.elements ?? 0) * (loadCost / (box?.quantum ?? 1) + copyCost);
    return sum + (box === undefined ? ownElements * lanes * loadCost : shared);
  }, 0);
  const idle = Math.max(1, wantedInvocations / invocations);
  return ((work + copies + 2 * barrierCost * lanes) / (work * useful)) * idle;
}
