/**
 * Fused plans against plans of one kernel a node, on the adapter: the same losses and gradients.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { scheduleKey } from "../../compiler/4-fuse/scheduleKernels.ts";
import { typeOf } from "../../compiler/ir/graph.ts";
import { signatureOf } from "../../compiler/ir/kernel.ts";
import type { Schedule, Stage } from "../../compiler/ir/kernel.ts";
import { createNetwork } from "../../runtime/index.ts";
import { imageSize } from "../../runtime/input.ts";
import type { Gradients } from "../../runtime/training.ts";
import { compileText } from "../support/compileText.ts";
import type { TrainableNetwork } from "../support/compileText.ts";
import { testNumbers } from "../support/layerGraph.ts";
import { differenceOf } from "../support/planChecks.ts";
import { networkText } from "../support/randomSpec.ts";
import { openForSuite } from "../support/openForSuite.ts";

const opened = openForSuite();

const batch = 3;

type Run = Gradients & { readonly stepLoss: number };

/** Gradients and a step's loss for each size of batch. Pipelines take long to compile on a software adapter: once is enough. */
async function run({ plan }: TrainableNetwork, counts: readonly number[]): Promise<readonly Run[]> {
  const network = await createNetwork(plan, { device: opened.device, seed: 3, programs: ["training"] });
  const classes = plan.outputShape[0] ?? 1;
  const runs: Run[] = [];
  for (const count of counts) {
    const images = Float32Array.from(testNumbers(count * imageSize(plan), 5));
    const labels = Array.from({ length: count }, (_, n) => (n * 7 + 1) % classes);
    const gradients = await network.gradients(images, labels);
    const { loss } = await network.trainStep(images, labels).metrics();
    runs.push({ ...gradients, stepLoss: loss });
  }
  network.destroy();
  return runs;
}

function expectClose(name: string, actual: Float32Array | undefined, expected: Float32Array | undefined): void {
  expect([name, actual?.length]).toEqual([name, expected?.length]);
  const difference = differenceOf(actual ?? new Float32Array(), expected ?? new Float32Array(), 1e-3);
  expect([name, difference <= 1e-5 ? "close" : difference]).toEqual([name, "close"]);
}

function spec(name: string): string {
  return readFileSync(join(import.meta.dirname, `../../specs/${name}.cnn`), "utf8");
}

describe("fused and unfused kernels give the same loss and gradients", () => {
  test.each([
    ["lenet", spec("lenet")],
    ["mnist_cnn", spec("mnist_cnn")],
    ["batch norm", networkText("2 x 6 x 6", "conv(3, kernel: 3, bias: false) -> batch_norm -> relu -> max_pool(2)\nflatten -> linear(3)")],
    ["branches and a sum", networkText("2 x 5 x 5", "concat { branch { conv(2, kernel: 1) -> relu } branch { max_pool(3, stride: 1, padding: 1) } } as x\nadd { branch { conv(4, kernel: 3, padding: 1) -> tanh } branch { from x } }\nflatten -> linear(3)")],
  ])("%s", async (_, text) => {
    const options = { batch, keepLogits: true, imageGradient: true };
    const [fused, unfused] = [compileText(text, options), compileText(text, { ...options, fuse: false })];
    expect(fused.plan.training?.dispatches.length).toBeLessThan(unfused.plan.training?.dispatches.length ?? 0);
    const [ours, theirs] = [await run(fused, [batch, 2]), await run(unfused, [batch, 2])];
    for (const [index, expected] of theirs.entries()) {
      const actual = ours[index];
      expect(Math.abs((actual?.loss ?? NaN) - expected.loss)).toBeLessThan(1e-5 * expected.loss);
      expect(Math.abs((actual?.stepLoss ?? NaN) - expected.stepLoss)).toBeLessThan(1e-5 * expected.stepLoss);
      for (const [name, gradient] of Object.entries(expected.gradients)) expectClose(name, actual?.gradients[name], gradient);
      for (const [name, state] of Object.entries(expected.states)) expectClose(name, actual?.states[name], state);
      expectClose("images", actual?.images, expected.images);
      expectClose("logits", actual?.logits, expected.logits);
    }
  }, 120_000); // prettier-ignore
});

test("Winograd's filtering and matrix products give the same step, on images of odd sizes", async () => {
  const body =
    "conv(4, kernel: 3, padding: 1) -> relu -> conv(3, kernel: 2, padding: 1) -> tanh -> conv(9, kernel: 1)\n" +
    "conv(3, kernel: 3) -> relu -> max_pool(2) -> flatten -> linear(3)";
  const text = networkText("2 x 7 x 5", body);
  const options = { batch, imageGradient: true };
  const choices = { winograd: true, implicitGemm: true };
  const stagesOf = ({ training }: TrainableNetwork): readonly Stage[] =>
    training.kernels.kernels.flatMap((kernel) => kernel.stages);
  const found = compileText(text, { ...options, choices });
  expect(stagesOf(found).filter(({ op }) => op === "winograd_products")).toHaveLength(4);
  // Tiles of four pixels in rows of six: they go on from one row to the next.
  const schedules = new Map(
    found.training.kernels.kernels.flatMap((kernel): readonly (readonly [string, Schedule])[] => {
      const pixel = kernel.stages[0]?.computation.axes[2];
      if (pixel?.rows === undefined) return [];
      const signature = signatureOf(kernel, (value) => typeOf(found.training.kernels.types, value));
      return [[scheduleKey(signature, false), { ...kernel.schedule, tile: { ...kernel.schedule.tile, p: 4 } }]];
    }),
  );
  expect(schedules.size).toBe(2);
  const crossing = compileText(text, { ...options, choices: { ...choices, schedules } });
  expect(crossing.training.kernels.kernels.filter(({ schedule }) => schedule.tile["p"] === 4).length).toBeGreaterThan(
    1,
  );
  const [ours, theirs] = [await run(crossing, [batch, 2]), await run(compileText(text, options), [batch, 2])];
  for (const [index, expected] of theirs.entries()) {
    const actual = ours[index];
    expect(Math.abs((actual?.stepLoss ?? NaN) - expected.stepLoss)).toBeLessThan(1e-5);
    for (const [name, gradient] of Object.entries(expected.gradients))
      expectClose(name, actual?.gradients[name], gradient);
    expectClose("images", actual?.images, expected.images);
  }
}, 120_000);

test("activations in blocks of four channels give the same step, on images of odd sizes", async () => {
  const body =
    "concat { branch { conv(4, kernel: 1) -> relu } branch { conv(8, kernel: 3, padding: 1) } }\n" +
    "max_pool(2) -> conv(8, kernel: (1, 2)) -> tanh -> global_avg_pool -> flatten -> linear(3)";
  const text = networkText("2 x 7 x 5", body);
  const packed = compileText(text, { batch, choices: { packed: true } });
  expect([...packed.training.kernels.types.values()].filter((type) => type.packed === true).length).toBeGreaterThan(3);
  const [[ours], [theirs]] = [await run(packed, [batch]), await run(compileText(text, { batch }), [batch])];
  expect(Math.abs((ours?.stepLoss ?? NaN) - (theirs?.stepLoss ?? NaN))).toBeLessThan(1e-5);
  for (const [name, gradient] of Object.entries(theirs?.gradients ?? {}))
    expectClose(name, ours?.gradients[name], gradient);
}, 120_000);

test("half the memory: the same losses and gradients, dropout's draws included", async () => {
  const body =
    "repeat 4 { conv(4, kernel: 3, padding: 1, bias: false) -> batch_norm -> relu } max_pool(2) -> dropout(0.4)\n" +
    "repeat 2 { resblock(4) } flatten -> linear(3)";
  const text = networkText("2 x 6 x 6", body);
  const options = { batch, keepLogits: true, imageGradient: true };
  const half = compileText(text.replace(/train (\w+) \{/, "train $1 {\n  memory 0.5"), options);
  expect(half.recomputation?.work).toBeGreaterThan(0);
  const [[ours], [theirs]] = [await run(half, [batch]), await run(compileText(text, options), [batch])];
  expect(Math.abs((ours?.stepLoss ?? NaN) - (theirs?.stepLoss ?? NaN))).toBeLessThan(1e-5);
  expect(Object.keys(ours?.gradients ?? {}).length).toBeGreaterThan(10);
  for (const name of Object.keys(theirs?.gradients ?? {}))
    expectClose(name, ours?.gradients[name], theirs?.gradients[name]);
});

describe("a batch in slabs gives the loss, gradients and predictions of the whole one", () => {
  test.each([
    ["images in one piece", "2 x 8 x 8", 2048, "conv(4, kernel: 3, bias: false) -> batch_norm -> relu -> dropout(0.3)"],
    [
      "each slab's images for themselves",
      "1 x 5 x 5",
      400,
      "conv(4, kernel: 3, bias: false) -> batch_norm -> relu -> dropout(0.3)",
    ],
    [
      "gradients in their activations' places",
      "2 x 8 x 8",
      2048,
      "conv(4, kernel: 3, padding: 1) -> sigmoid -> conv(2, kernel: 3) -> tanh",
    ],
  ])("%s", async (_, input, limit, layers) => {
    const text = networkText(input, `${layers}\nflatten -> linear(3)`);
    const options = { batch: 6, imageGradient: true, keepLogits: true } as const;
    const whole = compileText(text, options);
    const cut = compileText(text, { ...options, limits: { maxStorageBufferBindingSize: limit } });
    expect(cut.plan.batchSlabs?.count).toBeGreaterThan(1);
    expect(cut.training.memory.inPlaceOf.size).toBe(whole.training.memory.inPlaceOf.size);
    // A last slab that is full, one that is not, and slabs without a sample.
    const counts = [6, 5, 1];
    const [expected, actual] = [await run(whole, counts), await run(cut, counts)];
    expect(actual).toHaveLength(counts.length);
    for (const [index, wanted] of expected.entries()) {
      const found = actual[index] as Run;
      expect(found.stepLoss).toBeCloseTo(wanted.stepLoss, 5);
      expect(found.accuracy).toBeCloseTo(wanted.accuracy, 6);
      expectClose("images", found.images, wanted.images);
      expectClose("logits", found.logits, wanted.logits);
      for (const [name, values] of [...Object.entries(wanted.gradients), ...Object.entries(wanted.states)])
        expectClose(name, { ...found.gradients, ...found.states }[name], values);
    }
    const images = Float32Array.from(testNumbers(5 * imageSize(whole.plan), 9));
    const [predicted, cutPredicted] = await Promise.all([whole, cut].map((each) => predict(each, images)));
    expectClose("predictions", cutPredicted, predicted);
  });
});

test("slabs that are submitted apart give the very same numbers", async () => {
  const text = networkText("2 x 8 x 8", "conv(4, kernel: 3, bias: false) -> batch_norm -> relu\nflatten -> linear(3)");
  const cut = compileText(text, { batch: 6, limits: { maxStorageBufferBindingSize: 1024 } });
  const runs = cut.plan.batchSlabs?.count ?? 0;
  expect(runs).toBeGreaterThan(2);
  const dispatches = cut.plan.training!.dispatches.map((each) =>
    each.inSlabs ? { ...each, slabsPerSubmit: 2 } : each,
  );
  const apart = { ...cut.plan, training: { ...cut.plan.training!, dispatches } };
  const outcomes = await Promise.all(
    [cut.plan, apart].map(async (plan) => {
      const network = await createNetwork(plan, { device: opened.device, seed: 3 });
      const images = Float32Array.from(testNumbers(5 * imageSize(plan), 9));
      const before = network.stats().submits;
      const { loss } = await network.trainStep(images, [0, 1, 2, 0, 1]).metrics();
      const submits = network.stats().submits - before;
      const { gradients } = await network.gradients(images, [0, 1, 2, 0, 1]);
      network.destroy();
      return { loss, gradients, submits };
    }),
  );
  const [together, inParts] = outcomes as [(typeof outcomes)[0], (typeof outcomes)[0]];
  expect(inParts.submits).toBeGreaterThan(together.submits + 2);
  expect({ ...inParts, submits: 0 }).toEqual({ ...together, submits: 0 });
});

async function predict({ plan }: TrainableNetwork, images: Float32Array<ArrayBuffer>): Promise<Float32Array> {
  const network = await createNetwork(plan, { device: opened.device, seed: 3, programs: ["inference"] });
  const logits = await network.predict(images);
  network.destroy();
  return logits;
}
