/**
 * In: kernels without schedules. Out: the same kernels, in which one that touches some channels of a value alone binds those, a
 * **window** (see `ir/kernel.ts`), and counts channels from the window's first one.
 *
 *   before: %5 conv … stored in %9 at 0 64 0 0, in a kernel that touches nothing else of %9
 *   after:  %5 conv … stored in %12 at 0 0 0 0, where %12 is %9 from channel 64 to 95
 *
 * So equal layers are equal kernels wherever in a joined value they write and read. A binding begins at a multiple of 256 bytes:
 * channels before the first one touched stay in the window where they must.
 */
import { iadd, loadsOf } from "../ir/expression.ts";
import type { IndexExpr } from "../ir/expression.ts";
import { elementBytes, valueId } from "../ir/graph.ts";
import type { TensorType, ValueId } from "../ir/graph.ts";
import { namedValue, valueName } from "../ir/kernel.ts";
import type { Kernel, KernelPlan, Stage, Window } from "../ir/kernel.ts";
import { bindingAlignmentBytes } from "../ir/memory.ts";
import { dimensionsOf } from "../ir/program.ts";
import { indexRange } from "./indexRange.ts";
import { rewriteComputation } from "./rewriteComputation.ts";

/** The channels that a kernel touches of a value: from `low` up to, not including, `high`; all of them where nobody can tell. */
interface Touched {
  readonly low: number;
  readonly high: number;
}

/** A value's window in a kernel, and the first of its channels in the value. */
interface Moved {
  readonly window: ValueId;
  readonly dimension: number;
  readonly by: number;
}

/** The plan whose kernels bind windows; types and axes are those of `batch` samples. */
export function openWindows(plan: KernelPlan, batch: number): KernelPlan {
  const types = new Map(plan.types);
  const windows = new Map<ValueId, Window>();
  const known = new Map<string, ValueId>();
  let next = Math.max(-1, ...types.keys());

  const kernels = plan.kernels.map((kernel): Kernel => {
    const moved = new Map<ValueId, Moved>();
    for (const [value, touched] of touchedBy(kernel, plan)) {
      const type = plan.types.get(value);
      if (type === undefined) continue;
      const opened = windowFrom(value, type, touched);
      if (opened !== undefined) moved.set(value, opened);
    }
    return moved.size === 0 ? kernel : { ...kernel, stages: kernel.stages.map((stage) => inWindows(stage, moved)) };
  });
  return windows.size === 0 ? plan : { ...plan, kernels, types, windows };

  /** The window from the last channel before those touched at which a binding can begin; undefined where that is all of it. */
  function windowFrom(value: ValueId, type: TensorType, { low, high }: Touched): Moved | undefined {
    const dimensions = dimensionsOf(type, batch);
    const channelSize = dimensions.slice(channelOf(type) + 1).reduce((product, size) => product * size, 1);
    let together = type.packed === true ? 4 : 1;
    while ((together * channelSize * elementBytes(type)) % bindingAlignmentBytes !== 0) together *= 2;
    const by = Math.floor(low / together) * together;
    if (by === 0 && high === (type.shape[0] ?? 1)) return undefined;
    const rows = type.batched ? batch - 1 : 0;
    const elements = (rows * (type.shape[0] ?? 1) + high - by) * channelSize;
    const key = `${value} ${by} ${elements}`;
    let window = known.get(key);
    if (window === undefined) {
      window = valueId(++next);
      known.set(key, window);
      types.set(window, type);
      windows.set(window, { of: value, start: by * channelSize, elements });
    }
    return { window, dimension: channelOf(type), by };
  }
}

/** The dimension that joins lie along: the channels of a batch, the elements of a vector. */
function channelOf({ batched }: TensorType): number {
  return batched ? 1 : 0;
}

/** The values that a kernel binds, and what it touches of them. */
function touchedBy({ stages }: Kernel, { aliasOf, types }: KernelPlan): ReadonlyMap<ValueId, Touched> {
  const found = new Map<ValueId, Touched>();
  const inside = new Set(stages.map(({ value }) => value));
  const touch = (value: ValueId, rank: number, range: (dimension: number) => Touched | undefined): void => {
    const type = types.get(value);
    const before = found.get(value);
    if (type === undefined) return;
    const dimension = channelOf(type);
    const size = type.shape[0] ?? 1;
    // The last of an index's positions may count several dimensions.
    const isApart = rank > dimension + 1 || rank === type.shape.length + dimension;
    const { low, high } = (isApart ? range(dimension) : undefined) ?? { low: 0, high: size };
    const isWithin = low >= 0 && high <= size;
    found.set(
      value,
      isWithin
        ? { low: Math.min(low, before?.low ?? low), high: Math.max(high, before?.high ?? high) }
        : { low: 0, high: size },
    );
  };
  const touchAll = (value: ValueId): void => touch(value, 0, () => undefined);
  for (const { value, computation, stored, slice, overwrites } of stages) {
    for (const { from, index } of loadsOf(computation)) {
      const read = namedValue(from);
      const storage = aliasOf.get(read) ?? read;
      if (inside.has(storage)) continue;
      if (storage !== read) touchAll(storage);
      else
        touch(read, index.length, (dimension) => {
          const at = index[dimension];
          if (at === undefined) return undefined;
          const { low, high } = indexRange(at, computation);
          return { low, high: high + 1 };
        });
    }
    if (!stored) continue;
    const { axes } = computation;
    if (slice === undefined) touchAll(overwrites ?? value);
    else if (inside.has(slice.of)) touchAll(slice.of);
    else
      touch(slice.of, axes.length, (dimension) => {
        const low = slice.starts[dimension] ?? 0;
        return { low, high: low + (axes[dimension]?.extent ?? 1) };
      });
  }
  return found;
}

/** The stage with what it touches of the moved values where their windows have it. */
function inWindows(stage: Stage, moved: ReadonlyMap<ValueId, Moved>): Stage {
  const { slice, roles } = stage;
  const computation = rewriteComputation(
    stage.computation,
    (expr) => {
      const to = expr.kind === "load" ? moved.get(namedValue(expr.from)) : undefined;
      if (expr.kind !== "load" || to === undefined) return undefined;
      const index = expr.index.map((each, i) => (i === to.dimension ? shifted(each, -to.by) : each));
      return { ...expr, from: valueName(to.window), index };
    },
    (index) => index,
  );
  const to = slice === undefined ? undefined : moved.get(slice.of);
  const renamed = new Map<string, string>();
  for (const [name, role] of roles) {
    const other = moved.get(namedValue(name));
    renamed.set(other === undefined ? name : valueName(other.window), role);
  }
  return {
    ...stage,
    computation,
    roles: renamed,
    ...(slice !== undefined &&
      to !== undefined && {
        slice: {
          of: to.window,
          starts: slice.starts.map((start, i) => (i === to.dimension ? start - to.by : start)),
        },
      }),
  };
}

/** The index moved by a number, its numbers as one: wherever a layer lies, its indices are the same. */
function shifted(index: IndexExpr, by: number): IndexExpr {
  if (index.kind === "add" && index.right.kind === "int") return shifted(index.left, index.right.value + by);
  return by === 0 ? index : iadd(index, by);
}
