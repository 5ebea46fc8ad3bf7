/**
 * The boxes of a staged kernel in workgroup memory (see `ir/staging.ts`): their declarations, how the invocations of a workgroup fill
 * them together, and where in them an element lies. Padding is applied when a box is filled.
 */
import { addAffine, constantAffine, divAffine, modAffine, scaleAffine, variableAffine } from "../ir/affine.ts"; // prettier-ignore
import type { Affine } from "../ir/affine.ts";
import { isFloat } from "../ir/graph.ts";
import { InternalCompilerError } from "../ir/diagnostic.ts";
import { boxesOf, chunkOf, lowestOf } from "../ir/staging.ts";
import type { Load } from "../ir/expression.ts";
import type { Box } from "../ir/staging.ts";
import { namedValue } from "../ir/kernel.ts";
import { dimensionsOf } from "../ir/program.ts";
import type { Evaluator } from "./evaluator.ts";
import type { KernelContext } from "./kernelContext.ts";
import type { LoadableArray } from "./memoryLoads.ts";
import type { Scopes, Value } from "./wgslWriter.ts";

export interface StagedLoads {
  /** Fills the boxes for the part of the sum that begins at `starts` (of each reduced axis), in the innermost open scope. */
  fill(starts: ReadonlyMap<string, Affine>, repeats: boolean): void;
  /** The element that a load reads at a position, out of its box; undefined where it has none. */
  read(load: Load, position: readonly Affine[]): Value | undefined;
  readonly declarations: readonly string[];
}

interface FilledBox extends Box {
  readonly array: LoadableArray;
  readonly isVector: boolean;
}

/** The first of the index's values in the box, dimension by dimension. */
type Base = readonly Affine[];

export function stageLoads(
  context: KernelContext,
  evaluator: Evaluator,
  scopes: Scopes,
  vectors: ReadonlySet<string>,
): StagedLoads | undefined {
  const { kernel, options, grid, rootTile } = context;
  const { schedule } = kernel;
  const root = kernel.stages[0]?.computation;
  const { staged } = schedule;
  if (staged === undefined || root?.body.kind !== "reduce") return undefined;
  const { over } = root.body;
  const names = new Set<string>();
  const boxes = boxesOf(kernel, ({ from }) => isFloat(options.typeOf(namedValue(from)))).map((box): FilledBox => {
    const [load] = box.loads;
    if (load === undefined) throw new InternalCompilerError("stageLoads", "a box that nothing reads");
    const bound = evaluator.bindingOf(options.storageOf(namedValue(load.from))).name.replace(/_(in|out)$/, "");
    let name = `${bound}_box`;
    for (let suffix = 2; names.has(name); suffix++) name = `${bound}_box${suffix}`;
    names.add(name);
    return { ...box, array: { name, dtype: "f32", scale: 1 }, isVector: vectors.has(name) };
  });
  const boxOf = new Map(boxes.flatMap((box) => box.loads.map((load) => [load, box] as const)));
  const bases = new Map<FilledBox, Base>();
  let filledAt = 0;

  /** How far apart the values of an axis lie in the box. */
  function reachOf(name: string): number {
    const reduced = over.find((axis) => axis.name === name);
    const group =
      reduced === undefined ? (rootTile[name] ?? 1) * (staged?.group[name] ?? 1) : chunkOf(reduced, schedule);
    return group - 1;
  }

  function fillBox(box: FilledBox, base: Base): void {
    const [load] = box.loads;
    if (load === undefined) return;
    const { array, quantum, order, extents } = box;
    const trips = box.elements / quantum;
    const level = scopes.level() + 1;
    const copy = scopes.declare("copy", { low: 0, high: trips - 1 }, level);
    scopes.open();
    const dimensions = dimensionsOf(options.typeOf(namedValue(load.from)), options.batch);
    const offsets = extents.map(() => constantAffine(0));
    let rest = variableAffine(copy);
    for (const [depth, dimension] of [...order.entries()].reverse()) {
      const innermost = depth === order.length - 1;
      const count = (extents[dimension] ?? 1) / (innermost ? quantum : 1);
      const place = depth === 0 ? rest : modAffine(rest, count, scopes.ranges);
      offsets[dimension] = innermost ? scaleAffine(place, quantum) : place;
      rest = divAffine(rest, count, scopes.ranges);
    }
    const last = order.at(-1);
    const values = Array.from({ length: quantum }, (_, step) => {
      const position = base.map((start, dimension) =>
        addAffine(
          addAffine(start, offsets[dimension] ?? constantAffine(0)),
          constantAffine(dimension === last ? step : 0),
        ),
      );
      return evaluator.loadAt(load, position, dimensions).text;
    });
    if (quantum === 1) evaluator.noteStore(array.name, variableAffine(copy));
    if (box.isVector) scopes.line(`${array.name}[${copy}] = vec4f(${values.join(", ")});`);
    else
      values.forEach((value, step) => {
        const at = addAffine(variableAffine(copy, quantum), constantAffine(step));
        scopes.line(`${array.name}[${evaluator.index(at)}] = ${value};`);
      });
    const { workgroupSize } = schedule;
    scopes.close(`for (var ${copy} = own_lane; ${copy} < ${trips}; ${copy} += ${workgroupSize}) {`, "}");
  }

  return {
    fill(sumStarts, repeats) {
      const starts = new Map(sumStarts);
      for (const { name } of root.axes) starts.set(name, scaleAffine(grid.blockStart(name), rootTile[name] ?? 1));
      // Nobody may still read what is overwritten.
      if (repeats) scopes.line("workgroupBarrier();");
      for (const box of boxes) {
        const base = (box.loads[0]?.index ?? []).map((position) => lowestOf(position, starts, reachOf, scopes.ranges));
        bases.set(box, base);
        fillBox(box, base);
      }
      scopes.line("workgroupBarrier();");
      filledAt = scopes.level();
    },
    read(load, position) {
      const box = boxOf.get(load);
      const base = box === undefined ? undefined : bases.get(box);
      if (box === undefined || base === undefined) return undefined;
      const linear = position.reduce((sum, each, dimension) => {
        const offset = addAffine(each, scaleAffine(base[dimension] ?? constantAffine(0), -1));
        return addAffine(sum, scaleAffine(offset, box.strides[dimension] ?? 1));
      }, constantAffine(0));
      return evaluator.loadFrom(box.array, linear, filledAt);
    },
    declarations: boxes.map(({ array, isVector, elements }) =>
      isVector
        ? `var<workgroup> ${array.name}: array<vec4f, ${elements / 4}>;`
        : `var<workgroup> ${array.name}: array<f32, ${elements}>;`,
    ),
  };
}
