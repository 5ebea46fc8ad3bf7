/**
 * program.ts: a graph whose nodes say what their elements are: what the fuser works on. Views have gone into `aliasOf`; a value
 * too large for one binding has gone into slabs, its rows a few at a time, each a value of its own.
 */
import { InternalCompilerError } from "./diagnostic.ts";
import type { Computation } from "./expression.ts";
import { elementCount, typeOf } from "./graph.ts";
import type { Origin, TensorType, ValueId } from "./graph.ts";
import { loadedNames, namedValue, printScalar } from "./kernel.ts";
import type { Roles } from "./kernel.ts";

export interface ProgramNode {
  readonly value: ValueId;
  readonly op: string;
  readonly type: TensorType;
  /** Loads name values as "%12". */
  readonly computation: Computation;
  readonly origin: Origin;
  /** What the op calls each value that it loads. */
  readonly roles: Roles;
  /** Set where the node only lays values beside each other along one dimension; a batch is the first dimension. */
  readonly join?: Join;
  /** Set where the node must begin a kernel: a slab that wants a schedule of its own, a forward value that is computed again. */
  readonly opens?: true;
}

export interface Join {
  readonly dimension: number;
  readonly parts: readonly ValueId[];
}

/** A value that lies inside another: its element [0, 0, …] is that one's element at `starts`. */
export interface Slice {
  readonly of: ValueId;
  readonly starts: readonly number[];
}

export interface TensorProgram {
  readonly nodes: readonly ProgramNode[];
  /** A view's value, and the value whose storage it shares. */
  readonly aliasOf: ReadonlyMap<ValueId, ValueId>;
  readonly types: ReadonlyMap<ValueId, TensorType>;
  /** Values whose storage is a range of another's, which no node computes as a whole. */
  readonly sliceOf: ReadonlyMap<ValueId, Slice>;
  /** Values that exist only as slabs, in order: their rows one after another. */
  readonly slabsOf: ReadonlyMap<ValueId, readonly ValueId[]>;
}

/** Sizes of a value's dimensions, the batch first where it has one. */
export function dimensionsOf(type: TensorType, batch: number): readonly number[] {
  return type.batched ? [batch, ...type.shape] : type.shape;
}

/** Dimensions of which the last ones are made one, so that `rank` are left. */
export function mergeDimensions(dimensions: readonly number[], rank: number): readonly number[] {
  const merged = dimensions.slice(rank - 1).reduce((product, size) => product * size, 1);
  return dimensions.length <= rank ? dimensions : [...dimensions.slice(0, rank - 1), merged];
}

/** Bytes of a value. */
export function valueBytes(type: TensorType, batch: number): number {
  return elementCount(type) * (type.batched ? batch : 1) * 4;
}

/** The values that a node reads, views looked through. */
export function readsOf(node: ProgramNode, aliasOf: ReadonlyMap<ValueId, ValueId>): readonly ValueId[] {
  const values = [...loadedNames(node.computation)].map(namedValue);
  return [...new Set(values.map((value) => aliasOf.get(value) ?? value))];
}

/** The invariants of a program: every value is defined once and before it is read, axes agree with types, slices fit. */
export function verifyProgram(program: TensorProgram, external: ReadonlySet<ValueId>, batch: number): void {
  const fail = (message: string): never => {
    throw new InternalCompilerError("verifyProgram", message);
  };
  const defined = new Set(external);
  const parts = new Map<ValueId, number>();
  for (const [value, { of, starts }] of program.sliceOf) {
    const [own, whole] = [value, of].map((each) => dimensionsOf(typeOf(program.types, each), batch));
    if (own?.length !== whole?.length || own?.length !== starts.length) fail(`%${value} and %${of} differ in rank`);
    if (own?.some((size, i) => (starts[i] ?? 0) < 0 || size + (starts[i] ?? 0) > (whole?.[i] ?? 0)) === true)
      fail(`%${value} reaches past %${of}`);
    parts.set(of, (parts.get(of) ?? 0) + 1);
  }
  for (const node of program.nodes) {
    for (const value of readsOf(node, program.aliasOf)) {
      if (!defined.has(value)) fail(`${node.op} %${node.value} reads %${value} before it is defined`);
    }
    if (defined.has(node.value)) fail(`%${node.value} is defined twice`);
    const elements = node.computation.axes.reduce((product, axis) => product * axis.extent, 4);
    if (elements !== valueBytes(node.type, batch)) fail(`${node.op} %${node.value} has axes of another type`);
    defined.add(node.value);
    for (let slice = program.sliceOf.get(node.value); slice !== undefined; slice = program.sliceOf.get(slice.of)) {
      const left = (parts.get(slice.of) ?? 0) - 1;
      parts.set(slice.of, left);
      if (left > 0) break;
      defined.add(slice.of);
    }
  }
}

/** Stable text of a program, one line a node. */
export function dumpProgram(program: TensorProgram): string {
  const lines = program.nodes.map(({ value, op, computation: { axes, body } }) => {
    const grid = (list: typeof axes): string => list.map((axis) => `${axis.name}:${axis.extent}`).join(" ");
    const text =
      body.kind === "map"
        ? printScalar(body.value)
        : `${body.combine} over [${grid(body.over)}] of ${printScalar(body.value)} finish ${printScalar(body.finish)}`;
    return `%${value} ${op} [${grid(axes)}] = ${text}`;
  });
  for (const [value, { of, starts }] of program.sliceOf) lines.push(`%${value} lies in %${of} at ${starts.join(", ")}`);
  for (const [value, slabs] of program.slabsOf) lines.push(`%${value} in slabs ${slabs.map((s) => `%${s}`).join(" ")}`);
  for (const [view, of] of program.aliasOf) lines.push(`view %${view} of %${of}`);
  return `${lines.join("\n")}\n`;
}
