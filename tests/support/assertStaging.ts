/** Throws unless everything that a staged kernel's invocations read out of workgroup memory lies in the boxes that they fill. */
import { constantAffine } from "../../compiler/ir/affine.ts";
import type { Load } from "../../compiler/ir/expression.ts";
import type { Kernel } from "../../compiler/ir/kernel.ts";
import { boxesOf, chunkOf, elementsToSum, lowestOf, workgroupElements } from "../../compiler/ir/staging.ts";
import type { Box } from "../../compiler/ir/staging.ts";
import { valueOf } from "./interpretKernels.ts";

/** An axis: where the first block or chunk of it begins, and the elements that the workgroup takes of it. */
interface Reach {
  readonly name: string;
  readonly start: number;
  readonly elements: number;
}

/** Looks at the blocks and chunks at both ends of each axis; gives the number of boxes. */
export function assertStaging(kernel: Kernel, isStageable: (load: Load) => boolean): number {
  const root = kernel.stages[0]?.computation;
  const { staged } = kernel.schedule;
  if (staged === undefined || root?.body.kind !== "reduce") throw new Error(`${kernel.name} is not staged`);
  const boxes = boxesOf(kernel, isStageable);
  const elements = boxes.reduce((sum, box) => sum + box.elements, 0);
  if (elements > workgroupElements) throw new Error(`${kernel.name} has ${elements} elements in workgroup memory`);
  const { over } = root.body;
  const sizes = [
    ...root.axes.map(({ name, extent }) => ({ name, extent, elements: (kernel.schedule.tile[name] ?? 1) * (staged.group[name] ?? 1) })), // prettier-ignore
    ...over.map((axis) => ({ name: axis.name, extent: elementsToSum(axis, kernel.schedule), elements: chunkOf(axis, kernel.schedule) })), // prettier-ignore
  ];
  for (const isLast of [false, true]) {
    const reaches = sizes.map(({ name, extent, elements: taken }): Reach => ({
      name,
      start: isLast ? (Math.ceil(extent / taken) - 1) * taken : 0,
      elements: taken,
    }));
    for (const box of boxes) for (const load of box.loads) assertInside(kernel.name, box, load, reaches);
  }
  return boxes.length;
}

function assertInside(kernel: string, box: Box, load: Load, reaches: readonly Reach[]): void {
  const starts = new Map(reaches.map(({ name, start }) => [name, constantAffine(start)]));
  const reachOf = (axis: string): number => (reaches.find(({ name }) => name === axis)?.elements ?? 1) - 1;
  const lowest = load.index.map((index) => lowestOf(index, starts, reachOf, new Map()).constant);
  const walk = (position: number, at: ReadonlyMap<string, number>): void => {
    const reach = reaches[position];
    if (reach === undefined) {
      let place = 0;
      for (const [dimension, index] of load.index.entries()) {
        const offset = valueOf(index, at) - (lowest[dimension] ?? 0);
        if (offset < 0 || offset >= (box.extents[dimension] ?? 0))
          throw new Error(`${kernel} reads ${load.from} at ${offset} of ${box.extents[dimension]} along ${dimension}`);
        place += offset * (box.strides[dimension] ?? 0);
      }
      if (place >= box.elements) throw new Error(`${kernel} reads ${load.from} at ${place} of ${box.elements}`);
      return;
    }
    const { name, start, elements } = reach;
    for (const value of new Set([start, start + (elements >> 1), start + elements - 1]))
      walk(position + 1, new Map([...at, [name, value]]));
  };
  walk(0, new Map());
}
