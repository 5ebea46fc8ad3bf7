import { describe, expect, test } from "@jest/globals";
import { preparationGraph, preparationProblem } from "../../compiler/3-differentiate/preparationGraph.ts";
import { preparedShape } from "../../compiler/ir/preparedShape.ts";
import type { ImageSource, PreparationLines } from "../../compiler/3-differentiate/preparationGraph.ts";
import { inlineMaps } from "../../compiler/4-fuse/inlineMaps.ts";
import { valueName } from "../../compiler/ir/kernel.ts";
import { ops } from "../../compiler/ops/index.ts";
import { draw, fullShape, interpretComputation } from "../support/interpret.ts";
import type { Tensor } from "../support/interpret.ts";
import { interpretPreparation, testBytes } from "../support/interpretPreparation.ts";

const batch = 3;
const uniforms = { seed: 5, step: 2 };

/** Prepared images by the kernels that the ops are written into. */
function byKernels(source: ImageSource, lines: Partial<PreparationLines>, pixels: Uint8Array): readonly number[] {
  const graph = preparationGraph(source, { augment: [], ...lines }, true);
  const tensors = new Map<string, Tensor>();
  for (const { value, type } of graph.inputs) {
    tensors.set(valueName(value), { shape: fullShape(type, batch), values: pixels });
  }
  for (const { stages } of inlineMaps(graph, { ops, batch }).kernels) {
    for (const { value, computation } of stages) {
      tensors.set(valueName(value), interpretComputation(computation, tensors, { batch, count: batch, uniforms }));
    }
  }
  const output = graph.heads[0]?.value;
  return output === undefined ? [] : [...(tensors.get(valueName(output))?.values ?? [])];
}

const grey = { shape: [1, 6, 8], dtype: "u8" } as const;
const colour = { shape: [3, 6, 8], dtype: "u8" } as const;

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
      const pixels = testBytes(source, batch);
      const values = byKernels(source, lines, pixels);
      expect(values).toEqual(interpretPreparation({ source, lines, pixels, batch, uniforms }));
      expect(values.every(Number.isFinite)).toBe(true);
    }
  });
});

describe("as torchvision does it, by plain loops", () => {
  const pixels = testBytes(colour, batch);
  const [height, width] = [6, 8];
  /** Stream 0 of the first augmentation, 1 and 2 of its other draws. */
  const drawn = (use: number, counter: number): number =>
    draw(0x7000_0000 + use, counter, uniforms.step, uniforms.seed);
  const pixel = (n: number, c: number, y: number, x: number): number =>
    y < 0 || x < 0 || y >= height || x >= width ? 0 : (pixels[((n * 3 + c) * height + y) * width + x] ?? NaN) / 255;
  const each = (at: (n: number, c: number, y: number, x: number) => number): readonly number[] =>
    Array.from({ length: batch * 3 * height * width }, (_, i) =>
      at(Math.floor(i / 144), Math.floor(i / 48) % 3, Math.floor(i / 8) % 6, i % 8),
    );
  const prepared = (name: string, args: Readonly<Record<string, number | readonly number[]>>): readonly number[] =>
    interpretPreparation({ source: colour, lines: { augment: [{ name, args }] }, pixels, batch, uniforms });
  const expectClose = (actual: readonly number[], expected: readonly number[]): void => {
    expect(actual.length).toBe(expected.length);
    actual.forEach((value, index) => {
      expect(value).toBeCloseTo(expected[index] ?? NaN, 10);
    });
  };

  test("a flip takes column W - 1 - x", () => {
    expectClose(
      prepared("random_flip", { p: 0.5 }),
      each((n, c, y, x) => pixel(n, c, y, drawn(0, n) < 0.5 ? width - 1 - x : x)),
    );
  });

  test("a crop begins anywhere in the padded image", () => {
    const top = (n: number): number => Math.floor(drawn(0, 2 * n) * 5) - 2;
    const left = (n: number): number => Math.floor(drawn(0, 2 * n + 1) * 5) - 2;
    expectClose(
      prepared("random_crop", { size: [0, 0], padding: 2 }),
      each((n, c, y, x) => pixel(n, c, y + top(n), x + left(n))),
    );
  });

  test("brightness, contrast and saturation blend and clamp", () => {
    const factor = (use: number, n: number): number => 0.6 + drawn(use, n) * 0.8;
    const clamp = (value: number): number => Math.min(Math.max(value, 0), 1);
    const weights = [0.2989, 0.587, 0.114];
    const brighter = (n: number, c: number, y: number, x: number): number => clamp(factor(0, n) * pixel(n, c, y, x));
    const mean = (n: number): number => {
      let sum = 0;
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) weights.forEach((weight, c) => (sum += weight * brighter(n, c, y, x)));
      return sum / (height * width);
    };
    const means = [mean(0), mean(1), mean(2)];
    const contrasted = (n: number, c: number, y: number, x: number): number =>
      clamp(factor(1, n) * brighter(n, c, y, x) + (1 - factor(1, n)) * (means[n] ?? NaN));
    expectClose(
      prepared("color_jitter", { brightness: 0.4, contrast: 0.4, saturation: 0.4 }),
      each((n, c, y, x) => {
        const grey = weights.reduce((sum, weight, channel) => sum + weight * contrasted(n, channel, y, x), 0);
        return clamp(factor(2, n) * contrasted(n, c, y, x) + (1 - factor(2, n)) * grey);
      }),
    );
  });

  test("a rotation turns about the middle and takes the nearest pixel", () => {
    expectClose(
      prepared("random_rotation", { degrees: 25 }),
      each((n, c, y, x) => {
        const angle = ((drawn(0, n) * 2 - 1) * 25 * Math.PI) / 180;
        const [dy, dx] = [y - 2.5, x - 3.5];
        const fromX = Math.floor(dx * Math.cos(angle) - dy * Math.sin(angle) + 4);
        const fromY = Math.floor(dx * Math.sin(angle) + dy * Math.cos(angle) + 3);
        return pixel(n, c, fromY, fromX);
      }),
    );
  });

  test("erasing follows the scaling, a crop in evaluation is the middle, and a mean image is taken away before cropping", () => {
    const erasing = { name: "random_erasing", args: { p: 1, scale: [0.2, 0.2], ratio: [1, 1] } };
    const normalize = { mean: [0.5], std: [0.5] };
    const lines = { augment: [erasing], normalize };
    const values = interpretPreparation({ source: colour, lines, pixels, batch, uniforms });
    // round(sqrt(0.2 * 48)) = 3 pixels a side; black would be -1.
    expect(values.filter((value) => value === 0).length).toBeGreaterThanOrEqual(batch * 3 * 9);
    const crop = { name: "random_crop", args: { size: [4, 4], padding: 0 } };
    const mean = Float32Array.from({ length: 144 }, (_, index) => index / 300);
    const run = { source: colour, lines: { augment: [crop], subtract: "mean_image" as const }, pixels, batch, mean };
    const middle = interpretPreparation({ ...run, training: false });
    expect(middle[5]).toBeCloseTo(pixel(0, 0, 2, 3) - Math.fround((2 * 8 + 3) / 300), 10);
  });

  test("shapes follow the lines, and what cannot be is said", () => {
    const crop = { name: "center_crop", args: { size: [4, 5] } };
    expect(preparedShape(colour.shape, { resize: [9, 9], augment: [crop] })).toEqual([3, 4, 5]);
    const tooLarge = { name: "random_crop", args: { size: [20, 20], padding: 1 } };
    expect(preparationProblem(colour, { augment: [tooLarge] })).toBe(
      "random_crop of 20x20 does not fit images of 6x8 with padding 1",
    );
    expect(preparationProblem(grey, { augment: [], normalize: { mean: [0, 0, 0], std: [1, 1, 1] } })).toBe(
      "normalize gives 3 values for mean, but the images have 1 channels",
    );
    expect(preparationProblem({ ...grey, mixed: true }, { augment: [] })).toContain(
      "needs a line such as `resize 224`",
    );
  });
});
