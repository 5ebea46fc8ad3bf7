/** Writes the stored stages' tiles to memory, elements past the end of an axis left out. */
import { addAffine, affineKey, constantAffine, linearAffine, rangeOf, variableAffine } from "../ir/affine.ts";
import type { Affine } from "../ir/affine.ts";
import { elementCount } from "../ir/graph.ts";
import type { Stage } from "../ir/kernel.ts";
import { dimensionsOf } from "../ir/program.ts";
import { stageTile } from "../ir/tiles.ts";
import { isSplit } from "./kernelContext.ts";
import { partStride } from "../ir/kernel.ts";
import type { KernelContext } from "./kernelContext.ts";
import { combinations } from "./combinations.ts";
import type { Evaluator } from "./evaluator.ts";
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
  part: string | undefined,
): void {
  for (const [index, stage] of context.kernel.stages.entries()) {
    if (!stage.stored) continue;
    const binding = evaluator.bindingOf(stage.overwrites ?? stage.slice?.of ?? stage.value).name;
    const elements = elementsOf(stage, index, context, evaluator, scopes, part);
    // Elements under one condition are written together.
    const byGuard = new Map<string, Element[]>();
    for (const element of elements) {
      evaluator.noteStore(binding, element.linear);
      const together = byGuard.get(element.guard);
      if (together === undefined) byGuard.set(element.guard, [element]);
      else together.push(element);
    }
    for (const [guard, members] of byGuard) {
      const lines = storeLines(binding, members, evaluator, vectors.has(binding));
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
  part: string | undefined,
): readonly Element[] {
  const { axes } = stage.computation;
  const { options, kernel, layouts, rootTile } = context;
  const scales = layouts[index]?.scales;
  const tile = axes.map((axis) =>
    stageTile(axis, scales?.get(axis.name) ?? { numerator: 1, denominator: 1 }, rootTile),
  );
  const roots = new Set([...(scales?.values() ?? [])].map((scale) => scale.root));
  // Several invocations hold an element that lacks one of the root's axes: the first of them writes it.
  const first = (kernel.stages[0]?.computation.axes ?? []).flatMap((axis) => {
    const variable = roots.has(axis.name) ? undefined : context.tileVariable(axis.name);
    return variable === undefined ? [] : [`${variable} == 0`];
  });
  const extents = axes.map((axis) => axis.extent);
  const stored = stage.slice === undefined ? extents : dimensionsOf(options.typeOf(stage.slice.of), options.batch);
  const elements = elementCount(stage.type) * (stage.type.batched ? options.batch : 1);
  return [...combinations(tile)].flatMap((offsets) => {
    const bindings = evaluator.axesAt(index, offsets);
    const position = axes.map((axis) => bindings.get(axis.name) ?? variableAffine(axis.name));
    const guards = [...first];
    for (const [dimension, at] of position.entries()) {
      const extent = extents[dimension] ?? 1;
      const { low, high } = rangeOf(at, scopes.ranges);
      if (low >= extent) return [];
      if (high >= extent) guards.push(`${evaluator.index(at)} < ${extent}`);
    }
    let linear = linearAffine(
      position.map((at, dimension) => addAffine(at, constantAffine(stage.slice?.starts[dimension] ?? 0))),
      stored,
    );
    if (part !== undefined && isSplit(stage, kernel))
      linear = addAffine(linear, variableAffine(part, partStride(elements)));
    if (stage.value === options.ring) {
      if (!scopes.ranges.has("ring_row")) {
        scopes.line("let ring_row = i32(step.slot);", 0);
        scopes.declare("ring_row", { low: 0, high: options.ringSlots - 1 }, 0);
      }
      linear = addAffine(linear, variableAffine("ring_row", elements));
    }
    return [{ linear, guard: guards.join(" && "), value: evaluator.stageValue(index, offsets).text }];
  });
}

/** One statement an element, or one a vector where four neighbours are complete. */
function storeLines(
  binding: string,
  elements: readonly Element[],
  evaluator: Evaluator,
  vector: boolean,
): readonly string[] {
  if (!vector) return elements.map(({ linear, value }) => `${binding}[${evaluator.index(linear)}] = ${value};`);
  const groups = new Map<string, { readonly base: Affine; readonly lanes: (string | undefined)[] }>();
  for (const { linear, value } of elements) {
    const lane = ((linear.constant % 4) + 4) % 4;
    const base: Affine = {
      terms: linear.terms.map((term) => ({ ...term, coefficient: term.coefficient / 4 })),
      constant: (linear.constant - lane) / 4,
    };
    const key = affineKey(base);
    const group = groups.get(key) ?? { base, lanes: [undefined, undefined, undefined, undefined] };
    group.lanes[lane] = value;
    groups.set(key, group);
  }
  return [...groups.values()].flatMap(({ base, lanes }) => {
    const at = evaluator.index(base);
    if (lanes.every((lane) => lane !== undefined)) return [`${binding}[${at}] = vec4f(${lanes.join(", ")});`];
    return lanes.flatMap((lane, i) => (lane === undefined ? [] : [`${binding}[${at}][${i}] = ${lane};`]));
  });
}
