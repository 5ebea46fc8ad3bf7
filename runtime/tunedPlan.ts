import type { NetworkPlan } from "./plan.ts";

/**
 * The plan for a device or an adapter: as it is, or with what was measured to be faster on one of its kind. Empty words say nothing:
 * browsers leave some of `info` so, and a kind of adapters some of its own. But the vendor and one more must be there.
 */
export function planFor(plan: NetworkPlan, { features }: GPUDevice | GPUAdapter, info?: GPUAdapterInfo): NetworkPlan {
  const found = plan.tuned?.find(
    ({ adapter, plan: { requiredFeatures } }) =>
      adapter.vendor &&
      (adapter.architecture || adapter.device) &&
      info?.vendor &&
      (info.architecture || info.device) &&
      Object.entries(adapter).every(
        ([name, word]) => !word || ["", word].includes(info[name as keyof typeof adapter]),
      ) &&
      (requiredFeatures ?? []).every((name) => features.has(name)),
  );
  return { ...plan, ...found?.plan };
}
