/** What a computation must look like to be a convolution of images by weights, whatever the op is called. */
import { affineOf, variableAffine } from "../ir/affine.ts";
import type { Affine, Range } from "../ir/affine.ts";
import type { Axis, Computation, Load, ScalarExpr } from "../ir/expression.ts";

/** How a position of the output and a tap find a row (or column) of the image: at + step * tap + offset. */
export interface Reach {
  readonly step: 1 | -1;
  readonly offset: number;
}

/**
 * A sum over a channel and two taps of an image's element times a weight, with a stride of one and in one group:
 *
 *   sum over ic, ky, kx of image[n, ic, y + step*ky + offset, x + step*kx + offset] * weight[c, ic, ky, kx]
 *
 * A convolution's input gradient has this form, too: its taps are counted backwards (step -1), its channels are swapped.
 */
export interface Convolution {
  readonly image: Load;
  readonly weight: Load;
  /** n, c, y and x. */
  readonly axes: readonly [Axis, Axis, Axis, Axis];
  /** The reduced channel and the two taps. */
  readonly over: readonly [Axis, Axis, Axis];
  readonly rows: Reach;
  readonly columns: Reach;
  /** Whether the weight's first dimension is the reduced channel. */
  readonly transposed: boolean;
  /** What follows the sum. */
  readonly finish: ScalarExpr;
}

/** The computation as a convolution of stride 1; undefined where it is none. */
export function convolutionOf({ axes, body }: Computation): Convolution | undefined {
  if (body.kind !== "reduce" || body.combine !== "sum" || body.value.kind !== "binary" || body.value.fn !== "mul")
    return undefined;
  const [n, c, y, x] = axes;
  const [channel, ky, kx] = body.over;
  const { left: image, right: weight } = body.value;
  if (n?.batch !== true || c === undefined || y === undefined || x === undefined || axes.length !== 4) return undefined;
  if (channel === undefined || ky === undefined || kx === undefined || body.over.length !== 3) return undefined;
  if (image.kind !== "load" || weight.kind !== "load" || image.index.length !== 4 || weight.index.length !== 4)
    return undefined;
  const all = [...axes, ...body.over];
  const ranges = new Map<string, Range>(all.map(({ name, extent }) => [name, { low: 0, high: extent - 1 }]));
  const bindings = new Map(all.map(({ name }) => [name, variableAffine(name)]));
  const [sample, from, row, column] = image.index.map((each) => affineOf(each, bindings, ranges));
  const [first, second, ...taps] = weight.index.map((each) => affineOf(each, bindings, ranges));
  if (!isAxis(sample, n) || !isAxis(from, channel) || !isAxis(taps[0], ky) || !isAxis(taps[1], kx)) return undefined;
  const transposed = isAxis(first, channel);
  if (!isAxis(transposed ? second : first, c) || !isAxis(transposed ? first : second, channel)) return undefined;
  const [rows, columns] = [reachOf(row, y, ky), reachOf(column, x, kx)];
  if (rows === undefined || columns === undefined) return undefined;
  return {
    image,
    weight,
    axes: [n, c, y, x],
    over: [channel, ky, kx],
    rows,
    columns,
    transposed,
    finish: body.finish,
  };
}

function isAxis(position: Affine | undefined, { name }: Axis): boolean {
  const [only] = position?.terms ?? [];
  return (
    position?.terms.length === 1 && position.constant === 0 && only?.coefficient === 1 && isVariable(only.atom, name)
  );
}

function isVariable(atom: Affine["terms"][number]["atom"], name: string): boolean {
  return atom.kind === "variable" && atom.name === name;
}

/** A position as at + step * tap + offset. */
function reachOf(position: Affine | undefined, at: Axis, tap: Axis): Reach | undefined {
  const terms = position?.terms ?? [];
  const [own, step] = [at, tap].map(({ name }) => terms.find(({ atom }) => isVariable(atom, name))?.coefficient);
  if (position === undefined || terms.length !== 2 || own !== 1 || (step !== 1 && step !== -1)) return undefined;
  return { step, offset: position.constant };
}
