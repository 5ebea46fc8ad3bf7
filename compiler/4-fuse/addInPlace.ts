/**
 * In: a program whose joins have their places. Out: the same program, in which a node that adds to a part of another value, and is the
 * only one to read that part, is computed where the part lies.
 *
 *   before: %5 [n c:96 y x] = %4[n, c, y, x] + %3[n, c, y, x], with %3 [n c:128 y x] read by others from c = 96 on
 *   after:  the same, with %5 in %3 at c = 0
 *
 * So the gradient of a concatenation that grows layer by layer, as a dense block's does, adds up in one place, and every layer finds
 * its part of it with the same strides.
 */
import { loadsOf } from "../ir/expression.ts";
import type { Computation, IndexExpr, Load, ScalarExpr } from "../ir/expression.ts";
import type { ValueId } from "../ir/graph.ts";
import { namedValue, valueName } from "../ir/kernel.ts";
import { dimensionsOf, valueBytes } from "../ir/program.ts";
import type { ProgramNode, Slice, TensorProgram } from "../ir/program.ts";
import { indexRange, isWithin } from "./indexRange.ts";
import { readersOf } from "./placeJoins.ts";

export interface AddOptions {
  readonly batch: number;
  /** Values that must keep a storage of their own. */
  readonly keep: ReadonlySet<ValueId>;
}

/** What a node reads of a value: from one start a dimension on, as many elements as there are. */
interface Region {
  readonly starts: readonly number[];
  readonly sizes: readonly number[];
}

/** The least share of a value that may lie in its place alone. */
const leastShare = 1 / 2;

/** The program with values in the places of what they are added to. */
export function addInPlace(program: TensorProgram, { batch, keep }: AddOptions): TensorProgram {
  const viewed = new Set([...program.aliasOf.values(), ...program.aliasOf.keys()]);
  const byValue = new Map(program.nodes.map((node) => [node.value, node]));
  const readers = readersOf(program);
  const placed = new Map<ValueId, Slice>();
  for (const node of program.nodes) {
    const slice = ownsItsStorage(node) ? partOf(node) : undefined;
    if (slice !== undefined && isReadInside(node, slice)) placed.set(node.value, slice);
  }
  return placed.size === 0 ? program : { ...program, sliceOf: new Map([...program.sliceOf, ...placed]) };

  /** Whether the node's value could lie elsewhere, or others in it. */
  function ownsItsStorage({ value, type }: ProgramNode): boolean {
    return type.dtype === "f32" && !keep.has(value) && !viewed.has(value) && !program.sliceOf.has(value);
  }

  /** The part of a larger value that the node reads element by element, where nobody else reads it. */
  function partOf({ value, type, computation }: ProgramNode): Slice | undefined {
    if (computation.body.kind !== "map") return undefined;
    const sizes = dimensionsOf(type, batch);
    const loads = loadsOf(computation);
    for (const { from, index, fill } of termsOf(computation.body.value)) {
      const whole = byValue.get(namedValue(from));
      const starts = fill === undefined ? startsOf(index, computation) : undefined;
      if (whole === undefined || starts?.length !== sizes.length || !ownsItsStorage(whole)) continue;
      // A small part would keep the memory of the whole for as long as it lives itself.
      const share = valueBytes(type, batch) / valueBytes(whole.type, batch);
      if (dimensionsOf(whole.type, batch).length !== sizes.length || share === 1 || share < leastShare) continue;
      if (loads.filter((each) => each.from === from).length > 1) continue;
      const isMine = (readers.get(whole.value) ?? []).every(
        (reader) => reader.value === value || isApart(reader, whole.value, { starts, sizes }),
      );
      if (isMine) return { of: whole.value, starts };
    }
    return undefined;
  }

  /** Whether what a node reads of a value is none of the region. */
  function isApart({ computation }: ProgramNode, value: ValueId, { starts, sizes }: Region): boolean {
    return loadsOf(computation).every(
      ({ from, index }) =>
        from !== valueName(value) ||
        (index.length === starts.length &&
          index.some((each, i) => {
            const [start, { low, high }] = [starts[i] ?? 0, indexRange(each, computation)];
            return high < start || low >= start + (sizes[i] ?? 0);
          })),
    );
  }

  /** Whether no reader of the node's value counts on its end, as one with a fill does: what it would find there is another's. */
  function isReadInside({ value, type }: ProgramNode, { of }: Slice): boolean {
    const sizes = dimensionsOf(type, batch);
    const whole = dimensionsOf(byValue.get(of)?.type ?? type, batch);
    return (readers.get(value) ?? []).every((reader) =>
      loadsOf(reader.computation).every(
        ({ from, index, fill }) =>
          from !== valueName(value) ||
          fill === undefined ||
          index.every((each, i) => sizes[i] === whole[i] || isWithin(each, sizes[i] ?? 0, reader.computation)),
      ),
    );
  }
}

/** The loads that are terms of a sum. */
function termsOf(expr: ScalarExpr): readonly Load[] {
  if (expr.kind === "load") return [expr];
  return expr.kind === "binary" && expr.fn === "add" ? [...termsOf(expr.left), ...termsOf(expr.right)] : [];
}

/** Where an index begins that counts along the computation's own axes, in their order; undefined for any other. */
function startsOf(index: readonly IndexExpr[], { axes }: Computation): readonly number[] | undefined {
  const starts = index.map((each, i) => {
    const [of, start] = each.kind === "add" && each.right.kind === "int" ? [each.left, each.right.value] : [each, 0];
    return of.kind === "axis" && of.name === axes[i]?.name ? start : -1;
  });
  return index.length === axes.length && starts.every((start) => start >= 0) ? starts : undefined;
}
