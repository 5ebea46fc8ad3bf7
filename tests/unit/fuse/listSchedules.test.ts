import { describe, expect, test } from "@jest/globals";
import { fitsKernel, listSchedules, scheduleText, variantsOf } from "../../../compiler/4-fuse/listSchedules.ts";
import { chooseSchedule } from "../../../compiler/4-fuse/chooseSchedule.ts";
import type { ScheduleOptions } from "../../../compiler/4-fuse/chooseSchedule.ts";
import { scheduleKey } from "../../../compiler/4-fuse/scheduleKernels.ts";
import type { CompileOptions } from "../../../compiler/compile.ts";
import type { Schedule, ScheduleRequest } from "../../../compiler/ir/kernel.ts";
import { networkUnits } from "../../../compiler/tune/networkUnits.ts";
import { createCandidates } from "../../../compiler/tune/candidates.ts";
import { compileText } from "../../support/compileText.ts";
import { assertTiles } from "../../support/interpretKernels.ts";
import { networkText } from "../../support/randomSpec.ts";

const body =
  "conv(6, kernel: 3, padding: 1) -> relu -> max_pool(2)\nconv(8, kernel: 3, stride: 2) -> batch_norm -> relu\nflatten -> linear(20) -> relu -> linear(3)";
const text = networkText("3 x 11 x 10", body);
const compiled = (choices: CompileOptions["choices"] = {}): ReturnType<typeof compileText> =>
  compileText(text, { batch: 6, choices });
const plain = compiled();
const units = [...networkUnits(plain).values()];
const optionsOf = ({ splittable, lineBudget }: ScheduleRequest): ScheduleOptions => ({
  adapterClass: "cpu",
  splittable,
  lineBudget,
});

describe("the schedules of a kernel that are worth measuring", () => {
  test("are distinct, the cost model's own first, and all fit the kernel", () => {
    let most = 0;
    for (const { request } of units) {
      const options = optionsOf(request);
      const listed = listSchedules(request.kernel, options, 12);
      expect(listed[0]).toEqual(chooseSchedule(request.kernel, options));
      expect(new Set(listed.map(scheduleText)).size).toBe(listed.length);
      expect(listed.length).toBeLessThanOrEqual(12);
      for (const schedule of listed) {
        expect(fitsKernel(schedule, request.kernel, options)).toBe(true);
        assertTiles({ ...request.kernel, schedule });
      }
      most = Math.max(most, listed.length);
    }
    expect(most).toBe(12);
  });

  test("have variants in workgroups, and in parts where the sum is split", () => {
    const whole: Schedule = { tile: { n: 1 }, unroll: {}, workgroupSize: 64 };
    expect(variantsOf(whole, 8).map(({ workgroupSize }) => workgroupSize)).toEqual([32, 128, 256]);
    const inParts = variantsOf({ ...whole, split: { axis: "n", parts: 4 } }, 6);
    expect(inParts.map(({ split }) => split?.parts)).toEqual([2, 4, 4, 4]);
  });

  test("come in turn, each once, until none is left; a sum in parts stays one", () => {
    for (const { request, schedule, dispatches } of units) {
      const isCut = dispatches.length > 1;
      const candidates = createCandidates(request, schedule, {
        adapterClass: "cpu",
        hasSubgroups: true,
        software: false,
      });
      const seen: string[] = [];
      for (let next = candidates.next(undefined); next !== undefined; next = candidates.next(next)) {
        seen.push(scheduleText(next));
        if (isCut) expect(next.split).toBeDefined();
        expect(fitsKernel(next, request.kernel, optionsOf(request))).toBe(true);
      }
      expect(new Set(seen).size).toBe(seen.length);
    }
  });

  test("share loads in quads along each axis where the device can, and in none where it cannot", () => {
    const { request, schedule } = units.find(({ label }) => label.startsWith("conv1")) ?? {};
    if (request === undefined || schedule === undefined) throw new Error("no convolution");
    const axesOf = (hasSubgroups: boolean, own = schedule): readonly (string | undefined)[] => {
      const candidates = createCandidates(request, own, { adapterClass: "cpu", hasSubgroups, software: true });
      const found: (string | undefined)[] = [];
      for (let next = candidates.next(undefined); next !== undefined; next = candidates.next(undefined))
        found.push(next.quads);
      return found;
    };
    expect(new Set(axesOf(false))).toEqual(new Set([undefined]));
    expect(new Set(axesOf(true))).toEqual(new Set([undefined, "c", "y", "x"]));
    expect(new Set(axesOf(true, { ...schedule, quads: "c" }))).toEqual(new Set([undefined, "c", "y", "x"]));
  });
});

describe("a schedule from elsewhere", () => {
  const unit = units.find(({ label }) => label.startsWith("conv1")) ?? units[0];
  if (unit === undefined) throw new Error("no kernel");
  const { kernel } = unit.request;
  const own = chooseSchedule(kernel, optionsOf(unit.request));
  const fits = (change: Partial<Schedule>): boolean =>
    fitsKernel({ ...own, ...change }, kernel, optionsOf(unit.request));
  const [over] = kernel.stages[0]?.computation.body.kind === "reduce" ? kernel.stages[0].computation.body.over : [];

  test.each<[string, Partial<Schedule>]>([
    ["no tile", { tile: {} }],
    ["an axis of another kernel", { tile: { ...own.tile, elsewhere: 2 } }],
    ["no whole number", { tile: { ...own.tile, n: 0.5 } }],
    ["a tile of nothing", { tile: { ...own.tile, n: 0 } }],
    ["a tile larger than its axis", { tile: { ...own.tile, n: 7 } }],
    ["a tile that cuts a pooling window", { tile: { ...own.tile, y: 1 } }],
    ["steps that do not divide the sum", { unroll: { ...own.unroll, kx: 2 } }],
    ["steps of an axis that is not summed", { unroll: { ...own.unroll, n: 1 } }],
    ["more invocations than a workgroup has", { workgroupSize: 512 }],
    ["no invocation", { workgroupSize: 0 }],
    ["parts of a sum that has none", { split: { axis: over?.name ?? "ic", parts: 2 } }],
    ["far more text than the kernel may have", { tile: { n: 6, c: 6, y: 10, x: 10 }, unroll: { ic: 3, ky: 3, kx: 3 } }],
    ["a block that is not its workgroup", { staged: { group: { x: 3 }, chunk: { ic: 1, ky: 3, kx: 3 } } }],
    ["quads along the batch, of which fewer may come", { quads: "n" }],
    ["quads along an axis of one tile", { quads: "c", tile: { ...own.tile, c: 6 } }],
    ["workgroups that tear a quad", { quads: "c", tile: { ...own.tile, c: 1 }, workgroupSize: 6 }],
    [
      "quads of invocations that read from workgroup memory",
      { quads: "c", tile: { ...own.tile, c: 1 }, staged: { group: {}, chunk: {} } },
    ],
  ])("does not fit: %s", (_, change) => {
    expect(fits({})).toBe(true);
    expect(fits(change)).toBe(false);
  });

  test("is taken by its kernel's key where it fits, and passed over where it does not", () => {
    const other = listSchedules(kernel, optionsOf(unit.request), 4)[3];
    if (other === undefined) throw new Error("one schedule only");
    const scheduleIn = (schedule: Schedule): string => {
      const network = compiled({ schedules: new Map([[unit.key, schedule]]) });
      const found = [...networkUnits(network).values()].find(({ key }) => key === unit.key);
      return scheduleText(found?.schedule ?? own);
    };
    expect(scheduleIn(other)).toBe(scheduleText(other));
    expect(scheduleIn({ ...other, workgroupSize: 1000 })).toBe(scheduleText(unit.schedule));
    expect(compiled({ schedules: new Map([["conv 0123456789abcdef", other]]) }).plan).toEqual(plain.plan);
  });

  test("has a key that equal kernels share, and a sum in parts has another", () => {
    const { signature } = unit.request;
    expect(scheduleKey(signature, false)).toMatch(/^conv [0-9a-f]{16}$/);
    expect(scheduleKey({ ...signature }, false)).toBe(scheduleKey(signature, false));
    expect(scheduleKey(signature, true)).not.toBe(scheduleKey(signature, false));
    expect(new Set(units.map(({ program, key }) => `${program} ${key}`)).size).toBe(units.length);
  });
});
