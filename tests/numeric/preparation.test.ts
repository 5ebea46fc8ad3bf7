import { describe, expect, test } from "@jest/globals";
import { preparationGraph } from "../../compiler/3-differentiate/preparationGraph.ts";
import type { ImageSource, PreparationLines } from "../../compiler/3-differentiate/preparationGraph.ts";
import { inlineMaps } from "../../compiler/4-fuse/inlineMaps.ts";
import { valueName } from "../../compiler/ir/kernel.ts";
import { ops } from "../../compiler/ops/index.ts";
import { fullShape, interpretComputation, interpretGraph } from "../support/interpret.ts";
import type { Tensor, Values } from "../support/interpret.ts";

const batch = 3;

interface Run {
  readonly source: ImageSource;
  readonly lines: Partial<PreparationLines>;
  readonly training?: boolean;
  readonly pixels: Values;
  readonly sizes?: Uint32Array;
  readonly mean?: Float32Array;
  readonly uniforms?: Readonly<Record<string, number>>;
}

/** Prepared images, twice: op by op, and by the kernels that the ops are written into. */
function prepare({ source, lines, training = true, pixels, sizes, mean, uniforms = { seed: 5, step: 2 } }: Run): {
  readonly values: readonly number[];
  readonly kernels: number;
} {
  const graph = preparationGraph(source, { augment: [], ...lines }, training);
  const settings = { batch, count: batch, uniforms };
  const inputs = { source: pixels, ...(sizes !== undefined && { sizes }) };
  const states = mean === undefined ? {} : { mean };
  const byOp = interpretGraph(graph, { inputs, parameters: {}, states }, settings);
  const output = graph.heads[0]?.value;
  if (output === undefined) throw new Error("no output");

  const feeds: Readonly<Record<string, Values>> = { ...inputs, ...states };
  const tensors = new Map<string, Tensor>();
  for (const { name, value, type } of [...graph.inputs, ...graph.states]) {
    tensors.set(valueName(value), { shape: fullShape(type, batch), values: feeds[name] as Values });
  }
  const { kernels } = inlineMaps(graph, { ops, batch });
  for (const { stages } of kernels) {
    for (const { value, computation } of stages) {
      tensors.set(valueName(value), interpretComputation(computation, tensors, settings));
    }
  }
  const values = [...(byOp.get(output)?.values ?? [])];
  expect([...(tensors.get(valueName(output))?.values ?? [])]).toEqual(values);
  return { values, kernels: kernels.length };
}

const grey = { shape: [1, 6, 8], dtype: "u8" } as const;
const colour = { shape: [3, 6, 8], dtype: "u8" } as const;

/** Bytes that differ from place to place. */
function bytes(source: ImageSource): Uint8Array {
  const size = source.shape.reduce((product, extent) => product * extent, batch);
  return Uint8Array.from({ length: size }, (_, index) => (index * 37 + (index >> 3) * 11) % 256);
}

describe("the kernels compute what the ops do", () => {
  const size = [5, 7];
  test.each<readonly [string, Partial<PreparationLines>]>([
    ["nothing", {}],
    ["resize", { resize: [9, 5] }],
    ["flip", { augment: [{ name: "random_flip", args: { p: 0.5 } }] }],
    ["crop", { augment: [{ name: "random_crop", args: { size: [0, 0], padding: 2 } }] }],
    ["center", { augment: [{ name: "center_crop", args: { size: [9, 4] } }] }],
    ["resized", { augment: [{ name: "random_resized_crop", args: { size, scale: [0.2, 1], ratio: [0.75, 1.33] } }] }],
    ["rotation", { augment: [{ name: "random_rotation", args: { degrees: 30 } }] }],
    ["jitter", { augment: [{ name: "color_jitter", args: { brightness: 0.4, contrast: 0.4, saturation: 0.4 } }] }],
    ["erasing", { augment: [{ name: "random_erasing", args: { p: 0.9, scale: [0.1, 0.4], ratio: [0.3, 3.3] } }] }],
    [
      "all",
      {
        resize: [12, 12],
        normalize: { mean: [0.5], std: [0.25] },
        augment: [
          { name: "random_crop", args: { size: [10, 10], padding: 1 } },
          { name: "random_flip", args: { p: 0.5 } },
          { name: "color_jitter", args: { brightness: 0.4, contrast: 0.4, saturation: 0 } },
          { name: "random_rotation", args: { degrees: 10 } },
          { name: "random_erasing", args: { p: 0.5, scale: [0.02, 0.33], ratio: [0.3, 3.3] } },
        ],
      },
    ],
  ])("%s", (_, lines) => {
    for (const source of [grey, colour]) {
      const { values } = prepare({ source, lines, pixels: bytes(source) });
      expect(values.every(Number.isFinite)).toBe(true);
    }
  });
});
