/**
 * In: a program with nodes that only move elements. Out: the same program without most of them. A join's parts are computed
 * where the joined value has its storage, and whoever reads a part reads it there; a slice is read where its source lies.
 * Guarantees: a value with a place in another has that place alone; every part of a join that is left out has one.
 *
 *   before: %3 = conv …, %5 = conv …, %6 = join of %3 and %5 along c, %7 = %6[n, c + 64, y, x], %8 = … %7[n, c, y, x] …
 *   after:  %3 = conv … in %6 at c = 0, %5 = conv … in %6 at c = 64, %8 = … %6[n, c + 64, y, x] …
 *
 * Joins of joins lie in each other, so that a dense block's features are written once and read where they are.
 */
import { iadd, load, loadsOf, map } from "../ir/expression.ts";
import { substituteIndex } from "../ir/rewrite.ts";
import type { IndexExpr, Load, ScalarExpr } from "../ir/expression.ts";
import { typeOf, valueId } from "../ir/graph.ts";
import type { ValueId } from "../ir/graph.ts";
import { loadedNames, namedValue, valueName } from "../ir/kernel.ts";
import { dimensionsOf } from "../ir/program.ts";
import type { ProgramNode, Slice, TensorProgram } from "../ir/program.ts";
import { isWithin } from "./indexRange.ts";
import { rewriteComputation } from "./rewriteComputation.ts";

export interface PlaceOptions {
  readonly batch: number;
  /** Values that must keep a storage of their own: what the host reads, gradients, what overwrites a statistic. */
  readonly keep: ReadonlySet<ValueId>;
}

/** The program whose slices are read in place and whose joins are written in place, where that is possible. */
export function placeJoins(program: TensorProgram, options: PlaceOptions): TensorProgram {
  if (!program.nodes.some((node) => node.join !== undefined || onlyLoad(node) !== undefined)) return program;
  return writeInPlace(readInPlace(program, options), options);
}

/** Removes nodes whose elements are another value's elements as they are: their readers read that value. */
function readInPlace(program: TensorProgram, { batch, keep }: PlaceOptions): TensorProgram {
  const viewed = new Set(program.aliasOf.values());
  const moved = new Map<ValueId, { readonly node: ProgramNode; readonly from: Load }>();
  const readers = readersOf(program);
  const nodes: ProgramNode[] = [];
  for (const original of program.nodes) {
    const node = withLoads(original, (expr) => {
      const source = moved.get(namedValue(expr.from));
      return source === undefined ? undefined : movedLoad(expr, source.node, source.from);
    });
    const from = onlyLoad(node);
    const { value, type } = node;
    const movable =
      from !== undefined &&
      !keep.has(value) &&
      !viewed.has(value) &&
      (readers.get(value) ?? []).every((reader) =>
        loadsOf(reader.computation).every(
          (each) => each.from !== valueName(value) || staysInside(each, node, from, reader, dimensionsOf(type, batch)),
        ),
      );
    if (movable) moved.set(value, { node, from });
    else nodes.push(node);
  }
  return { ...program, nodes };

  /** Whether the reader's index, where a fill value decides outside, means the same in the source. */
  function staysInside(
    expr: Load,
    node: ProgramNode,
    from: Load,
    reader: ProgramNode,
    own: readonly number[],
  ): boolean {
    if (expr.fill === undefined) return true;
    const source = dimensionsOf(typeOf(program.types, namedValue(from.from)), batch);
    const plain = from.index.map((each, i) => each.kind === "axis" && each.name === node.computation.axes[i]?.name);
    return expr.index.every(
      (each, i) => (plain[i] === true && own[i] === source[i]) || isWithin(each, own[i] ?? 0, reader.computation),
    );
  }
}

/** The load that is all of a node's value, where its index counts along the node's own axes; undefined for other nodes. */
function onlyLoad(node: ProgramNode): Load | undefined {
  const { body, axes } = node.computation;
  if (body.kind !== "map" || body.value.kind !== "load" || body.value.fill !== undefined) return undefined;
  const { index } = body.value;
  const shifted = index.every((each, i) => {
    const name = each.kind === "add" && each.right.kind === "int" ? each.left : each;
    return name.kind === "axis" && name.name === axes[i]?.name;
  });
  return shifted && index.length === axes.length ? body.value : undefined;
}

function movedLoad(expr: Load, node: ProgramNode, from: Load): Load {
  const by = new Map(node.computation.axes.map((axis, i) => [axis.name, expr.index[i] as IndexExpr]));
  return { ...expr, from: from.from, index: from.index.map((each) => substituteIndex(each, by)) };
}

/** Gives the parts of joins their places, and leaves the joins out. */
function writeInPlace(program: TensorProgram, { batch, keep }: PlaceOptions): TensorProgram {
  const readers = readersOf(program);
  const viewed = new Set(program.aliasOf.values());
  const byValue = new Map(program.nodes.map((node) => [node.value, node]));
  const types = new Map(program.types);
  const sliceOf = new Map<ValueId, Slice>();
  let next = Math.max(-1, ...types.keys());
  const nodes: ProgramNode[] = [];
  // The last join first: a part that several joins take goes to the largest, which in a dense block holds all the others.
  const replacements = new Map<ValueId, readonly ProgramNode[]>();
  for (const node of [...program.nodes].reverse()) {
    if (node.join === undefined) continue;
    const { dimension, parts } = node.join;
    const lies = parts.map((part, i) => parts.indexOf(part) === i && canLieIn(part, node));
    if (!lies.includes(true)) continue;
    let start = 0;
    const copies: ProgramNode[] = [];
    parts.forEach((part, i) => {
      const starts = dimensionsOf(node.type, batch).map((_, position) => (position === dimension ? start : 0));
      start += dimensionsOf(typeOf(program.types, part), batch)[dimension] ?? 0;
      if (lies[i] === true) sliceOf.set(part, { of: node.value, starts });
      else {
        const copy = copyOf(part, node);
        sliceOf.set(copy.value, { of: node.value, starts });
        copies.push(copy);
      }
    });
    replacements.set(node.value, copies);
  }
  for (const node of program.nodes) nodes.push(...(replacements.get(node.value) ?? [node]));
  return { ...program, nodes, types, sliceOf };

  function canLieIn(part: ValueId, join: ProgramNode): boolean {
    const node = byValue.get(part);
    if (node === undefined || sliceOf.has(part) || keep.has(part) || viewed.has(part)) return false;
    if (node.type.dtype !== "f32" || dimensionsOf(node.type, batch).length !== dimensionsOf(join.type, batch).length)
      return false;
    const [dimensions, position] = [dimensionsOf(node.type, batch), join.join?.dimension ?? 0];
    return (readers.get(part) ?? []).every(
      (reader) =>
        reader.value === join.value ||
        ((!keep.has(reader.value) || reader.join === undefined || replacements.has(reader.value)) &&
          loadsOf(reader.computation).every(
            (each) =>
              each.from !== valueName(part) ||
              each.fill === undefined ||
              reader.join !== undefined ||
              isWithin(each.index[position] as IndexExpr, dimensions[position] ?? 0, reader.computation),
          )),
    );
  }

  function copyOf(part: ValueId, join: ProgramNode): ProgramNode {
    const type = typeOf(program.types, part);
    const value = valueId(++next);
    types.set(value, type);
    const axes = dimensionsOf(type, batch).map((extent, i) => {
      const axis = join.computation.axes[i];
      return {
        name: axis?.name ?? `i${i}`,
        extent,
        ...(axis?.batch === true && type.batched && { batch: true as const }),
      };
    });
    return {
      value,
      op: join.op,
      type,
      computation: map(axes, load(valueName(part), axes)),
      origin: join.origin,
      roles: new Map([[valueName(program.aliasOf.get(part) ?? part), "part"]]),
    };
  }
}

/** A load of a value that lies in another as a load of that one. */
export function loadInPlace(expr: Load, { of, starts }: Slice): Load {
  const index = expr.index.map((each, i) => (starts[i] === 0 ? each : iadd(each, starts[i] ?? 0)));
  return { ...expr, from: valueName(of), index };
}

/** Where each value lies in the outermost value that holds it. Joins of joins go as deep as a network: each is looked up once. */
export function outermostPlaces(sliceOf: ReadonlyMap<ValueId, Slice>): ReadonlyMap<ValueId, Slice> {
  const places = new Map<ValueId, Slice>();
  for (const value of sliceOf.keys()) {
    const within: ValueId[] = [];
    for (let inner = value; sliceOf.has(inner) && !places.has(inner); inner = sliceOf.get(inner)?.of ?? inner)
      within.push(inner);
    for (const inner of within.reverse()) {
      const slice = sliceOf.get(inner);
      if (slice === undefined) continue;
      const outer = places.get(slice.of);
      const starts = slice.starts.map((start, i) => start + (outer?.starts[i] ?? 0));
      places.set(inner, { of: outer?.of ?? slice.of, starts });
    }
  }
  return places;
}

/** The node with its loads replaced where `rule` gives another. */
function withLoads(node: ProgramNode, rule: (expr: Load) => Load | undefined): ProgramNode {
  const renamed = new Map<string, string>();
  const scalar = (expr: ScalarExpr): ScalarExpr | undefined => {
    if (expr.kind !== "load") return undefined;
    const other = rule(expr);
    if (other === undefined) return undefined;
    renamed.set(other.from, node.roles.get(expr.from) ?? "value");
    return other;
  };
  const computation = rewriteComputation(node.computation, scalar, (index) => index);
  if (renamed.size === 0) return node;
  const { join: _join, ...rest } = node;
  return { ...rest, computation, roles: new Map([...node.roles, ...renamed]) };
}

/** The nodes that read each value, by its own name. */
export function readersOf(program: TensorProgram): ReadonlyMap<ValueId, readonly ProgramNode[]> {
  const readers = new Map<ValueId, ProgramNode[]>();
  for (const node of program.nodes) {
    for (const name of loadedNames(node.computation)) {
      const value = namedValue(name);
      const all = readers.get(value);
      if (all === undefined) readers.set(value, [node]);
      else all.push(node);
    }
  }
  return readers;
}
