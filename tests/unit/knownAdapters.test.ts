import { describe, expect, test } from "@jest/globals";
import { addTunedPlans } from "../../compiler/6-emit/addTunedPlans.ts";
import { knownChoices } from "../../compiler/knownAdapters.ts";
import { planFor } from "../../runtime/tunedPlan.ts";
import type { NetworkPlan } from "../../runtime/plan.ts";
import { compileText } from "../support/compileText.ts";
import { networkText } from "../support/randomSpec.ts";

const swiftShader = { vendor: "google", architecture: "swiftshader", device: "0xc0de", description: "SwiftShader 5.0" };
const info = swiftShader as unknown as GPUAdapterInfo;

function withFeatures(...features: readonly string[]): GPUAdapter {
  return { features: new Set(features) } as unknown as GPUAdapter;
}

/** How many of a step's dispatches share loads in quads. */
function shared({ kernels, training }: NetworkPlan): number {
  const texts = (training?.dispatches ?? []).map(({ kernel }) => kernels[kernel]?.wgsl ?? "");
  return texts.filter((text) => text.includes("quadBroadcast")).length;
}

const wide = networkText("8 x 12 x 12", "conv(32, kernel: 3, padding: 1) -> relu -> conv(32, kernel: 3)\nflatten -> linear(3)"); // prettier-ignore

/** Few channels, as LeNet has them. */
const few = networkText("1 x 28 x 28", "conv(6, kernel: 5, padding: 2) -> sigmoid -> avg_pool(2) -> conv(16, kernel: 5) -> sigmoid -> avg_pool(2)\nflatten -> linear(120) -> sigmoid -> linear(3)"); // prettier-ignore

/** Each channel on its own: nothing that several invocations would load. */
const depthwise = networkText("8 x 32 x 32", "depthwise_conv(kernel: 3, padding: 1) -> relu -> depthwise_conv(kernel: 5, padding: 2) -> relu\nflatten -> linear(3)"); // prettier-ignore

describe("SwiftShader's plan", () => {
  const { plan } = compileText(wide, { batch: 64 });
  const own = planFor(plan, withFeatures("subgroups"), info);

  test("shares loads in quads, and asks for subgroups", () => {
    expect(shared(own)).toBeGreaterThan(2);
    expect(own.requiredFeatures).toEqual(["subgroups"]);
    expect(plan.requiredFeatures).toBeUndefined();
    expect(shared(plan)).toBe(0);
  });

  test("takes the memory of the plan for all others, as the summary says", () => {
    expect(own.buffers).toEqual(plan.buffers);
    expect(own.training?.dispatches).toHaveLength(plan.training?.dispatches.length ?? 0);
  });

  test("is for it alone, and for devices with the feature", () => {
    expect(shared(planFor(plan, withFeatures(), info))).toBe(0);
    const nvidia = { ...info, vendor: "nvidia", architecture: "ampere" };
    expect(shared(planFor(plan, withFeatures("subgroups"), nvidia))).toBe(0);
  });

  test("is behind one that was measured there", () => {
    const measured = addTunedPlans(plan, [{ adapter: swiftShader, plan: { ...plan, tuned: [], name: "measured" } }]);
    expect(planFor(measured, withFeatures("subgroups"), info).name).toBe("measured");
    const another = { ...info, device: "0xbeef" };
    expect(shared(planFor(measured, withFeatures("subgroups"), another))).toBeGreaterThan(2);
  });

  test("gives way to the plan for all others where that was measured to be faster", () => {
    const plain = compileText(wide, { batch: 64, choices: {} });
    const measured = addTunedPlans(plan, [{ adapter: swiftShader, plan: plain.plan }]);
    expect(shared(planFor(measured, withFeatures("subgroups"), info))).toBe(0);
  });

  test.each<[string, string, Parameters<typeof compileText>[1]]>([
    ["nothing is gained", depthwise, { batch: 256 }],
    ["a step gains little", few, { batch: 64 }],
    ["a step takes no time", wide, { batch: 1 }],
    ["the kernels are for GPUs", wide, { batch: 64, adapterClass: "gpu" }],
    ["the caller chooses", wide, { batch: 64, choices: {} }],
    ["nobody would wait for a step", wide, { batch: 20_000 }],
  ])("is left out where %s", (_, text, options) => {
    expect(compileText(text, options).plan.tuned).toBeUndefined();
  });
});

describe("what a module takes on an adapter untuned", () => {
  const { plan } = compileText(wide, { batch: 64 });

  test("is what the compiler knows of its kind", () => {
    expect(knownChoices(plan, swiftShader, new Set(["subgroups"]))).toEqual({ subgroups: true });
    expect(knownChoices(plan, swiftShader)).toEqual({ subgroups: true });
    expect(knownChoices(plan, swiftShader, new Set())).toEqual({});
    expect(knownChoices(plan, { ...swiftShader, architecture: "ampere" })).toEqual({});
  });

  test("is nothing where the module has no plan for it", () => {
    expect(knownChoices(compileText(depthwise, { batch: 256 }).plan, swiftShader)).toEqual({});
  });
});
