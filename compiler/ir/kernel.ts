/**
 * kernel.ts: what is dispatched. A kernel is a list of stages; each stage is one tensor of the graph, computed element by
 * element. The first stage is the root, whose axes span the grid; a later stage either takes elements of earlier
 * stages from registers (loads of their values) or shares the root's loops. The schedule says only how.
 */
import { InternalCompilerError } from "./diagnostic.ts";
import { loadsOf } from "./expression.ts";
import type { Computation, Condition, IndexExpr, ScalarExpr } from "./expression.ts";
import type { Origin, TensorType, ValueId } from "./graph.ts";

/** Loads in a stage name values as "%12"; see `valueName`. */
export interface Stage {
  readonly value: ValueId;
  readonly op: string;
  readonly computation: Computation;
  readonly type: TensorType;
  /** True when the value is written to memory, because another kernel or the host reads it. */
  readonly stored: boolean;
  /** A value that the stage overwrites in place: a running statistic, or one that nobody reads after this kernel. */
  readonly overwrites?: ValueId;
  /** Where the value is stored, when that is inside another: one start an axis, the other's last dimensions as one where it has more. */
  readonly slice?: { readonly of: ValueId; readonly starts: readonly number[] };
  readonly origin: Origin;
  readonly roles: Roles;
}

/** What an op calls each value that it loads: "%12" is its "weight". Names the bindings. */
export type Roles = ReadonlyMap<string, string>;

/** The name by which a stage's expressions load a value. */
export function valueName(value: ValueId): string {
  return `%${value}`;
}

/** The value behind a name made by `valueName`. */
export function namedValue(name: string): ValueId {
  // Digit by digit: millions of loads are asked, and a text of its own for each would be made and thrown away.
  let value = name.startsWith("%") ? 0 : NaN;
  for (let at = 1; at < name.length; at++) value = value * 10 + name.charCodeAt(at) - 48;
  return value as ValueId;
}

/**
 * How a kernel runs on the grid. Root axes are cut in tiles, one invocation a tile, its elements in registers. Reduction
 * axes are loops, unrolled `unroll` at a time. `split` cuts one reduction axis (the batch, usually) in parts that
 * different invocations sum; the parts are added later in a fixed order.
 */
export interface Schedule {
  readonly tile: Readonly<Record<string, number>>;
  readonly unroll: Readonly<Record<string, number>>;
  readonly split?: { readonly axis: string; readonly parts: number };
  /** Present: the invocations of a workgroup cover a block of tiles, and sum out of workgroup memory: see `ir/staging.ts`. */
  readonly staged?: Staging;
  /**
   * The axis along which the four invocations of a quad have neighbouring tiles; what they all load is loaded by one of them each
   * (WebGPU's feature "subgroups"). Absent: each loads what it needs.
   */
  readonly quads?: string;
  readonly workgroupSize: number;
}

export interface Staging {
  /** Tiles of a workgroup along each root axis, 1 where none is named; together as many as the workgroup has invocations. */
  readonly group: Readonly<Record<string, number>>;
  /** Elements of each reduced axis that are held at a time, a multiple of `unroll`. */
  readonly chunk: Readonly<Record<string, number>>;
}

export interface Kernel {
  readonly name: string;
  readonly stages: readonly Stage[];
  readonly schedule: Schedule;
}

/**
 * A batch that is too large for a binding, or for one run of a kernel: `count` slabs of `rows` samples, the last perhaps not full.
 * Values of the batch lie slab by slab, and a kernel that spans the batch, or sums over it, runs once a slab; the others run once.
 */
export interface BatchSlabs {
  readonly count: number;
  readonly rows: number;
}

/** A range of a value that kernels bind instead of the whole: its element 0 is that one's element `start`, and its type that one's. */
export interface Window {
  readonly of: ValueId;
  readonly start: number;
  /** How many elements it spans. */
  readonly elements: number;
}

/** What a kernel plan is made of: the kernels in order, and what is a view of what. */
export interface KernelPlan {
  /** Absent where the whole batch fits; else types, axes and schedules are those of one slab. */
  readonly batchSlabs?: BatchSlabs;
  readonly kernels: readonly Kernel[];
  /** A view's value, and the value whose storage it shares. */
  readonly aliasOf: ReadonlyMap<ValueId, ValueId>;
  /** Values that exist only as slabs: see `ir/program.ts`. */
  readonly slabsOf: ReadonlyMap<ValueId, readonly ValueId[]>;
  /** Names by which kernels know a value from some place on. */
  readonly windows?: ReadonlyMap<ValueId, Window>;
  /** Types of all values but those of `scratch`. */
  readonly types: ReadonlyMap<ValueId, TensorType>;
  /** Values that no graph knows: sums in parts, [parts, stride], that a second kernel adds. */
  readonly scratch: ReadonlyMap<ValueId, TensorType>;
  /** Signatures that are known already, by a kernel's stages. Only saves time. */
  readonly signatures?: ReadonlyMap<readonly Stage[], KernelSignature>;
  /** What each kernel's schedule was looked for by, by its stages: for a tuner, which looks for others. */
  readonly requests?: ReadonlyMap<readonly Stage[], ScheduleRequest>;
}

/** What a schedule is looked for by. */
export interface ScheduleRequest {
  /** Of a kernel that was cut in two, its sums alone, as they were before. */
  readonly kernel: Kernel;
  readonly signature: KernelSignature;
  readonly splittable: boolean;
  /** Whether the kernel was cut in two: the one after it adds its parts. */
  readonly isCut: boolean;
  readonly lineBudget: number;
  readonly typeOf: (value: ValueId) => TensorType;
}

/** The value that has its own place in memory where a kernel reads or writes `value`: what that views, or is a window of. */
export function storageIn({ aliasOf, windows }: Pick<KernelPlan, "aliasOf" | "windows">, value: ValueId): ValueId {
  const storage = aliasOf.get(value) ?? value;
  return windows?.get(storage)?.of ?? storage;
}

/** Whether a kernel's grid spans the batch. */
export function spansBatch({ stages }: Kernel): boolean {
  return stages[0]?.computation.axes.some((axis) => axis.batch === true) ?? false;
}

/** Whether a kernel runs once for each slab of the batch. */
export function runsBySlab(kernel: Kernel, { batchSlabs }: { readonly batchSlabs?: BatchSlabs }): boolean {
  return batchSlabs !== undefined && (spansBatch(kernel) || sumsOverBatch(kernel));
}

/** Whether a kernel's root is a reduction over the batch. */
export function sumsOverBatch({ stages }: Kernel): boolean {
  return stages[0] !== undefined && reducesBatch(stages[0].computation);
}

/** Whether a computation reduces over the batch. */
export function reducesBatch({ body }: Computation): boolean {
  return body.kind === "reduce" && body.over.some((axis) => axis.batch === true);
}

/** Multiply-adds of a kernel's root, or elements where it does not reduce. */
export function workOf(kernel: Kernel): number {
  const { axes, body } = kernel.stages[0]?.computation ?? { axes: [], body: undefined };
  const all = body?.kind === "reduce" ? [...axes, ...body.over] : axes;
  return all.reduce((product, axis) => product * axis.extent, 1);
}

/** Elements from one part of a split sum to the next: a multiple of 64, so that parts are aligned as bindings are. */
export function partStride(elements: number): number {
  return Math.ceil(elements / 64) * 64;
}

export function printIndex(expr: IndexExpr): string {
  switch (expr.kind) {
    case "axis":
      return expr.name;
    case "int":
      return String(expr.value);
    case "add":
      return `(${printIndex(expr.left)} + ${printIndex(expr.right)})`;
    case "mul":
      return `${printIndex(expr.of)}*${expr.by}`;
    case "div":
      return `${printIndex(expr.of)} div ${expr.by}`;
    case "mod":
      return `${printIndex(expr.of)} mod ${expr.by}`;
    case "computed":
      return `whole(${printScalar(expr.of)})`;
  }
}

export function printScalar(expr: ScalarExpr): string {
  switch (expr.kind) {
    case "number":
      return String(expr.value);
    case "load":
      return `${expr.from}[${expr.index.map(printIndex).join(", ")}${expr.fill === undefined ? "" : ` else ${expr.fill}`}]`;
    case "reduced":
      return "reduced";
    case "unary":
      return `${expr.fn}(${printScalar(expr.of)})`;
    case "binary":
      return `${expr.fn}(${printScalar(expr.left)}, ${printScalar(expr.right)})`;
    case "select":
      return `(${printCondition(expr.when)} ? ${printScalar(expr.then)} : ${printScalar(expr.otherwise)})`;
    case "index":
      return `real(${printIndex(expr.of)})`;
    case "uniform":
      return `step.${expr.name}`;
    case "random":
      return `random(${expr.stream}, ${printIndex(expr.counter)})`;
  }
}

export function printCondition(condition: Condition): string {
  switch (condition.kind) {
    case "compare":
      return `${printScalar(condition.left)} ${condition.fn} ${printScalar(condition.right)}`;
    case "compareIndex":
      return `${printIndex(condition.left)} ${condition.fn} ${printIndex(condition.right)}`;
    case "and":
      return condition.all.map(printCondition).join(" and ");
  }
}

/** A kernel's text with its values numbered in the order of their first use: equal layers have equal texts. */
export interface KernelSignature {
  readonly text: string;
  /** The values behind the numbers. */
  readonly values: readonly ValueId[];
}

export function signatureOf(kernel: Kernel, typeOf: (value: ValueId) => TensorType): KernelSignature {
  const numbers = new Map<string, number>();
  const number = (name: string): string => {
    const known = numbers.get(name) ?? numbers.size;
    numbers.set(name, known);
    return `#${known}`;
  };
  const lines = kernel.stages.map((stage) => {
    const { axes, body } = stage.computation;
    const shape = (list: readonly { readonly name: string; readonly extent: number }[]): string =>
      list.map((each) => `${each.name}:${each.extent}`).join(" ");
    const text =
      body.kind === "map"
        ? printScalar(body.value)
        : `${body.combine} ${shape(body.over)} ${printScalar(body.value)} ${printScalar(body.finish)}`;
    const overwrites = stage.overwrites === undefined ? "" : number(valueName(stage.overwrites));
    const own = number(valueName(stage.value));
    const slice =
      stage.slice === undefined ? "" : `${number(valueName(stage.slice.of))} ${stage.slice.starts.join(" ")}`;
    const numbered = text.replace(/%\d+/g, number);
    const roles: string[] = [];
    for (const [name, role] of stage.roles) roles.push(`${number(name)}=${role}`);
    return [
      own,
      stage.op,
      stage.stored,
      overwrites,
      slice,
      shape(axes),
      numbered,
      roles.join(" "),
      stage.type.shape,
    ].join("|");
  });
  const values = [...numbers.keys()].map(namedValue);
  const types = values.map((value) => {
    const { shape, batched, dtype, scale = "", packed } = typeOf(value);
    return `${shape.join("x")} ${batched} ${dtype}${scale}${packed === true ? " packed" : ""}`;
  });
  return { text: [...lines, ...types].join("\n"), values };
}

/** Stable text of a kernel plan. */
export function dumpKernels(plan: KernelPlan): string {
  const lines: string[] = [];
  for (const kernel of plan.kernels) {
    const record = (entries: Readonly<Record<string, number>>): string =>
      Object.entries(entries)
        .map(([name, value]) => `${name}:${value}`)
        .join(" ");
    const { tile, unroll, split, staged, quads, workgroupSize } = kernel.schedule;
    const ways =
      (staged === undefined ? "" : ` staged {${record(staged.group)}} chunk {${record(staged.chunk)}}`) +
      (quads === undefined ? "" : ` quads ${quads}`);
    lines.push(`kernel ${kernel.name}`);
    lines.push(
      `  schedule tile {${record(tile)}} unroll {${record(unroll)}}${split ? ` split ${split.axis}/${split.parts}` : ""}${ways} workgroup ${workgroupSize}`,
    );
    for (const stage of kernel.stages) {
      const { axes, body } = stage.computation;
      const grid = axes.map((axis) => `${axis.name}:${axis.extent}`).join(" ");
      const mark =
        stage.overwrites !== undefined
          ? ` overwrites %${stage.overwrites}`
          : stage.slice !== undefined
            ? ` stored in %${stage.slice.of} at ${stage.slice.starts.join(" ")}`
            : stage.stored
              ? " stored"
              : "";
      lines.push(`  %${stage.value} ${stage.op} [${grid}]${mark}`);
      if (body.kind === "map") lines.push(`    = ${printScalar(body.value)}`);
      else {
        const over = body.over.map((axis) => `${axis.name}:${axis.extent}`).join(" ");
        lines.push(`    = ${body.combine} over [${over}] of ${printScalar(body.value)}`);
        if (body.finish.kind !== "reduced") lines.push(`    finish ${printScalar(body.finish)}`);
      }
    }
  }
  for (const [view, of] of plan.aliasOf) lines.push(`view %${view} of %${of}`);
  for (const [window, { of, start }] of plan.windows ?? []) lines.push(`window %${window} of %${of} from ${start} on`);
  return `${lines.join("\n")}\n`;
}

/** The invariants of a kernel plan: every stage's loads are defined before, no value is computed twice. */
export function verifyKernels(plan: KernelPlan, external: ReadonlySet<ValueId>): void {
  const defined = new Set<ValueId>(external);
  const stored = new Set<ValueId>(external);
  const fail = (message: string): never => {
    throw new InternalCompilerError("verifyKernels", message);
  };
  const storageOf = (value: ValueId): ValueId => storageIn(plan, value);
  for (const kernel of plan.kernels) {
    const local = new Set<ValueId>();
    for (const stage of kernel.stages) {
      for (const name of loadedNames(stage.computation)) {
        const value = storageOf(namedValue(name));
        if (!local.has(value) && !stored.has(value))
          fail(`${kernel.name} loads %${value}, which is not stored before it`);
      }
      if (defined.has(stage.value)) fail(`%${stage.value} is computed twice`);
      defined.add(stage.value);
      local.add(stage.value);
    }
    for (const { stored: isStored, value, slice, overwrites } of kernel.stages) {
      if (!isStored) continue;
      stored.add(storageOf(slice?.of ?? value));
      if (overwrites !== undefined && !external.has(overwrites)) stored.delete(overwrites);
    }
  }
}

/** The names that a computation loads, each once. */
export function loadedNames(computation: Computation): ReadonlySet<string> {
  return new Set(loadsOf(computation).map(({ from }) => from));
}
