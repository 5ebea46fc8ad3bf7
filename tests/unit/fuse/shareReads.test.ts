/**
 * Schedules by which invocations share what they read, without an adapter: in every kernel of random networks what is read lies in
 * workgroup memory, and Dawn accepts the text. tests/runtime/schedules.test.ts has what they compute.
 */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { scheduleKey } from "../../../compiler/4-fuse/scheduleKernels.ts";
import { stagedSchedules, stagingFits } from "../../../compiler/4-fuse/shareReads.ts";
import { typeOf } from "../../../compiler/ir/graph.ts";
import { namedValue } from "../../../compiler/ir/kernel.ts";
import type { Kernel, KernelPlan, Schedule } from "../../../compiler/ir/kernel.ts";
import type { CompiledNetwork } from "../../../compiler/ir/output.ts";
import type { Load } from "../../../compiler/ir/expression.ts";
import { assertStaging } from "../../support/assertStaging.ts";
import { compileFitting, compileText } from "../../support/compileText.ts";
import { networkText, randomNetwork } from "../../support/randomSpec.ts";
import { openWgslValidator } from "../../support/validateWgsl.ts";
import type { WgslValidator } from "../../support/validateWgsl.ts";

let validator: WgslValidator;
beforeAll(async () => {
  validator = await openWgslValidator(["subgroups"]);
});
afterAll(() => {
  validator.destroy();
});

function isFloatIn({ types, scratch }: KernelPlan): (load: Load) => boolean {
  const all = new Map([...types, ...scratch]);
  return ({ from }) => typeOf(all, namedValue(from)).dtype === "f32";
}

describe("random networks", () => {
  test("read nothing beside their boxes, and Dawn accepts their kernels", async () => {
    const counts = { boxes: 0, quads: 0, chosen: 0 };
    const checkQuads = async ({ plan }: Pick<CompiledNetwork, "plan">): Promise<void> => {
      const shared = plan.kernels.filter(({ wgsl }) => wgsl.includes("quadBroadcast"));
      counts.quads += shared.length;
      // Loads that are not equally far apart.
      counts.chosen += shared.filter(({ wgsl }) => wgsl.includes("let shift0 = ")).length;
      expect(plan.requiredFeatures).toEqual(shared.length > 0 ? ["subgroups"] : undefined);
      for (const { name, wgsl } of shared) expect(await validator.problemsOf(name, wgsl)).toEqual([]);
    };
    await fc.assert(
      fc.asyncProperty(randomNetwork, fc.nat(1000), async ({ text, options }, draw) => {
        const staged = compileFitting(text, { ...options, choices: { staged: true } });
        for (const { kernels } of [staged.training, staged.inference]) {
          for (const kernel of kernels.kernels.filter(({ schedule }) => schedule.staged !== undefined)) {
            counts.boxes += assertStaging(kernel, isFloatIn(kernels));
            // Another way of the same kernel, not only the cheapest.
            const all = stagedSchedules(kernel, kernel.schedule, isFloatIn(kernels));
            const other = all[draw % all.length] as Schedule;
            assertStaging({ ...kernel, schedule: other }, isFloatIn(kernels));
            expect(stagingFits(kernel, other)).toBe(true);
          }
        }
        for (const { name, wgsl } of staged.plan.kernels) expect(await validator.problemsOf(name, wgsl)).toEqual([]);
        await checkQuads(compileFitting(text, { ...options, choices: { subgroups: true } }));
      }),
      { numRuns: 4, seed: 4 },
    );
    // Windows of rows that no fours fill.
    const layers = "conv(8, kernel: 5) -> max_pool(2) -> relu -> conv(16, kernel: 3) -> relu\nflatten -> linear(10)";
    await checkQuads(compileText(networkText("1 x 16 x 16", layers), { batch: 8, choices: { subgroups: true } }));
    expect(counts.boxes).toBeGreaterThan(10);
    expect(counts.quads).toBeGreaterThan(5);
    expect(counts.chosen).toBeGreaterThan(2);
  }, 120_000);
});

describe("a schedule from elsewhere", () => {
  const text = networkText("4 x 9 x 9", "conv(8, kernel: 3, padding: 1) -> relu\nflatten -> linear(3)");
  const plain = compileText(text, { batch: 3 });
  const kernel = plain.training.kernels.kernels.find(({ stages }) => stages[0]?.op === "conv") as Kernel;
  const [staged] = stagedSchedules(kernel, kernel.schedule, isFloatIn(plain.training.kernels)) as [Schedule];
  const key = scheduleKey(plain.training.kernels.signatures!.get(kernel.stages)!, false);
  const scheduleGiven = (schedule: Schedule): Schedule | undefined => {
    const { training } = compileText(text, { batch: 3, choices: { schedules: new Map([[key, schedule]]) } });
    return training.kernels.kernels.find(({ stages }) => stages[0]?.op === "conv")?.schedule;
  };

  test("is taken where it fits", () => {
    expect(scheduleGiven(staged)).toEqual(staged);
  });

  test.each<[string, Partial<Schedule>]>([
    ["a block that is no workgroup", { workgroupSize: 128 }],
    ["a block of more invocations than a workgroup may have", { workgroupSize: 512, staged: { ...staged.staged!, group: { y: 512 } } }],
    ["an axis that the kernel lacks", { staged: { ...staged.staged!, group: { z: staged.workgroupSize } } }],
    ["chunks of no whole steps", { unroll: { ...kernel.schedule.unroll, ic: 2 }, staged: { ...staged.staged!, chunk: { ic: 3, ky: 3, kx: 3 } } }],
    ["a chunk longer than its axis", { staged: { ...staged.staged!, chunk: { ic: 8, ky: 3, kx: 3 } } }],
    ["no chunk", { staged: { ...staged.staged!, chunk: {} } }],
  ])("is left aside with %s", (_, change) => {
    expect(scheduleGiven({ ...staged, ...change })).toEqual(kernel.schedule);
  }); // prettier-ignore

  test("is left aside where its boxes are larger than workgroup memory", () => {
    const large = compileText(networkText("256 x 9 x 9", "conv(64, kernel: 3, padding: 1)\nflatten -> linear(3)"));
    const found = large.training.kernels.kernels.find(({ stages }) => stages[0]?.op === "conv") as Kernel;
    const { tile } = found.schedule;
    const group = { c: Math.min(16, 64 / (tile["c"] ?? 1)) };
    const whole = { group, chunk: { ic: 256, ky: 3, kx: 3 } };
    expect(stagingFits(found, { ...found.schedule, workgroupSize: group.c, staged: whole })).toBe(false);
    const small = { group, chunk: { ic: 4, ky: 3, kx: 3 } };
    expect(stagingFits(found, { ...found.schedule, workgroupSize: group.c, staged: small })).toBe(true);
  });
});
