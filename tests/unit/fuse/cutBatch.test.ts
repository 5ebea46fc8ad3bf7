import { expect, test } from "@jest/globals";
import { cutBatch } from "../../../compiler/4-fuse/cutBatch.ts";
import { workOf } from "../../../compiler/ir/kernel.ts";
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
  expect(cutBatch(graph, undefined, batch, { bindingBytes, adapterClass: "cpu" })).toEqual(expected);
});

// 512 * 512 * 9 * 64 = 151 million multiply-adds for an image: thirteen make two billion.
const heavy = networkText("512 x 8 x 8", "conv(512, kernel: 3, padding: 1) -> relu\nflatten -> linear(3)");

test.each([
  ["cpu", 13, undefined],
  ["cpu", 14, { count: 2, rows: 7 }],
  ["cpu", 32, { count: 4, rows: 8 }],
  ["gpu", 32, undefined],
] as const)("a kernel runs for seconds at most (%s, batch %i)", (adapterClass, batch, expected) => {
  const { plan, training } = compileText(heavy, { batch, adapterClass });
  expect(plan.batchSlabs).toEqual(expected);
  const longest = Math.max(...(training?.kernels.kernels ?? []).map(workOf));
  expect(longest).toBeGreaterThan(1e9);
  if (adapterClass === "cpu") expect(longest).toBeLessThanOrEqual(2e9);
});

// Four images of 784 numbers have a multiple of 256 bytes, as have 64 of 729; a layer has two billion multiply-adds for one of either.
test.each([
  ["slabs in one piece rather than short ones", [1, 28, 28], 8, {}, { count: 2, rows: 4 }, true],
  ["a batch that is no more than such a slab", [1, 28, 28], 4, {}, undefined, true],
  [
    "short ones where a binding holds no such slab",
    [1, 27, 27],
    3,
    { maxStorageBufferBindingSize: 2e7 },
    { count: 3, rows: 1 },
    false,
  ],
] as const)("images are prepared on the device: %s", (_, shape, batch, limits, expected, isPrepared) => {
  const layers = "repeat 2 { conv(512, kernel: 3, padding: 1) -> relu }\nflatten -> linear(3)";
  const imageSource = { shape, dtype: "u8", mixed: false } as const;
  const { plan } = compileText(networkText(shape.join(" x "), layers), { batch, limits, imageSource });
  expect([plan.batchSlabs, plan.preparation !== undefined]).toEqual([expected, isPrepared]);
});

test("a batch of single images is cut no further", () => {
  const { plan } = compileText(heavy.replace("512 x 8 x 8", "512 x 64 x 64"), { batch: 3 });
  expect(plan.batchSlabs).toEqual({ count: 3, rows: 1 });
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
