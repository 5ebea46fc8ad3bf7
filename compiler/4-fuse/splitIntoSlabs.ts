/**
 * In: a program with parameters that no binding can hold, a slab of the batch at a time. Out: the same program in which each of those,
 * and its gradient, is several values, its slabs: some of its rows (output channels) each. What computes or reads it becomes one node
 * a slab: along an axis of its own output the results are slabs, or are joined; along a sum's axis each slab's sum is added to the
 * one before. Guarantees: every value of the result fits a binding.
 *
 *   before: %3 [n o] = sum over [i] of %0[n, i] * %1[o, i]                      %1 is too large
 *   after:  %4 [n o] = … %0[n, i] * %2[o, i], %5 [n o] = … %0[n, i] * %6[o, i]   %2 and %6 are the slabs of %1
 *           %3 [n o] = %4[n, o] where o < 1024 else %5[n, o - 1024]
 */
import { InternalCompilerError } from "../ir/diagnostic.ts";
import {
  add, axis as makeAxis, compareIndex, iadd, idx, load, map, max, select,
} from "../ir/expression.ts"; // prettier-ignore
import { rewriteScalar, substituteIndex } from "../ir/rewrite.ts";
import type { Axis, Computation, IndexExpr, ScalarExpr } from "../ir/expression.ts";
import { typeOf, valueId } from "../ir/graph.ts";
import type { TensorType, ValueId } from "../ir/graph.ts";
import { namedValue, valueName } from "../ir/kernel.ts";
import type { Roles } from "../ir/kernel.ts";
import { valueBytes } from "../ir/program.ts";
import type { ProgramNode, TensorProgram } from "../ir/program.ts";
import { loadsOf } from "../ir/expression.ts";
import { rewriteComputation } from "./rewriteComputation.ts";

export interface SlabOptions {
  readonly batch: number;
  /** Bytes that one binding can hold. */
  readonly limitBytes: number;
  /** Values that no node computes: inputs, parameters, running statistics. */
  readonly external: readonly ValueId[];
}

/** Where a value's rows are cut: [0, …, rows]. */
type Cuts = readonly number[];

/** Values joined by one node: those beyond become a tree, since a kernel binds few buffers. */
const mostParts = 6;

/** A value of which even one row is too large, or that something reads in a way that no slab serves. */
export class CannotSplit extends Error {
  override readonly name = "CannotSplit";
  readonly value: ValueId;
  readonly op: string | undefined;
  constructor(value: ValueId, op?: string) {
    super(`%${value} cannot be split in slabs${op === undefined ? "" : `: ${op}`}`);
    this.value = value;
    this.op = op;
  }
}

/** The program in slabs; the same object when every value fits. Throws `CannotSplit`. */
export function splitIntoSlabs(program: TensorProgram, options: SlabOptions): TensorProgram {
  const cutsOf = chooseCuts(program, options);
  if (cutsOf.size === 0) return program;
  const types = new Map(program.types);
  const aliasOf = new Map(program.aliasOf);
  const slabsOf = new Map<ValueId, readonly ValueId[]>();
  let next = Math.max(-1, ...types.keys());
  const fresh = (type: TensorType): ValueId => {
    const value = valueId(++next);
    types.set(value, type);
    return value;
  };
  for (const [value, cuts] of cutsOf) {
    const type = typeOf(program.types, value);
    slabsOf.set(
      value,
      cuts.slice(1).map((end, index) => fresh(resized(type, 0, end - (cuts[index] ?? 0)))),
    );
  }
  const storageOf = (value: ValueId): ValueId => program.aliasOf.get(value) ?? value;
  // A view of a value in slabs is a view of each slab.
  const views = new Map<string, ValueId>();
  const slabOf = (value: ValueId, index: number, rows: number): ValueId => {
    const storage = storageOf(value);
    const slab = slabsOf.get(storage)?.[index] as ValueId;
    if (storage === value) return slab;
    const key = `${value} ${index}`;
    const known = views.get(key) ?? fresh(resized(typeOf(program.types, value), 0, rows));
    views.set(key, known);
    aliasOf.set(known, slab);
    return known;
  };

  const nodes = program.nodes.flatMap((node) => split(node));
  return {
    nodes,
    aliasOf,
    types,
    sliceOf: program.sliceOf,
    slabsOf,
  };

  /** The nodes that compute a node's value, or its slabs. */
  function split(node: ProgramNode): readonly ProgramNode[] {
    const { axes, body } = node.computation;
    const own = cutsOf.get(node.value);
    const over = body.kind === "reduce" ? body.over : [];
    const cutsOfAxis = new Map<string, Cuts>();
    const cut = (name: string, cuts: Cuts): void => {
      const merged = new Set([...(cutsOfAxis.get(name) ?? []), ...cuts]);
      cutsOfAxis.set(
        name,
        [...merged].sort((a, b) => a - b),
      );
    };
    const [first] = axes;
    if (own !== undefined && first !== undefined) cut(first.name, own);
    for (const { from, index } of loadsOf(node.computation)) {
      const storage = storageOf(namedValue(from));
      const cuts = cutsOf.get(storage);
      if (cuts === undefined) continue;
      const [row] = index;
      const axis = [...axes, ...over].find((each) => row?.kind === "axis" && each.name === row.name);
      if (axis === undefined || axis.extent !== cuts.at(-1)) throw new CannotSplit(storage, node.op);
      cut(axis.name, cuts);
    }
    // The output's rows first, so that its slabs are what the first cut makes; sums last, so that each adds to one before.
    const order = [...axes, ...over].filter(({ name }) => cutsOfAxis.has(name));
    return splitAlong(node, order, cutsOfAxis, own);
  }

  function splitAlong(
    node: ProgramNode,
    order: readonly Axis[],
    cutsOfAxis: ReadonlyMap<string, Cuts>,
    own: Cuts | undefined,
  ): readonly ProgramNode[] {
    const [axis, ...rest] = order;
    if (axis === undefined) return [node];
    const cuts = cutsOfAxis.get(axis.name) ?? [];
    const { axes } = node.computation;
    const dimension = axes.findIndex(({ name }) => name === axis.name);
    if (dimension < 0) return sumInTurn(node, axis, cuts, rest, cutsOfAxis);
    if (dimension === 0 && own !== undefined) {
      // One node a slab, or several joined where another value is cut more finely.
      return (slabsOf.get(node.value) ?? []).flatMap((slab, index) => {
        const [start, end] = [own[index] ?? 0, own[index + 1] ?? 0];
        const inside = cuts.filter((each) => each >= start && each <= end);
        const whole = pieceOf(node, axis, start, end, slab);
        if (inside.length === 2) return splitAlong(whole, rest, cutsOfAxis, undefined);
        return joined(whole, node, axis, inside, rest, cutsOfAxis);
      });
    }
    return joined(node, node, axis, cuts, rest, cutsOfAxis);
  }

  /** The pieces of `source` along one of its axes, and `target`, which lays them beside each other. */
  function joined(
    target: ProgramNode,
    source: ProgramNode,
    axis: Axis,
    cuts: Cuts,
    rest: readonly Axis[],
    cutsOfAxis: ReadonlyMap<string, Cuts>,
  ): readonly ProgramNode[] {
    const dimension = source.computation.axes.findIndex(({ name }) => name === axis.name);
    const made: ProgramNode[] = [];
    const pieces = cuts.slice(1).map((end, index) => {
      const start = cuts[index] ?? 0;
      const piece = pieceOf(source, axis, start, end, undefined);
      made.push(...splitAlong(piece, rest, cutsOfAxis, undefined));
      return { value: piece.value, start: start - (cuts[0] ?? 0), size: end - start };
    });
    made.push(...joinNodes(target, dimension, pieces));
    return made;
  }

  /** Nodes that lay pieces beside each other; more than a kernel may bind are joined in groups first. */
  function joinNodes(
    target: ProgramNode,
    dimension: number,
    pieces: readonly { readonly value: ValueId; readonly start: number; readonly size: number }[],
  ): readonly ProgramNode[] {
    const made: ProgramNode[] = [];
    let level = pieces;
    while (level.length > mostParts) {
      const groups = Array.from({ length: Math.ceil(level.length / mostParts) }, (_, g) =>
        level.slice(g * mostParts, (g + 1) * mostParts),
      );
      level = groups.map((group) => {
        const [first] = group;
        if (group.length === 1 && first !== undefined) return first;
        const start = first?.start ?? 0;
        const size = group.reduce((sum, piece) => sum + piece.size, 0);
        const value = fresh(resized(target.type, dimension, size));
        const axes = resizedAxes(target.computation.axes, dimension, size);
        made.push(joinNode({ ...target, value, type: types.get(value) as TensorType }, axes, dimension, start, group));
        return { value, start, size };
      });
    }
    made.push(joinNode(target, target.computation.axes, dimension, 0, level));
    return made;
  }

  /** The sum over an axis as one sum a part, each added to the one before; the last one finishes. */
  function sumInTurn(
    node: ProgramNode,
    axis: Axis,
    cuts: Cuts,
    rest: readonly Axis[],
    cutsOfAxis: ReadonlyMap<string, Cuts>,
  ): readonly ProgramNode[] {
    const { axes, body } = node.computation;
    if (body.kind !== "reduce" || body.combine === "argmax")
      throw new InternalCompilerError("splitIntoSlabs", `${node.op} is no sum`);
    let before: ValueId | undefined;
    return cuts.slice(1).flatMap((end, index) => {
      const start = cuts[index] ?? 0;
      const last = index === cuts.length - 2;
      const value = last ? node.value : fresh(node.type);
      const part = rangeOfAxis(node.computation, axis, start, end, start === 0 ? axis.name : `${axis.name}_${start}`);
      if (part.body.kind !== "reduce") throw new InternalCompilerError("splitIntoSlabs", `${node.op} is no sum`);
      const earlier = before === undefined ? undefined : load(valueName(before), axes);
      const total: ScalarExpr =
        earlier === undefined
          ? { kind: "reduced" }
          : body.combine === "sum"
            ? add({ kind: "reduced" }, earlier)
            : max({ kind: "reduced" }, earlier);
      const finish = last
        ? rewriteScalar(part.body.finish, { scalar: (expr) => (expr.kind === "reduced" ? total : undefined) })
        : total;
      const roles = before === undefined ? node.roles : new Map([...node.roles, [valueName(before), "before"]]);
      before = value;
      const summed: ProgramNode = {
        ...node,
        value,
        computation: { ...part, body: { ...part.body, finish } },
        roles: renamedRoles(roles, node.computation, part),
        ...(index > 0 && { opens: true as const }),
      };
      return splitAlong(summed, rest, cutsOfAxis, undefined);
    });
  }

  /** The rows [start, end) of a node along one of its axes, as a node of its own. */
  function pieceOf(node: ProgramNode, axis: Axis, start: number, end: number, value: ValueId | undefined): ProgramNode {
    const dimension = node.computation.axes.findIndex(({ name }) => name === axis.name);
    const type = resized(node.type, dimension, end - start);
    const computation = rangeOfAxis(node.computation, axis, start, end, axis.name);
    const { join: _join, ...rest } = node;
    const roles = renamedRoles(node.roles, node.computation, computation);
    return { ...rest, value: value ?? fresh(type), type, computation, roles };
  }

  /** A computation with an axis, of its output or of its sum, narrowed to [start, end) and called `name`. */
  function rangeOfAxis(computation: Computation, axis: Axis, start: number, end: number, name: string): Computation {
    const by = new Map<string, IndexExpr>([[axis.name, start === 0 ? nameIndex(name) : iadd(nameIndex(name), start)]]);
    const index = (expr: IndexExpr): IndexExpr => substituteIndex(expr, by);
    const narrow = (each: Axis): Axis => (each.name === axis.name ? makeAxis(name, end - start) : each);
    const inSlab = (expr: ScalarExpr): ScalarExpr | undefined => {
      if (expr.kind !== "load") return undefined;
      const value = namedValue(expr.from);
      const cuts = cutsOf.get(storageOf(value));
      const [row, ...others] = expr.index;
      if (cuts === undefined || row?.kind !== "axis" || row.name !== axis.name) return undefined;
      const slab = cuts.findIndex((each, i) => each <= start && (cuts[i + 1] ?? -1) >= end);
      const [from, to] = [cuts[slab] ?? 0, cuts[slab + 1] ?? 0];
      const offset = start - from;
      const at = offset === 0 ? nameIndex(name) : iadd(nameIndex(name), offset);
      return { ...expr, from: valueName(slabOf(value, slab, to - from)), index: [at, ...others.map(index)] };
    };
    const { body } = rewriteComputation(computation, inSlab, index);
    return {
      axes: computation.axes.map(narrow),
      body: body.kind === "map" ? body : { ...body, over: body.over.map(narrow) },
    };
  }

  function renamedRoles(roles: Roles, before: Computation, after: Computation): Roles {
    const [from, to] = [loadsOf(before), loadsOf(after)];
    const renamed = from.flatMap((each, index) => {
      const role = roles.get(valueName(storageOf(namedValue(each.from))));
      const name = to[index]?.from;
      return role === undefined || name === undefined ? [] : [[valueName(storage(namedValue(name))), role] as const];
    });
    return new Map([...roles, ...renamed]);
  }

  function storage(value: ValueId): ValueId {
    return aliasOf.get(value) ?? value;
  }

  function joinNode(
    node: ProgramNode,
    axes: readonly Axis[],
    dimension: number,
    start: number,
    pieces: readonly { readonly value: ValueId; readonly start: number; readonly size: number }[],
  ): ProgramNode {
    const axis = axes[dimension] as Axis;
    const parts = pieces.map((piece) => {
      const at = axes.map((each, i): IndexExpr => (i === dimension ? iadd(each, start - piece.start) : idx(each)));
      return load(valueName(piece.value), at, 0);
    });
    const chosen = parts.reduceRight((others, part, k) => {
      const piece = pieces[k];
      return select(compareIndex("lt", axis, (piece?.start ?? 0) + (piece?.size ?? 0) - start), part, others);
    });
    return {
      ...node,
      computation: map(axes, chosen),
      roles: new Map(pieces.map((piece, k) => [valueName(piece.value), `part${k}`])),
      join: { dimension, parts: pieces.map((piece) => piece.value) },
    };
  }
}

/** In how many slabs a parameter must lie; undefined where even one row is too large. */
export function slabCount(type: TensorType, limitBytes: number): number | undefined {
  const [rows = 1] = type.shape;
  const mostRows = Math.floor(limitBytes / (valueBytes(type, 1) / rows));
  return mostRows === 0 ? undefined : Math.ceil(rows / mostRows);
}

/** Where each value too large for a binding is cut. */
function chooseCuts(program: TensorProgram, { batch, limitBytes, external }: SlabOptions): ReadonlyMap<ValueId, Cuts> {
  const values = [...external, ...program.nodes.map((node) => node.value)];
  const large = values.flatMap((value) => {
    const type = typeOf(program.types, value);
    if (valueBytes(type, batch) <= limitBytes) return [];
    const slabs = type.batched ? undefined : slabCount(type, limitBytes);
    if (slabs === undefined) throw new CannotSplit(value);
    return [[value, evenCuts(type.shape[0] ?? 1, slabs)] as const];
  });
  return new Map(large);
}

/** `rows` in `parts` of equal size, the last one perhaps smaller. */
function evenCuts(rows: number, parts: number): Cuts {
  const size = Math.ceil(rows / parts);
  return [...Array.from({ length: Math.ceil(rows / size) }, (_, index) => index * size), rows];
}

/** The type of a value of which one dimension, the batch being the first where there is one, has another size. */
function resized(type: TensorType, dimension: number, size: number): TensorType {
  const resizedAt = dimension - (type.batched ? 1 : 0);
  return { ...type, shape: type.shape.map((each, index) => (index === resizedAt ? size : each)) };
}

function resizedAxes(axes: readonly Axis[], dimension: number, size: number): readonly Axis[] {
  return axes.map((each, index) => (index === dimension ? makeAxis(each.name, size) : each));
}

function nameIndex(name: string): IndexExpr {
  return { kind: "axis", name };
}
