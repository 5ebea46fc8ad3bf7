/**
 * In: kernels without schedules. Out: the same kernels, convolutions among them as matrix products: an image's pixels are one axis
 * of the output, channels and taps one axis of the sum. The matrix that the image's elements would make is never written; each
 * is found where it lies.
 *
 *   before: Y[n,c,y,x] = sum over ic, ky, kx of X[n, ic, y + ky - 1, x + kx - 1] * W[c, ic, ky, kx]
 *   after:  Y[n,c,p]   = sum over k of X[n, k div 9, p div w + (k div 3) mod 3 - 1, p mod w + k mod 3 - 1] * W[c, k]
 *
 * So a tile may go on from one row to the next, and a short sum is unrolled across channels. With taps of 1x1 nothing is divided:
 * what is read pixel by pixel, or weight by weight, is read through a view with those dimensions as one. Stages that follow the
 * sum element by element are rewritten alike; a kernel with others, such as pooling, stays as it is.
 */
import { affineOf, constantAffine, rangeOf, variableAffine } from "../ir/affine.ts";
import type { Affine, Bindings, Range } from "../ir/affine.ts";
import type { Choices } from "../ir/choices.ts";
import { axis, axisNames, idiv, idx, imod, loadsOf } from "../ir/expression.ts";
import { substituteIndex } from "../ir/rewrite.ts";
import type { Axis, Computation, IndexExpr, Load, ScalarExpr } from "../ir/expression.ts";
import { typeOf, valueId } from "../ir/graph.ts";
import type { TensorType, ValueId } from "../ir/graph.ts";
import { loadedNames, namedValue, valueName } from "../ir/kernel.ts";
import type { Kernel, KernelPlan, Stage } from "../ir/kernel.ts";
import { dimensionsOf } from "../ir/program.ts";
import { rewriteComputation } from "./rewriteComputation.ts";

export interface ImplicitGemmOptions {
  readonly batch: number;
  /** Without the choice of it, it is nowhere: no kind of shape was found that it makes clearly faster on a software adapter. */
  readonly choices: Choices;
}

/** The kernels with convolutions as matrix products, where that is chosen. */
export function useImplicitGemm(plan: KernelPlan, { batch, choices }: ImplicitGemmOptions): KernelPlan {
  if (choices.implicitGemm !== true) return plan;
  const types = new Map(plan.types);
  const aliasOf = new Map(plan.aliasOf);
  const views = new Map<string, ValueId>();
  let next = Math.max(-1, ...types.keys());
  const kernels = plan.kernels.map((kernel) => {
    const fused = fusedAxes(kernel);
    const [root] = kernel.stages;
    if (fused === undefined || root === undefined || touchesPacked(kernel)) return kernel;
    const { computation } = rewriteStage(root, kernel, fused);
    const isDivided = loadsOf(computation).some(({ index }) => index.some(divides));
    const aligned = isDivided ? inRows(fused) : fused;
    return { ...kernel, stages: kernel.stages.map((stage) => rewriteStage(stage, kernel, aligned)) };
  });
  return { ...plan, kernels, types, aliasOf };

  /** Whether a value lies in memory in blocks of channels, which have rows and columns of their own. */
  function touchesPacked({ stages }: Kernel): boolean {
    return stages.some(({ value, slice, computation }) => {
      const storages = [value, slice?.of ?? value, ...[...loadedNames(computation)].map(namedValue)];
      return storages.some((each) => types.get(aliasOf.get(each) ?? each)?.packed === true);
    });
  }

  function rewriteStage(stage: Stage, { stages }: Kernel, fused: FusedAxes): Stage {
    const inside = new Set(stages.map(({ value }) => valueName(value)));
    const { computation } = stage;
    const index = (expr: IndexExpr): IndexExpr => substituteIndex(expr, fused.by);
    const scalar = (expr: ScalarExpr): ScalarExpr | undefined => {
      if (expr.kind !== "load") return undefined;
      if (inside.has(expr.from)) return { ...expr, index: [...expr.index.slice(0, -2), idx(fused.pixel)] };
      return throughView(expr, computation, fused, index);
    };
    const { axes, body } = rewriteComputation(computation, scalar, index);
    return {
      ...stage,
      ...(stage.slice !== undefined && { slice: { ...stage.slice, starts: stage.slice.starts.slice(0, -1) } }),
      computation: {
        axes: [...axes.slice(0, 2), fused.pixel],
        body: body.kind === "reduce" ? { ...body, over: [fused.term] } : body,
      },
    };
  }

  /** A load whose last indices are all of the pixel's, or all of the term's, as one of a view in which those are one. */
  function throughView(
    expr: Load,
    computation: Computation,
    fused: FusedAxes,
    index: (expr: IndexExpr) => IndexExpr,
  ): ScalarExpr | undefined {
    const value = namedValue(expr.from);
    const type = typeOf(types, value);
    const dimensions = dimensionsOf(type, batch);
    for (const { parts, whole } of [
      { parts: fused.pixelParts, whole: fused.pixel },
      { parts: fused.termParts, whole: fused.term },
    ]) {
      const first = expr.index.length - parts.length;
      if (
        first < 0 ||
        !parts.every((each, i) => isWhole(expr.index[first + i], each, dimensions[first + i], computation))
      )
        continue;
      const rest = expr.index.slice(0, first);
      // A place that may be outside along another dimension needs its fill value.
      if (expr.fill !== undefined && !rest.every((each, i) => isInside(each, dimensions[i] ?? 0, computation)))
        continue;
      const view = viewOf(value, type, parts.length);
      return { kind: "load", from: valueName(view), index: [...rest.map(index), idx(whole)] };
    }
    return undefined;
  }

  /** The value with its last dimensions as one. */
  function viewOf(value: ValueId, type: TensorType, merged: number): ValueId {
    const key = `${value} ${merged}`;
    const known = views.get(key);
    if (known !== undefined) return known;
    const kept = type.shape.slice(0, -merged);
    const size = type.shape.slice(-merged).reduce((product, each) => product * each, 1);
    const view = valueId(++next);
    views.set(key, view);
    types.set(view, { ...type, shape: [...kept, size] });
    aliasOf.set(view, aliasOf.get(value) ?? value);
    return view;
  }
}

/** The axes of a convolution's kernel, and those that they become. */
interface FusedAxes {
  /** Rows and columns of the output, and the axis that they make. */
  readonly pixelParts: readonly Axis[];
  readonly pixel: Axis;
  /** The channel and the taps of the sum, and the axis that they make. */
  readonly termParts: readonly Axis[];
  readonly term: Axis;
  /** The old axes in terms of the new ones. */
  readonly by: ReadonlyMap<string, IndexExpr>;
}

/** The axes with the rows that tiles and steps had better keep to. */
function inRows(fused: FusedAxes): FusedAxes {
  const { pixel, pixelParts, term, termParts } = fused;
  return { ...fused, pixel: { ...pixel, rows: rowsOf(pixelParts) }, term: { ...term, rows: rowsOf(termParts) } };
}

/** Elements of the rows that axes make of one another, the shortest first. */
function rowsOf(parts: readonly Axis[]): readonly number[] {
  let row = 1;
  return parts.slice(1).reverse().map(({ extent }) => (row *= extent)); // prettier-ignore
}

function divides(index: IndexExpr): boolean {
  if (index.kind === "div" || index.kind === "mod") return true;
  if (index.kind === "add") return divides(index.left) || divides(index.right);
  return index.kind === "mul" && divides(index.of);
}

/** How a kernel's axes can be made a matrix product's; undefined where it is no convolution followed element by element. */
function fusedAxes({ stages }: Kernel): FusedAxes | undefined {
  const root = stages[0]?.computation;
  if (root?.body.kind !== "reduce" || !isConvolution(root)) return undefined;
  const pixelParts = root.axes.slice(2);
  const termParts = root.body.over;
  const inside = new Map(stages.map((stage) => [valueName(stage.value), stage]));
  const isAlike = ({ computation, slice }: Stage): boolean =>
    computation.axes.length === root.axes.length &&
    computation.axes.every(({ name, extent }, i) => name === root.axes[i]?.name && extent === root.axes[i].extent) &&
    loadsOf(computation).every(
      (load) =>
        !inside.has(load.from) ||
        load.index.every((each, i) => each.kind === "axis" && each.name === root.axes[i]?.name),
    ) &&
    // What lies in another value must fill its rows and columns.
    (slice === undefined || slice.starts.slice(2).every((start) => start === 0));
  if (!stages.every(isAlike) || stages.slice(1).some(({ computation }) => computation.body.kind !== "map"))
    return undefined;
  const [pixel, term] = [joined("p", pixelParts), joined("k", termParts)];
  return {
    pixelParts,
    pixel,
    termParts,
    term,
    by: new Map([...partsOf(pixel, pixelParts), ...partsOf(term, termParts)]),
  };
}

/** A sum over a channel and two taps of products of an image's element and a weight, which is the same for all pixels. */
function isConvolution({ axes, body }: Computation): boolean {
  if (body.kind !== "reduce" || body.combine !== "sum" || body.over.length !== 3) return false;
  if (axes.length !== 4 || axes[0]?.batch !== true || body.over.some(({ batch }) => batch === true)) return false;
  // A stride's gradient chooses for every element which taps reach it: by rows and columns it does so when it is written.
  if (body.value.kind !== "binary" || body.value.fn !== "mul" || body.value.left.kind !== "load") return false;
  const weight = body.value.right;
  const [n, , y, x] = axes.map(({ name }) => name);
  return weight.kind === "load" && !weight.index.flatMap(axisNames).some((name) => [n, y, x].includes(name));
}

function joined(name: string, parts: readonly Axis[]): Axis {
  return axis(name, parts.reduce((product, { extent }) => product * extent, 1)); // prettier-ignore
}

/** Each of the axes that `whole` counts row by row. */
function partsOf(whole: Axis, parts: readonly Axis[]): readonly (readonly [string, IndexExpr])[] {
  let inner = 1;
  return [...parts].reverse().map(({ name, extent }, i) => {
    const quotient = inner === 1 ? idx(whole) : idiv(whole, inner);
    inner *= extent;
    return [name, extent === 1 ? idx(0) : i === parts.length - 1 ? quotient : imod(quotient, extent)] as const;
  });
}

/** Whether an index is an axis that counts all of a dimension. */
function isWhole(
  index: IndexExpr | undefined,
  { name, extent }: Axis,
  size: number | undefined,
  computation: Computation,
): boolean {
  if (index === undefined || extent !== size) return false;
  const { terms, constant } = affineIn(index, computation).position;
  if (extent === 1) return terms.length === 0 && constant === 0;
  const [only] = terms;
  return (
    terms.length === 1 &&
    constant === 0 &&
    only?.coefficient === 1 &&
    only.atom.kind === "variable" &&
    only.atom.name === name
  );
}

function isInside(index: IndexExpr, size: number, computation: Computation): boolean {
  const { position, ranges } = affineIn(index, computation);
  const { low, high } = rangeOf(position, ranges);
  return low >= 0 && high < size;
}

/** An index along the axes of a computation; one of a single element is 0. */
function affineIn(
  index: IndexExpr,
  { axes, body }: Computation,
): { readonly position: Affine; readonly ranges: ReadonlyMap<string, Range> } {
  const all = [...axes, ...(body.kind === "reduce" ? body.over : [])];
  const ranges = new Map<string, Range>(all.map(({ name, extent }) => [name, { low: 0, high: extent - 1 }]));
  const bindings: Bindings = new Map(
    all.map(({ name, extent }) => [name, extent === 1 ? constantAffine(0) : variableAffine(name)]),
  );
  return { position: affineOf(index, bindings, ranges), ranges };
}
