/**
 * In: a program. Out: the same program with convolutions of 3x3 taps and stride 1, forward or input gradient, as Winograd's
 * minimal filtering F(2x2, 3x3) computes them (Lavin and Gray 2015, "Fast Algorithms for Convolutional Neural Networks"):
 * 16 multiplications a channel for four elements of the output, instead of 36.
 *
 *   before: Y[n,c,y,x] = finish(sum over ic, ky, kx of image[n, ic, y + ky - p, x + kx - p] * g[c, ic, ky, kx])
 *   after:  U[c,ic,i,j]       = (G g G') of the taps
 *           V[n,ic,ty,tx,i,j] = (B' d B) of the 4x4 elements d of the image that four elements of Y need, 0 outside of it
 *           M[n,c,ty,tx,i,j]  = sum over ic of V[n,ic,ty,tx,i,j] * U[c,ic,i,j]
 *           Y[n,c,y,x]        = finish((A' M A) at y mod 2, x mod 2 of the tile y div 2, x div 2)
 *
 * A transform is two nodes, one for each side of the matrix; they index the 16 places of a tile by constants, so that the fuser
 * holds those in one invocation's registers: U is one kernel, V is one, M is a matrix product in a third, and the transform of its
 * sums begins the fourth, in which Y is, with whatever would have followed the convolution.
 */
import type { Choices } from "../ir/choices.ts";
import { add, axis, compareIndex, iadd, idiv, imod, imul, isub, load, map, mul, num, reduce, select, sub } from "../ir/expression.ts"; // prettier-ignore
import { rewriteScalar } from "../ir/rewrite.ts";
import type { Axis, Computation, IndexExpr, IndexLike, ScalarExpr } from "../ir/expression.ts";
import { valueId } from "../ir/graph.ts";
import type { TensorType, ValueId } from "../ir/graph.ts";
import { namedValue, valueName } from "../ir/kernel.ts";
import type { Roles } from "../ir/kernel.ts";
import type { ProgramNode, TensorProgram } from "../ir/program.ts";
import { convolutionOf } from "./convolutionForm.ts";
import type { Convolution, Reach } from "./convolutionForm.ts";

export interface WinogradOptions {
  /** Samples of all slabs. */
  readonly wholeBatch: number;
  readonly bindingBytes: number;
  readonly adapterClass: "cpu" | "gpu";
  /** How activations are stored: in half the bytes the products would lose digits that their sums need. */
  readonly precision: "f32" | "f16";
  readonly choices: Choices;
}

/** Rows of the matrices B', G and A'. */
const imageRows = [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]] as const; // prettier-ignore
const weightRows = [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]] as const; // prettier-ignore
const outputRows = [[1, 1, 1, 0], [0, 1, -1, -1]] as const; // prettier-ignore

/** The program with convolutions as Winograd computes them, where the choices or the cost model says so. */
export function useWinograd(program: TensorProgram, options: WinogradOptions): TensorProgram {
  const { winograd: choice } = options.choices;
  if (choice === false || options.precision !== "f32") return program;
  const types = new Map(program.types);
  const aliasOf = new Map(program.aliasOf);
  let next = Math.max(-1, ...types.keys());
  const storageOf = (name: string): ValueId => aliasOf.get(namedValue(name)) ?? namedValue(name);
  const nodes = program.nodes.flatMap((node): readonly ProgramNode[] => {
    const convolution = convolutionOf(node.computation);
    if (convolution === undefined || !canTile(convolution, options)) return [node];
    if (choice === undefined && !paysOff(convolution, options)) return [node];
    return winogradNodes(node, convolution, { storageOf, fresh, view });
  });
  return nodes.length === program.nodes.length ? program : { ...program, nodes, types, aliasOf };

  function fresh(type: TensorType): ValueId {
    const value = valueId(++next);
    types.set(value, type);
    return value;
  }

  function view(of: ValueId, type: TensorType): ValueId {
    const value = fresh(type);
    aliasOf.set(value, of);
    return value;
  }
}

/** How many tiles of two elements cover an axis. */
function tilesAlong({ extent }: Axis): number {
  return Math.ceil(extent / 2);
}

/** Whether a convolution has 3x3 taps, and values that bindings can hold. */
function canTile({ axes: [n, c, y, x], over: [channel, ky, kx] }: Convolution, options: WinogradOptions): boolean {
  const tiles = tilesAlong(y) * tilesAlong(x) * 16;
  const largest = Math.max(c.extent, channel.extent) * tiles * n.extent;
  return ky.extent === 3 && kx.extent === 3 && largest * 4 <= options.bindingBytes;
}

/**
 * From which measure of the channels on, in * out / (in + out), the multiplications saved outweigh the transforms: 16 is 32
 * channels each. A software adapter waits for the products; a GPU, by the ratio of its arithmetic to its bandwidth, for the
 * transforms' four times as many bytes, up to about 128 channels.
 */
const leastChannels = { cpu: 16, gpu: 64 } as const;
/** Multiply-adds of a convolution from which on three more dispatches, their compilation and room for the tiles are worth it. */
const leastWork = 2 ** 28;
/** Bytes that the tiles of an image, or their products, may take beside everything else. */
const mostBytes = 2 ** 26;
/** How much more than the output its tiles may cover: small odd images waste much of theirs. */
const mostWaste = 1.35;

function paysOff({ axes, over }: Convolution, { adapterClass, wholeBatch }: WinogradOptions): boolean {
  const [, c, y, x] = axes;
  const [channel] = over;
  const work = [...axes, ...over].reduce((product, { extent }) => product * extent, 1);
  const measure = (c.extent * channel.extent) / (c.extent + channel.extent);
  const tiles = tilesAlong(y) * tilesAlong(x);
  return (
    work >= leastWork &&
    measure >= leastChannels[adapterClass] &&
    // In an image of one tile most taps fall outside, and a direct convolution leaves them out.
    tiles >= 4 &&
    tiles * 4 <= mostWaste * y.extent * x.extent &&
    wholeBatch * Math.max(c.extent, channel.extent) * tiles * 64 <= mostBytes
  );
}

/** The nodes that compute a convolution's value; the last of them is that value. */
function winogradNodes(
  node: ProgramNode,
  { image, weight, axes: [n, c, y, x], over: [channel], rows, columns, transposed, finish }: Convolution,
  { storageOf, fresh, view }: Naming,
): readonly ProgramNode[] {
  const made: ProgramNode[] = [];
  /** A node of its own, and how others load its elements. */
  const define = (op: string, computation: Computation, roles: Roles, opens: boolean): Made => {
    const type = typeOfAxes(computation.axes);
    const value = fresh(type);
    made.push({ value, op, type, computation, origin: node.origin, roles, ...(opens && { opens: true as const }) });
    return named(value);
  };
  /** The other side's transform, in the kernel of the one before. */
  const transform = (op: string, axes: readonly Axis[], value: ScalarExpr): Made =>
    define(op, map(axes, value), new Map(), false);
  const roleOf = (from: string): Roles => {
    const storage = valueName(storageOf(from));
    return new Map([[storage, node.roles.get(storage) ?? "value"]]);
  };

  const [i, j, u, v] = ["i", "j", "u", "v"].map((name) => axis(name, 4)) as [Axis, Axis, Axis, Axis];
  const [ky, kx] = [axis("ky", 3), axis("kx", 3)];
  const [ty, tx] = [axis("ty", tilesAlong(y)), axis("tx", tilesAlong(x))];
  const p = axis("p", ty.extent * tx.extent);

  const tap = ({ step }: Reach, at: Axis): IndexExpr => (step === 1 ? iadd(at) : isub(2, at));
  const tapIndex = [...(transposed ? [channel, c] : [c, channel]), tap(rows, ky), tap(columns, kx)];
  const taps = define("winograd_taps", map([c, ky, kx, channel], load(weight.from, tapIndex)), roleOf(weight.from), true); // prettier-ignore
  const tapRow = rowOf(weightRows, i, (k) => taps.at(c, k, kx, channel));
  const tapRows = transform("winograd_tap_rows", [i, c, kx, channel], tapRow);
  const transformed = rowOf(weightRows, j, (k) => tapRows.at(i, c, k, channel));
  const weights = transform("winograd_weights", [i, j, c, channel], transformed);

  /** Where a tile's row or column of the image lies; with taps counted backwards the first one is the last. */
  const under = ({ step, offset }: Reach, tile: Axis, at: Axis): IndexExpr =>
    iadd(imul(tile, 2), at, step === 1 ? offset : offset - 2);
  const imageIndex = [n, channel, under(rows, ty, u), under(columns, tx, v)];
  const patch = define(
    "winograd_patch",
    map([n, channel, ty, u, v, tx], load(image.from, imageIndex, 0)),
    roleOf(image.from),
    true,
  );
  const patchRow = rowOf(imageRows, i, (k) => patch.at(n, channel, ty, k, v, tx));
  const patchRows = transform("winograd_patch_rows", [n, i, channel, ty, v, tx], patchRow);
  const tile = rowOf(imageRows, j, (k) => patchRows.at(n, i, channel, ty, k, tx));
  const tiles = transform("winograd_tiles", [n, i, j, channel, ty, tx], tile);

  const flatTiles = named(view(tiles.value, typeOfAxes([n, i, j, channel, p])));
  const products = define(
    "winograd_products",
    reduce([n, i, j, c, p], [channel], "sum", mul(flatTiles.at(n, i, j, channel, p), weights.at(i, j, c, channel))),
    new Map([
      [tiles.name, "tiles"],
      [weights.name, "weights"],
    ]),
    true,
  );
  const productTiles = named(view(products.value, typeOfAxes([n, i, j, c, ty, tx])));
  const sums = define(
    "winograd_sums",
    map([n, c, ty, i, j, tx], productTiles.at(n, i, j, c, ty, tx)),
    new Map([[products.name, "products"]]),
    true,
  );
  const sumRow = rowOf(outputRows, imod(y, 2), (k) => sums.at(n, c, idiv(y, 2), k, j, tx));
  const sumRows = transform("winograd_sum_rows", [n, c, y, j, tx], sumRow);
  const sum = rowOf(outputRows, imod(x, 2), (k) => sumRows.at(n, c, y, k, idiv(x, 2)));
  const value = rewriteScalar(finish, { scalar: (expr) => (expr.kind === "reduced" ? sum : undefined) });
  return [...made, { ...node, computation: map([n, c, y, x], value) }];
}

/** How a rewriting names values. */
interface Naming {
  readonly storageOf: (name: string) => ValueId;
  readonly fresh: (type: TensorType) => ValueId;
  /** A value's elements under other dimensions. */
  readonly view: (of: ValueId, type: TensorType) => ValueId;
}

interface Made {
  readonly value: ValueId;
  readonly name: string;
  /** Loads an element. */
  readonly at: (...index: readonly IndexLike[]) => ScalarExpr;
}

function named(value: ValueId): Made {
  const name = valueName(value);
  return { value, name, at: (...index) => load(name, index) };
}

function typeOfAxes(axes: readonly Axis[]): TensorType {
  const isBatched = axes[0]?.batch === true;
  return { shape: axes.slice(isBatched ? 1 : 0).map(({ extent }) => extent), batched: isBatched, dtype: "f32" };
}

/** Row `at` of a matrix times a column: which row it is mostly known when the kernel is written. */
function rowOf(matrix: readonly (readonly number[])[], at: IndexLike, element: (k: number) => ScalarExpr): ScalarExpr {
  const rows = matrix.map((row) => combination(row, element));
  return rows.reduceRight((others, row, r) => select(compareIndex("eq", at, r), row, others));
}

/** The sum of coefficients times elements, the added ones first. */
function combination(coefficients: readonly number[], element: (k: number) => ScalarExpr): ScalarExpr {
  const terms = coefficients.flatMap((coefficient, k) => (coefficient === 0 ? [] : [{ coefficient, of: element(k) }]));
  terms.sort((a, b) => Math.sign(b.coefficient) - Math.sign(a.coefficient));
  const sum = terms.reduce<ScalarExpr | undefined>((before, { coefficient, of }) => {
    const size = Math.abs(coefficient);
    const term = size === 1 ? of : mul(of, size);
    if (before === undefined) return term;
    return coefficient > 0 ? add(before, term) : sub(before, term);
  }, undefined);
  return sum ?? num(0);
}
