/** Blocks of four channels: which values are stored so, and where their elements lie. */
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { constantAffine, packedAffine, rangeOf, variableAffine } from "../../../compiler/ir/affine.ts";
import { compileText } from "../../support/compileText.ts";
import { networkText } from "../../support/randomSpec.ts";

/** The channels of the values that a step stores, of those in blocks and of the others. */
function storedChannels(body: string, packed: boolean): { readonly inBlocks: number[]; readonly inRows: number[] } {
  const { training } = compileText(networkText("4 x 6 x 6", body), { batch: 2, choices: { packed } });
  const { kernels, types } = training.kernels;
  const values = new Set(
    kernels.flatMap(({ stages }) => stages.flatMap((each) => (each.stored ? [each.slice?.of ?? each.value] : []))),
  );
  const images = [...values]
    .flatMap((value) => types.get(value) ?? [])
    .filter(({ batched, shape }) => batched && shape.length === 3);
  const channels = (isPacked: boolean): number[] =>
    images.filter((type) => (type.packed === true) === isPacked).map(({ shape: [count = 0] }) => count);
  return { inBlocks: channels(true), inRows: channels(false) };
}

test("images of a multiple of four channels are packed, unless they are read as vectors", () => {
  const body =
    "conv(8, kernel: 3) -> tanh -> conv(6, kernel: 3) -> tanh -> conv(4, kernel: 1) -> tanh -> flatten -> linear(3)";
  const { inBlocks, inRows } = storedChannels(body, true);
  expect(inBlocks.length).toBeGreaterThan(1);
  // The last one is flattened; its gradient is not.
  expect([...new Set(inBlocks)].sort()).toEqual([4, 8]);
  expect([...new Set(inRows)].sort()).toEqual([4, 6]);
  expect(storedChannels(body, false).inBlocks).toEqual([]);
});

test("what is joined is packed where every part begins and ends with a block", () => {
  const join = (first: number, second: number): string =>
    `concat { branch { conv(${first}, kernel: 1) -> tanh } branch { conv(${second}, kernel: 3, padding: 1) -> tanh } }\nconv(5, kernel: 3) -> global_avg_pool -> flatten -> linear(3)`;
  expect(storedChannels(join(4, 8), true).inBlocks).toContain(12);
  expect(storedChannels(join(6, 6), true).inRows).toContain(12);
});

test("every element has a place of its own, four channels of a pixel beside each other", () => {
  const size = fc.integer({ min: 1, max: 5 });
  fc.assert(
    fc.property(size, size, size, size, (batch, blocks, height, width) => {
      const extents = [batch, blocks * 4, height, width];
      const places = new Set<number>();
      for (let n = 0; n < batch; n++)
        for (let c = 0; c < blocks * 4; c++)
          for (let y = 0; y < height; y++)
            for (let x = 0; x < width; x++) {
              const { terms, constant } = packedAffine([n, c, y, x].map(constantAffine), extents, new Map());
              expect(terms).toEqual([]);
              expect(constant).toBe((((n * blocks + Math.floor(c / 4)) * height + y) * width + x) * 4 + (c % 4));
              places.add(constant);
            }
      expect(places.size).toBe(batch * blocks * 4 * height * width);
    }),
    { numRuns: 8, seed: 4 },
  );
  // In a tile of four channels the lane is known when the kernel is compiled, and vectors form.
  const ranges = new Map([["c_tile", { low: 0, high: 2 }]]);
  const position = [constantAffine(0), variableAffine("c_tile", 4, 3), constantAffine(1), constantAffine(0)];
  const at = packedAffine(position, [1, 12, 2, 5], ranges);
  expect([at.constant % 4, at.terms.map(({ coefficient }) => coefficient)]).toEqual([3, [40]]);
  expect(rangeOf(at, ranges)).toEqual({ low: 23, high: 103 });
});
