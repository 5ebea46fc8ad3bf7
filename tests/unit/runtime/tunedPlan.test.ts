import { describe, expect, test } from "@jest/globals";
import type { NetworkPlan } from "../../../runtime/plan.ts";
import { planFor } from "../../../runtime/tunedPlan.ts";
import { linearPlan } from "../../support/linearPlan.ts";

const adapter = { vendor: "google", architecture: "swiftshader", device: "0xc0de", description: "SwiftShader 5.0" };

/** What `planFor` asks of a device: its features. */
function withFeatures(...features: readonly string[]): GPUDevice {
  return { features: new Set(features) } as unknown as GPUDevice;
}

function infoOf(words: Partial<typeof adapter>): GPUAdapterInfo {
  return { ...adapter, ...words } as unknown as GPUAdapterInfo;
}

function nameOn(plan: NetworkPlan, info: GPUAdapterInfo | undefined, device = withFeatures()): string {
  return planFor(plan, device, info).name;
}

const plan: NetworkPlan = { ...linearPlan(), name: "plain", tuned: [{ adapter, plan: { name: "tuned" } }] };

describe("a tuned plan", () => {
  test("is taken on the adapter that it was measured on, with all that it does not name", () => {
    const chosen = planFor(plan, withFeatures(), infoOf({}));
    expect(chosen.name).toBe("tuned");
    expect(chosen.inference).toBe(plan.inference);
  });

  test("is taken in a browser, which does not say all of it", () => {
    expect(nameOn(plan, infoOf({ device: "", description: "" }))).toBe("tuned");
    expect(nameOn(plan, infoOf({ architecture: "", device: "0xc0de", description: "" }))).toBe("tuned");
  });

  test.each<[string, Partial<typeof adapter>]>([
    ["another vendor", { vendor: "nvidia" }],
    ["another architecture", { architecture: "ampere" }],
    ["another device", { device: "0xbeef" }],
    ["another driver", { description: "SwiftShader 6.0" }],
    ["a browser that says the vendor alone", { architecture: "", device: "", description: "" }],
    ["one that says nothing", { vendor: "", architecture: "", device: "", description: "" }],
  ])("is left alone on %s", (_, words) => {
    expect(nameOn(plan, infoOf(words))).toBe("plain");
  });

  test("is left alone where the adapter is not known, or lacks a feature", () => {
    expect(nameOn(plan, undefined)).toBe("plain");
    const needs: NetworkPlan = {
      ...plan,
      tuned: [{ adapter, plan: { name: "tuned", requiredFeatures: ["subgroups"] } }],
    };
    expect(nameOn(needs, infoOf({}))).toBe("plain");
    expect(nameOn(needs, infoOf({}), withFeatures("subgroups"))).toBe("tuned");
  });

  test("of a kind of adapters is taken on all of them", () => {
    const kind = { ...adapter, device: "", description: "" };
    const ofKind: NetworkPlan = { ...plan, tuned: [{ adapter: kind, plan: { name: "tuned" } }] };
    expect(nameOn(ofKind, infoOf({ device: "0xbeef", description: "SwiftShader 6.0" }))).toBe("tuned");
    expect(nameOn(ofKind, infoOf({ architecture: "ampere" }))).toBe("plain");
    // Words that a table lost say nothing of any adapter.
    const nothing = { vendor: "", architecture: "", device: "", description: "" };
    expect(nameOn({ ...plan, tuned: [{ adapter: nothing, plan: { name: "tuned" } }] }, infoOf({}))).toBe("plain");
    const vendor = { ...nothing, vendor: "google" };
    expect(nameOn({ ...plan, tuned: [{ adapter: vendor, plan: { name: "tuned" } }] }, infoOf({}))).toBe("plain");
  });

  test("a plan without any is the same on all", () => {
    expect(planFor(linearPlan(), withFeatures(), infoOf({}))).toEqual(linearPlan());
  });
});
