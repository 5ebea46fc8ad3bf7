/**
 * Every way that the cost model or `cnnc tune` can take, on the adapter: tiles in workgroup memory, broadcasts within quads, blocks of four
 * channels, Winograd's convolutions, implicit matrix products, and other tiles kernel by kernel give what the plain schedule gives on
 * shapes drawn at random. CNNC_RANDOM_RUNS=100 checks more, CNNC_RANDOM_SEED=7 others.
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Choices } from "../../compiler/ir/choices.ts";
import type { KernelPlan } from "../../compiler/ir/kernel.ts";
import { openDevice } from "../../compiler/node/adapter.ts";
import type { OpenedDevice } from "../../compiler/node/adapter.ts";
import { createNetwork } from "../../runtime/index.ts";
import { imageSize } from "../../runtime/input.ts";
import type { NetworkPlan } from "../../runtime/plan.ts";
import { compileText } from "../support/compileText.ts";
import { testNumbers } from "../support/layerGraph.ts";
import { otherSchedules } from "../../compiler/verify/otherSchedules.ts";
import { differenceOf } from "../support/planChecks.ts";
import { networkText } from "../support/randomSpec.ts";

const seed = Number(process.env["CNNC_RANDOM_SEED"] ?? 11);
const runs = Number(process.env["CNNC_RANDOM_RUNS"] ?? 2);

let opened: OpenedDevice;
/** What the adapter can run: not every one has subgroups. */
const runnable: Choices[] = [{ staged: true }, { packed: true }, { winograd: true }, { implicitGemm: true }];

beforeAll(async () => {
  opened = await openDevice();
  if (opened.device.features.has("subgroups")) runnable.push({ subgroups: true });
});
afterAll(() => {
  opened.device.destroy();
});

/** Gradients, logits and loss of a step. */
async function run(plan: NetworkPlan, count: number): Promise<ReadonlyMap<string, Float32Array>> {
  const network = await createNetwork(plan, { device: opened.device, seed: 3, programs: [] });
  const images = Float32Array.from(testNumbers(count * imageSize(plan), 5));
  const labels = Array.from({ length: count }, (_, n) => (n * 7 + 1) % (plan.outputShape[0] ?? 1));
  const { gradients, images: ofImages = new Float32Array(), loss } = await network.gradients(images, labels);
  network.destroy();
  return new Map([...Object.entries(gradients), ["images", ofImages], ["loss", Float32Array.of(loss)]]);
}

const pair = (min: number, max: number): fc.Arbitrary<readonly [number, number]> =>
  fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));

/** Blocks of four channels are for multiples of four. */
const channels = fc.oneof(fc.integer({ min: 1, max: 7 }), fc.constantFrom(4, 8));

/** One convolution and one linear layer: forward, both gradients of each. */
const layers = fc
  .record({
    groups: fc.constantFrom(1, 1, 2, 3),
    inputs: channels,
    outputs: channels,
    size: pair(7, 13),
    kernel: pair(1, 3),
    stride: pair(1, 2),
    dilation: pair(1, 2),
    padding: pair(0, 2),
    batch: fc.constantFrom(3, 5, 7),
    missing: fc.integer({ min: 0, max: 2 }),
    turn: fc.integer({ min: 1, max: 11 }),
  })
  .map(({ groups, inputs, outputs, size, kernel, stride, dilation, padding, batch, missing, turn }) => ({
    text: networkText(
      `${groups * inputs} x ${size.join(" x ")}`,
      `conv(${groups * outputs}, kernel: (${kernel.join(", ")}), stride: (${stride.join(", ")}), dilation: (${dilation.join(", ")}), padding: (${padding.join(", ")}), groups: ${groups}) -> relu\nflatten -> linear(3)`,
    ),
    batch,
    count: batch - missing,
    turn,
  }));

/** Pooling of each kind over windows that overlap or leave elements out, means and sums of channels, groups and rows. */
const reductions = fc
  .record({
    channels: fc.constantFrom(3, 4, 6, 8),
    size: pair(7, 13),
    pool: fc.constantFrom("max_pool", "avg_pool"),
    kernel: pair(2, 4),
    stride: pair(1, 3),
    padding: pair(0, 1),
    norm: fc.constantFrom("batch_norm", "group_norm(1)", "local_response_norm(3)", "softmax"),
    last: fc.constantFrom("global_avg_pool", "global_max_pool", "adaptive_avg_pool(2)", "avg_pool(2)"),
    batch: fc.constantFrom(3, 5, 7),
    missing: fc.integer({ min: 0, max: 2 }),
    turn: fc.integer({ min: 1, max: 11 }),
  })
  .map(({ channels: inputs, size, pool, kernel, stride, padding, norm, last, batch, missing, turn }) => ({
    text: networkText(
      `${inputs} x ${size.join(" x ")}`,
      `${pool}((${kernel.join(", ")}), stride: (${stride.join(", ")}), padding: (${padding.join(", ")})) -> ${norm} -> tanh -> ${last}\nflatten -> linear(3)`,
    ),
    batch,
    count: batch - missing,
    turn,
  }));

test("convolutions and linear layers of any shape are what the plain schedule makes them", async () => {
  const kernels = await inEveryWay(layers);
  expect(kernels.staged).toBeGreaterThan(2);
  if (opened.device.features.has("subgroups")) expect(kernels.inQuads).toBeGreaterThan(4);
});

test("pooling and reductions of any shape are what the plain schedule makes them", async () => {
  const { otherwise } = await inEveryWay(reductions);
  for (const op of [/_pool(?!_gradient)/, /pool_gradient/, /sum|mean|norm|softmax/])
    expect([...otherwise].some((name) => op.test(name))).toBe(true);
});

interface Covered {
  staged: number;
  inQuads: number;
  /** Names of the kernels whose texts were others than the plain schedule's. */
  readonly otherwise: Set<string>;
}

/** Runs networks by every way and by other schedules of each kernel, and compares gradients and losses with the plain schedule's. */
async function inEveryWay(networks: typeof layers): Promise<Covered> {
  const kernels: Covered = { staged: 0, inQuads: 0, otherwise: new Set() };
  await fc.assert(
    fc.asyncProperty(networks, async ({ text, batch, count, turn }) => {
      const compileWith = (choices: Choices): ReturnType<typeof compileText> =>
        compileText(text, { batch, imageGradient: true, choices });
      const network = compileWith({});
      const plain = await run(network.plan, count);
      const hasSubgroups = opened.device.features.has("subgroups");
      const candidates = { schedules: otherSchedules(network, turn, 12) };
      // Of those with quads the cheapest, too, which all share.
      const inQuads = [0, 1, turn].map((each) => ({ schedules: otherSchedules(network, each, 12, true) }));
      const own = new Set(network.plan.kernels.map(({ wgsl }) => withoutHeading(wgsl)));
      for (const choices of [...runnable, candidates, ...(hasSubgroups ? inQuads : [])]) {
        const shared = compileWith(choices);
        kernels.staged += stagedKernels(shared.training.kernels);
        kernels.inQuads += kernelsInQuads(shared.plan);
        for (const { name, wgsl } of shared.plan.kernels)
          if (!own.has(withoutHeading(wgsl))) kernels.otherwise.add(name);
        const found = await run(shared.plan, count);
        for (const [name, expected] of plain)
          expect([choices, name, differenceOf(found.get(name) ?? new Float32Array(), expected, 1e-3) < 1e-5]).toEqual([
            choices,
            name,
            true,
          ]);
      }
    }),
    { numRuns: runs, seed },
  );
  return kernels;
}

test("loads shared in quads change no bit", async () => {
  if (!opened.device.features.has("subgroups")) return;
  const layersOf = "conv(12, kernel: 3, padding: 1) -> relu -> conv(8, kernel: 5, stride: 2, padding: 2) -> relu";
  const text = networkText("6 x 11 x 10", `${layersOf}\nflatten -> linear(3)`);
  const compileWith = (choices: Choices): ReturnType<typeof compileText> =>
    compileText(text, { batch: 5, imageGradient: true, choices });
  const network = compileWith({});
  let inQuads = 0;
  for (let turn = 0; turn < 4; turn++) {
    const schedules = otherSchedules(network, turn, 12, true);
    const alone = new Map([...schedules].map(([key, { quads: _, ...schedule }]) => [key, schedule]));
    const [shared, plain] = [compileWith({ schedules }), compileWith({ schedules: alone })];
    // A text that is too long without is not taken.
    const tilesOf = ({ training }: typeof shared): readonly unknown[] =>
      training.kernels.kernels.map(({ schedule: { tile, unroll, split } }) => ({ tile, unroll, split }));
    if (JSON.stringify(tilesOf(shared)) !== JSON.stringify(tilesOf(plain))) continue;
    inQuads += kernelsInQuads(shared.plan);
    expect(kernelsInQuads(plain.plan)).toBe(0);
    expect(await run(shared.plan, 4)).toEqual(await run(plain.plan, 4));
  }
  expect(inQuads).toBeGreaterThan(4);
});

/** A kernel's text without its name and the layers that use it. */
function withoutHeading(wgsl: string): string {
  return wgsl.slice(wgsl.indexOf("\n\n"));
}

function stagedKernels({ kernels }: KernelPlan): number {
  return kernels.filter(({ schedule }) => schedule.staged !== undefined).length;
}

function kernelsInQuads({ kernels }: NetworkPlan): number {
  return kernels.filter(({ wgsl }) => wgsl.includes("quadBroadcast")).length;
}
