/** `cnnc tune`, its table, and modules that carry it, on the adapter at hand. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { listSchedules } from "../../compiler/4-fuse/listSchedules.ts";
import { addTunedPlans } from "../../compiler/6-emit/addTunedPlans.ts";
import { compileCommand } from "../../compiler/commands/compile.ts";
import { tuneCommand } from "../../compiler/commands/tune.ts";
import { ways, type Choices, type Way } from "../../compiler/ir/choices.ts";
import type { Schedule } from "../../compiler/ir/kernel.ts";
import { openDevice } from "../../compiler/node/adapter.ts";
import { openNetwork } from "../../compiler/training/openNetwork.ts";
import { networkUnits } from "../../compiler/tune/networkUnits.ts";
import { createClock } from "../../compiler/tune/clock.ts";
import { tuneChoices } from "../../compiler/tune/tuneChoices.ts";
import { identityOf, readTable, writeTable } from "../../compiler/tune/tuningTable.ts";
import { createNetwork } from "../../runtime/index.ts";
import type { NetworkPlan } from "../../runtime/plan.ts";
import { compileText } from "../support/compileText.ts";
import { testNumbers } from "../support/layerGraph.ts";
import { networksOfTest, openForSuite } from "../support/openForSuite.ts";
import { otherSchedules } from "../../compiler/verify/otherSchedules.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";
import { colourlessTerminal } from "../support/terminal.ts";

const opened = openForSuite();
const networks = networksOfTest();

const spec = `model Tiny {
  input 2 x 9 x 7
  conv(4, kernel: 3, padding: 1) -> batch_norm -> relu -> max_pool(2)
  flatten -> linear(3)
}
train Tiny { data fashion_mnist  optimizer sgd(lr: 0.1)  batch 5 }`;
const batch = 5;
const images = Float32Array.from(testNumbers(batch * 2 * 63, 3));
const labels = [0, 1, 2, 0, 1];

/** Three steps' losses, then the logits; and the plan that the device took. */
async function numbersOf(
  plan: NetworkPlan,
): Promise<{ readonly numbers: readonly number[]; readonly plan: NetworkPlan }> {
  const network = await createNetwork(plan, { device: opened.device, seed: 2 });
  networks.push(network);
  const numbers: number[] = [];
  for (let step = 0; step < 3; step++) numbers.push((await network.trainStep(images, labels).metrics()).loss);
  return { numbers: [...numbers, ...(await network.predict(images))], plan: network.plan };
}

function expectAlike(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  for (const [index, value] of expected.entries()) expect(actual[index]).toBeCloseTo(value, 4);
}

test("what is measured by itself is one kernel, or the two of a sum that was cut", () => {
  const { plan, training } = compileText(spec);
  const stages = training?.kernels.kernels.flatMap((kernel) => kernel.stages) ?? [];
  expect(stages.some(({ overwrites }) => overwrites !== undefined)).toBe(true);
  const units = [...networkUnits(compileText(spec)).values()].filter(({ program }) => program === "training");
  for (const { request, dispatches } of units) expect(dispatches).toHaveLength(request.isCut ? 2 : 1);
  const measured = units.reduce((sum, { dispatches, uses }) => sum + dispatches.length * uses, 0);
  expect(measured).toBe(plan.training?.dispatches.length);
});

describe("a plan with other schedules for one adapter", () => {
  const plain = compileText(spec, { choices: {} });
  const other = (turn: number): ReadonlyMap<string, Schedule> => otherSchedules(plain, turn, 8);

  test.each([1, 4])("computes the same there (candidates %d), by those schedules", async (turn) => {
    const tuned = compileText(spec, { choices: { schedules: other(turn) } });
    const adapter = identityOf(opened.device.adapterInfo);
    const whole = addTunedPlans(plain.plan, [{ adapter, plan: tuned.plan }]);
    const texts = ({ kernels, training }: NetworkPlan): readonly (string | undefined)[] =>
      (training?.dispatches ?? []).map(({ kernel }) => kernels[kernel]?.wgsl);
    const [expected, actual] = [await numbersOf(plain.plan), await numbersOf(whole)];
    expectAlike(actual.numbers, expected.numbers);
    expect(texts(expected.plan)).toEqual(texts(plain.plan));
    expect(texts(actual.plan)).toEqual(texts(tuned.plan));
    expect(texts(actual.plan)).not.toEqual(texts(plain.plan));
  });

  test("is for the training step alone where inference is to stay as it was", () => {
    const schedules = other(1);
    const textsOf = (program: "training" | "inference", choices: Choices): readonly (string | undefined)[] => {
      const { plan } = compileText(spec, { choices });
      return (plan[program]?.dispatches ?? []).map(({ kernel }) => plan.kernels[kernel]?.wgsl);
    };
    expect(textsOf("training", { schedules, inference: {} })).toEqual(textsOf("training", { schedules }));
    expect(textsOf("inference", { schedules, inference: {} })).toEqual(textsOf("inference", {}));
    expect(textsOf("inference", { schedules })).not.toEqual(textsOf("inference", {}));
  });

  test("is the plan itself on other adapters, its texts once", () => {
    const tuned = compileText(spec, { choices: { schedules: other(1) } });
    const adapter = { ...identityOf(opened.device.adapterInfo), device: "another" };
    const whole = addTunedPlans(plain.plan, [{ adapter, plan: tuned.plan }]);
    const { tuned: variants = [], kernels, ...rest } = whole;
    const { kernels: own, ...restOfPlain } = plain.plan;
    expect(rest).toEqual(restOfPlain);
    expect(kernels.slice(0, own.length)).toEqual(own);
    expect(kernels.length).toBeLessThan(own.length + tuned.plan.kernels.length);
    expect(Object.keys(variants[0]?.plan ?? {})).toEqual(expect.arrayContaining(["training", "inference"]));
    expect(variants[0]?.plan).not.toHaveProperty("parameters");
    expect(addTunedPlans(plain.plan, [{ adapter, plan: compileText(spec, { choices: {} }).plan }])).toBe(plain.plan);
  });
});

test("commands and apps in Node take a plan that shares loads in quads where the adapter can", async () => {
  const plain = compileText(spec, { choices: {} });
  const tuned = compileText(spec, { choices: { subgroups: true } });
  expect(tuned.plan.requiredFeatures).toEqual(["subgroups"]);
  const whole = addTunedPlans(plain.plan, [{ adapter: identityOf(opened.device.adapterInfo), plan: tuned.plan }]);
  const { adapter, device } = await openDevice();
  const own = await createNetwork(whole, { device });
  const command = await openNetwork(whole);
  const expected = adapter.features.has("subgroups") ? ["subgroups"] : undefined;
  expect(own.plan.requiredFeatures).toEqual(expected);
  expect(command.network.plan.requiredFeatures).toEqual(expected);
  own.destroy();
  device.destroy();
  command.close();
}, 60_000);

describe("cnnc tune", () => {
  const options = { set: [], limit: [], adapter: "cpu", emit: "ts" } as const;

  test("writes a table beside the module, which the module then carries", async () => {
    const folder = temporaryFolder({ "tiny.cnn": spec });
    const [file, out] = [join(folder, "tiny.cnn"), join(folder, "out")];
    const { terminal, printed } = colourlessTerminal();
    expect(await tuneCommand(file, { ...options, out, budget: 2 }, terminal)).toBe(0);
    expect(printed.out).toMatch(
      /training step {2}.*\ninference {6}.*\ntable .*tiny\.tune\.json \(\d+ candidates measured\)/,
    );
    const path = join(out, "tiny.tune.json");
    const table = readTable(path);
    expect(table?.adapters).toHaveLength(1);
    expect(Object.values(table?.adapters[0]?.networks ?? {})).toMatchObject([{ model: "Tiny", batch }]);

    // Whatever was faster here: with another schedule for its first kernel the module carries a plan for this adapter.
    const plain = compileText(spec, { choices: {} });
    const [unit] = networkUnits(plain).values();
    const { kernel, splittable, lineBudget } = unit?.request ?? fail();
    const schedule = listSchedules(kernel, { adapterClass: "cpu", splittable, lineBudget }, 3)[2] ?? fail();
    const [own] = table?.adapters ?? [];
    if (own === undefined || table === undefined) fail();
    const kernels = { [unit?.key ?? ""]: { label: "conv1", before: 2, after: 1, schedule } };
    writeTable(path, { ...table, adapters: [{ ...own, networks: {}, kernels }] });
    const compiled = colourlessTerminal();
    expect(await compileCommand(file, { ...options, out }, compiled.terminal)).toBe(0);
    expect(compiled.printed.error).toContain(`tuned by ${path} for `);
    const module = readFileSync(join(out, "tiny.ts"), "utf8");
    expect(module).toContain("const tuned: NetworkPlan");
    expect(module).toContain(JSON.stringify(own.adapter.description));
    expect(existsSync(join(out, "tiny"))).toBe(true);
  }, 120_000);

  test("tries the ways for the whole network that are asked for, and no other", async () => {
    const { device } = opened;
    const clock = createClock(device, opened.software);
    const triedOf = async (asked: readonly Way[]): Promise<readonly Way[]> => {
      const { tried } = await tuneChoices({
        plain: compileText(spec, { choices: {} }),
        known: {},
        compile: (choices) => compileText(spec, { choices }),
        device,
        software: opened.software,
        clock,
        ways: asked,
        hasTime: () => true,
        onChoice: () => undefined,
      });
      return [...new Set(tried.map(({ name }) => name))];
    };
    expect(await triedOf(["packed"])).toEqual(["packed"]);
    expect((await triedOf(ways)).slice(0, 2)).toEqual(["winograd", "packed"]);
    clock.destroy();
  }, 120_000);

  test("tells of a damaged table before it measures, and compile does too", async () => {
    const folder = temporaryFolder({ "tiny.cnn": spec, "out/tiny.tune.json": "{" });
    const [file, out] = [join(folder, "tiny.cnn"), join(folder, "out")];
    const { terminal } = colourlessTerminal();
    await expect(tuneCommand(file, { ...options, out, budget: 2 }, terminal)).rejects.toThrow(
      /tiny\.tune\.json is not JSON/,
    );
    await expect(compileCommand(file, { ...options, out }, terminal)).rejects.toThrow(/tiny\.tune\.json is not JSON/);
  });
});

function fail(): never {
  throw new Error("the network has no such kernel");
}
