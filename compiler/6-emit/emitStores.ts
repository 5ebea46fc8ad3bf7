/** Writes the stored stages' tiles to memory, elements past the end of an axis left out. */
import {
  addAffine,
  affineKey,
  constantAffine,
  linearAffine,
  packedAffine,
  rangeOf,
  variableAffine,
} from "../ir/affine.ts";
import type { Affine } from "../ir/affine.ts";
import { elementCount } from "../ir/graph.ts";
import type { Stage } from "../ir/kernel.ts";
import { dimensionsOf, mergeDimensions } from "../ir/program.ts";
import { stageTile } from "../ir/tiles.ts";
import { isSplit } from "./kernelContext.ts";
import { partStride, sumsOverBatch } from "../ir/kernel.ts";
import type { EmitOptions, KernelContext } from "./kernelContext.ts";
import { combinations } from "./combinations.ts";
import type { Evaluator, LoadableBinding } from "./evaluator.ts";
import { storedText, vectorType } from "./storedNumbers.ts";
import type { Scopes } from "./wgslWriter.ts";

interface Element {
  readonly linear: Affine;
  readonly guard: string;
  readonly value: string;
}

export function emitStores(
  context: KernelContext,
  evaluator: Evaluator,
  scopes: Scopes,
  vectors: ReadonlySet<string>,
): void {
  // A sum over a batch in slabs runs once a slab.
  const adds = context.options.wholeBatch !== undefined && sumsOverBatch(context.kernel);
  if (adds) scopes.line("let begins = step.first == 0u;", 0);
  for (const [index, stage] of context.kernel.stages.entries()) {
    if (!stage.stored) continue;
    const target = evaluator.bindingOf(stage.overwrites ?? stage.slice?.of ?? stage.value);
    const binding = target.name;
    const elements = elementsOf(stage, index, context, evaluator, scopes);
    // Elements under one condition are written together.
    const byGuard = new Map<string, Element[]>();
    for (const element of elements) {
      evaluator.noteStore(binding, element.linear);
      const together = byGuard.get(element.guard);
      if (together === undefined) byGuard.set(element.guard, [element]);
      else together.push(element);
    }
    for (const [guard, members] of byGuard) {
      const lines = storeLines(target, members, evaluator, vectors.has(binding), adds);
      if (guard === "") lines.forEach((line) => scopes.line(line, 0));
      else {
        scopes.line(`if (${guard}) {`, 0);
        lines.forEach((line) => scopes.line(`  ${line}`, 0));
        scopes.line("}", 0);
      }
    }
  }
}

function elementsOf(
  stage: Stage,
  index: number,
  context: KernelContext,
  evaluator: Evaluator,
  scopes: Scopes,
): readonly Element[] {
  const { axes } = stage.computation;
  const { options, kernel, layouts, rootTile } = context;
  const { part } = context.grid;
  const scales = layouts[index]?.scales;
  const tile = axes.map((axis) =>
    stageTile(axis, scales?.get(axis.name) ?? { numerator: 1, denominator: 1 }, rootTile),
  );
  const roots = new Set([...(scales?.values() ?? [])].map((scale) => scale.root));
  // Several invocations hold an element that lacks one of the root's axes: the first of them writes it.
  const first = (kernel.stages[0]?.computation.axes ?? []).flatMap((axis) => {
    const number = roots.has(axis.name) ? undefined : context.grid.tileNumber(axis.name);
    return number === undefined ? [] : [`${evaluator.index(number)} == 0`];
  });
  if (context.grid.guard !== undefined) first.unshift(context.grid.guard);
  const extents = axes.map((axis) => axis.extent);
  const whole = stage.slice === undefined ? extents : dimensionsOf(options.typeOf(stage.slice.of), options.batch);
  const stored = mergeDimensions(whole, axes.length);
  const isPacked = options.typeOf(stage.slice?.of ?? stage.value).packed === true;
  const elements = elementCount(stage.type) * (stage.type.batched ? options.batch : 1);
  /** What must hold where an element is stored; undefined where it lies past the end of an axis. */
  const guardAt = (position: readonly Affine[]): string | undefined => {
    const guards = [...first];
    for (const [dimension, at] of position.entries()) {
      const extent = extents[dimension] ?? 1;
      const { low, high } = rangeOf(at, scopes.ranges);
      if (low >= extent) return undefined;
      if (high >= extent) guards.push(`${evaluator.index(at)} < ${extent}`);
    }
    return guards.join(" && ");
  };
  const found: Element[] = [];
  for (const offsets of combinations(tile)) {
    const bindings = evaluator.axesAt(index, offsets);
    const position = axes.map((axis) => bindings.get(axis.name) ?? variableAffine(axis.name));
    const guard = guardAt(position);
    if (guard === undefined) continue;
    const starts = stage.slice?.starts ?? [];
    const place = position.map((at, dimension) => addAffine(at, constantAffine(starts[dimension] ?? 0)));
    let linear = isPacked ? packedAffine(place, stored, scopes.ranges) : linearAffine(place, stored);
    if (part !== undefined && isSplit(stage, kernel))
      linear = addAffine(linear, variableAffine(part, partStride(elements)));
    if (stage.value === options.ring) linear = addAffine(linear, ringRow(stage, options, scopes));
    found.push({ linear, guard, value: evaluator.stageValue(index, offsets).text });
  }
  return found;
}

/** Where the row of the ring of metrics begins that this step, or this slab of it, writes. */
function ringRow({ type }: Stage, { batch, wholeBatch, ringSlots }: EmitOptions, scopes: Scopes): Affine {
  if (!scopes.ranges.has("ring_row")) {
    scopes.line("let ring_row = i32(step.slot);", 0);
    scopes.declare("ring_row", { low: 0, high: ringSlots - 1 }, 0);
    if (wholeBatch !== undefined) {
      scopes.line("let first_sample = i32(step.first);", 0);
      scopes.declare("first_sample", { low: 0, high: wholeBatch - 1 }, 0);
    }
  }
  const ofSample = elementCount(type);
  const row = variableAffine("ring_row", ofSample * (wholeBatch ?? batch));
  return wholeBatch === undefined ? row : addAffine(row, variableAffine("first_sample", ofSample));
}

/** One statement an element, or one a vector where four neighbours are complete; `adds`: to what the slabs before have left there. */
function storeLines(
  target: LoadableBinding,
  elements: readonly Element[],
  evaluator: Evaluator,
  vector: boolean,
  adds: boolean,
): readonly string[] {
  const binding = target.name;
  const store = (place: string, value: string, zero: string): string =>
    `${place} = ${adds ? `select(${place}, ${zero}, begins) + ` : ""}${value};`;
  if (!vector)
    return elements.map(({ linear, value }) =>
      store(`${binding}[${evaluator.index(linear)}]`, storedText(value, target), "0.0"),
    );
  const groups = new Map<string, { readonly base: Affine; readonly lanes: (string | undefined)[] }>();
  for (const { linear, value } of elements) {
    const lane = ((linear.constant % 4) + 4) % 4;
    const base: Affine = {
      terms: linear.terms.map((term) => ({ ...term, coefficient: term.coefficient / 4 })),
      constant: (linear.constant - lane) / 4,
    };
    const key = affineKey(base);
    const group = groups.get(key) ?? { base, lanes: [undefined, undefined, undefined, undefined] };
    group.lanes[lane] = storedText(value, target);
    groups.set(key, group);
  }
  return [...groups.values()].flatMap(({ base, lanes }) => {
    const at = evaluator.index(base);
    if (lanes.every((lane) => lane !== undefined))
      return [store(`${binding}[${at}]`, `${vectorType(target)}(${lanes.join(", ")})`, `${vectorType(target)}()`)];
    return lanes.flatMap((lane, i) => (lane === undefined ? [] : [store(`${binding}[${at}][${i}]`, lane, "0.0")]));
  });
}
