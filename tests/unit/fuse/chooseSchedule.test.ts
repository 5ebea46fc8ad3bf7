import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { chooseSchedule, constraintsOf } from "../../../compiler/4-fuse/chooseSchedule.ts";
import { loadPattern, writtenShare } from "../../../compiler/4-fuse/loadPattern.ts";
import type { ScheduleOptions } from "../../../compiler/4-fuse/chooseSchedule.ts";
import { layoutsOf } from "../../../compiler/ir/tiles.ts";
import type { Kernel } from "../../../compiler/ir/kernel.ts";
import { assertTiles } from "../../support/interpretKernels.ts";
import { compileText } from "../../support/compileText.ts";
import { networkText } from "../../support/randomSpec.ts";

/** Every kernel of a network's training step and of its inference. */
function kernelsOf(input: string, body: string, batch = 4): readonly Kernel[] {
  const { training, inference } = compileText(networkText(input, body), { batch });
  return [...training.kernels.kernels, ...inference.kernels.kernels];
}

const body =
  "conv(6, kernel: 3, padding: 1) -> relu -> max_pool(2)\nconv(8, kernel: 3) -> batch_norm -> relu\nflatten -> linear(20) -> relu -> linear(3)";
const kernels = kernelsOf("3 x 11 x 10", body); // prettier-ignore
const cpu: ScheduleOptions = { adapterClass: "cpu", splittable: false, lineBudget: 300 };

describe("a schedule", () => {
  test.each([
    ["few lanes", cpu],
    ["many lanes", { ...cpu, adapterClass: "gpu", lineBudget: 1200 }],
    ["hardly any text", { ...cpu, lineBudget: 20 }],
  ] as const)("keeps what the stages ask of the tiles: %s", (_, options) => {
    for (const kernel of kernels) {
      const schedule = chooseSchedule(kernel, options);
      for (const [name, { multipleOf, full }] of constraintsOf(layoutsOf(kernel))) {
        const axis = kernel.stages[0]?.computation.axes.find((each) => each.name === name);
        const tile = schedule.tile[name] ?? 1;
        if (full) expect(tile).toBe(axis?.extent);
        else expect(tile % multipleOf).toBe(0);
      }
      expect(() => {
        assertTiles({ ...kernel, schedule });
      }).not.toThrow();
    }
  });

  test("unrolls whole axes from the inside, and never the batch", () => {
    for (const kernel of kernels) {
      const root = kernel.stages[0]?.computation.body;
      if (root?.kind !== "reduce") continue;
      const { unroll } = chooseSchedule(kernel, cpu);
      let whole = true;
      for (const axis of [...root.over].reverse()) {
        const factor = unroll[axis.name] ?? 1;
        expect(axis.extent % factor).toBe(0);
        if (axis.batch === true || !whole) expect(factor).toBe(1);
        whole &&= factor === axis.extent;
      }
    }
  });

  test("holds whole rows of a padded convolution, whose taps outside are known; not at the cost of its channels", () => {
    const tileOf = (size: number): Readonly<Record<string, number>> => {
      const [conv] = kernelsOf(
        `16 x ${size} x ${size}`,
        "conv(16, kernel: 3, padding: 1) -> relu\nflatten -> linear(3)",
        64,
      );
      if (conv === undefined) throw new Error("no kernel");
      return chooseSchedule(conv, { ...cpu, lineBudget: 264 }).tile;
    };
    expect(tileOf(12)).toMatchObject({ x: 12 });
    expect(tileOf(32)["c"]).toBeGreaterThan(1);
  });

  test("knows which multiply-adds are not written: taps in the padding of a plane held whole, and those between strides", () => {
    const shareOf = (kernel: Kernel | undefined, steps: readonly number[]): number => {
      const root = kernel?.stages[0]?.computation;
      if (root?.body.kind !== "reduce") throw new Error("no reduction");
      return writtenShare(loadPattern(root.body.value, root.axes, root.body.over), steps);
    };
    const [conv] = kernelsOf("2 x 4 x 4", "conv(3, kernel: 3, padding: 1)\nflatten -> linear(3)");
    // Axes n, c, y, x; then channels and taps. Of four rows and three taps a row, two taps lie outside.
    expect(shareOf(conv, [1, 1, 4, 4, 1, 3, 3])).toBeCloseTo((10 * 10) / (12 * 12));
    expect(shareOf(conv, [1, 1, 1, 4, 1, 1, 3])).toBeCloseTo(10 / 12);
    expect(shareOf(conv, [1, 1, 2, 2, 1, 3, 3])).toBe(1);
    // Two outputs a row, three taps each, of which one of the first lies outside.
    const strided = kernelsOf(
      "2 x 4 x 4",
      "conv(2, kernel: 1) -> conv(3, kernel: 3, stride: 2, padding: 1)\nflatten -> linear(3)",
    ).find(({ stages }) => stages[0]?.op === "conv_input_gradient");
    expect(shareOf(strided, [1, 1, 4, 4, 1, 3, 3])).toBeCloseTo((5 * 5) / (12 * 12));
    expect(shareOf(strided, [1, 1, 2, 2, 1, 3, 3])).toBeCloseTo(1 / 4);
    expect(shareOf(strided, [1, 1, 2, 2, 1, 1, 3])).toBeCloseTo(1 / 2);
  });

  test("is shorter where less text is allowed", () => {
    const work = (kernel: Kernel, lineBudget: number): number => {
      const { tile, unroll } = chooseSchedule(kernel, { ...cpu, lineBudget });
      return [...Object.values(tile), ...Object.values(unroll)].reduce((product, each) => product * each, 1);
    };
    const total = (lineBudget: number): number => kernels.reduce((sum, kernel) => sum + work(kernel, lineBudget), 0);
    expect(total(40)).toBeLessThan(total(300));
    for (const kernel of kernels.filter((each) => each.stages[0]?.computation.body.kind === "reduce")) {
      expect(work(kernel, 100)).toBeLessThanOrEqual(Math.max(100, work(kernel, 1)));
    }
  });

  test("is the same for the same kernel", () => {
    for (const kernel of kernels) expect(chooseSchedule(kernel, cpu)).toEqual(chooseSchedule(kernel, cpu));
  });
});

describe("a split", () => {
  const gradients = kernelsOf("3 x 11 x 10", body, 64).filter(({ stages }) => stages[0]?.op === "conv_weight_gradient");

  test("cuts the batch of few long sums, where a later kernel adds the parts", () => {
    expect(gradients.length).toBeGreaterThan(0);
    for (const kernel of gradients) {
      const { split } = chooseSchedule(kernel, { ...cpu, splittable: true });
      expect(split?.axis).toBe("n");
      expect(split?.parts).toBeGreaterThan(1);
      expect(split?.parts).toBeLessThanOrEqual(64);
    }
  });

  test("is made nowhere else", () => {
    for (const kernel of [...kernels, ...gradients]) expect(chooseSchedule(kernel, cpu).split).toBeUndefined();
    const linear = kernelsOf("20", "linear(10) -> relu -> linear(3)").find(
      ({ stages }) => stages[0]?.op === "linear_weight_gradient",
    );
    if (linear === undefined) throw new Error("no linear layer");
    // Its only sum is the batch, which is short.
    expect(chooseSchedule(linear, { ...cpu, splittable: true }).split).toBeUndefined();
  });
});

test("any budget gives a schedule whose tiles fit", () => {
  fc.assert(
    fc.property(fc.constantFrom(...kernels), fc.integer({ min: 1, max: 2000 }), fc.boolean(), (kernel, lineBudget, gpu) => {
      const schedule = chooseSchedule(kernel, { adapterClass: gpu ? "gpu" : "cpu", splittable: false, lineBudget });
      for (const axis of kernel.stages[0]?.computation.axes ?? []) {
        const tile = schedule.tile[axis.name] ?? 1;
        expect(Number.isInteger(tile) && tile >= 1).toBe(true);
      }
      expect(schedule.workgroupSize).toBe(64);
      expect(() => {
        assertTiles({ ...kernel, schedule });
      }).not.toThrow();
    }),
    { numRuns: 30, seed: 6 },
  );
}); // prettier-ignore
