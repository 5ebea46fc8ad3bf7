import { expect, test } from "@jest/globals";
import { cutBatch } from "../../../compiler/4-fuse/cutBatch.ts";
import { rangesOf } from "../../../runtime/programs.ts";
import { compileText } from "../../support/compileText.ts";
import { networkText } from "../../support/randomSpec.ts";

// 64 numbers of an image are 256 bytes; what the layers give is smaller.
const { graph, plan: whole } = compileText(
  networkText("1 x 8 x 8", "conv(1, kernel: 3) -> relu\nflatten -> linear(3)"),
);

test.each([
  ["the whole batch fits", 4, 1024, undefined],
  ["full slabs, rather than fewer", 8, 3 * 256, { count: 4, rows: 2 }],
  ["as few as can be where none are full", 7, 3 * 256, { count: 3, rows: 3 }],
  ["no more slabs than have a sample", 5, 4 * 256, { count: 2, rows: 3 }],
])("%s", (_, batch, bindingBytes, expected) => {
  expect(cutBatch([graph], batch, bindingBytes)).toEqual(expected);
});

test("kernels are those of one slab, however many there are; each has its place in every one", () => {
  const text = networkText("1 x 8 x 8", "conv(2, kernel: 3) -> batch_norm -> relu\nflatten -> linear(3)");
  const [two, four] = [4, 8].map(
    (batch) => compileText(text, { batch, limits: { maxStorageBufferBindingSize: 600 } }).plan,
  );
  expect([two?.batchSlabs, four?.batchSlabs]).toEqual([
    { count: 2, rows: 2 },
    { count: 4, rows: 2 },
  ]);
  expect(whole.batchSlabs).toBeUndefined();
  // The ring of metrics has the whole batch's length, so that its kernel alone differs.
  const texts = two?.kernels.map(({ wgsl }) => wgsl) ?? [];
  const others = four?.kernels.filter(({ wgsl }) => !texts.includes(wgsl)) ?? [];
  expect(others.map(({ wgsl }) => wgsl.includes("ring_row"))).toEqual([true]);
  for (const { inSlabs, bindings } of four?.training?.dispatches ?? []) {
    for (const binding of bindings) {
      if (binding.slabStep === undefined || four === undefined) continue;
      const ranges = rangesOf(four, binding).map(({ buffer, offset }) => `${buffer} ${offset}`);
      expect([inSlabs, new Set(ranges).size]).toEqual([true, 4]);
    }
  }
});
