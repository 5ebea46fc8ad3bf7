/**
 * Adapters that anybody may have, and what was measured to pay on all of them: a table of `cnnc tune` that comes with the compiler. A
 * module carries a plan for each where it is expected to be faster there, beside the plan for all others.
 */
import type { Way } from "./ir/choices.ts";
import type { AdapterIdentity, NetworkPlan } from "../runtime/plan.ts";

export interface KnownAdapter {
  /** What WebGPU says of it; empty words may be anything. */
  readonly adapter: AdapterIdentity;
  /** Of the modules that carry a plan for it. */
  readonly adapterClass: "cpu" | "gpu";
  /** The feature that the choices need. */
  readonly feature: GPUFeatureName;
  readonly choices: Readonly<Partial<Record<Way, boolean>>>;
  /** Multiply-adds of a step for which a plan is worth its bytes: fewer take no time, and for more nobody waits for this adapter. */
  readonly work: { readonly least: number; readonly most: number };
}

export const knownAdapters: readonly KnownAdapter[] = [
  {
    // The software adapter of Chrome, and of Dawn in Node: a load there costs as much as a dozen multiply-adds, a broadcast next to nothing.
    adapter: { vendor: "google", architecture: "swiftshader", device: "", description: "" },
    adapterClass: "cpu",
    feature: "subgroups",
    choices: { subgroups: true },
    work: { least: 1e7, most: 6e9 },
  },
];

/**
 * The ways that a network's module takes on an adapter untuned: those of a known one that the plan has a plan for. `features` are the
 * adapter's, all that are needed unless given.
 */
export function knownChoices(
  { tuned = [] }: Pick<NetworkPlan, "tuned">,
  adapter: AdapterIdentity,
  features?: ReadonlySet<string>,
): KnownAdapter["choices"] {
  const known = knownAdapters.find(
    (each) =>
      features?.has(each.feature) !== false &&
      isOfKind(adapter, each.adapter) &&
      tuned.some((plan) => plan.adapter === each.adapter),
  );
  return known?.choices ?? {};
}

function isOfKind(adapter: AdapterIdentity, kind: AdapterIdentity): boolean {
  return (Object.keys(kind) as (keyof AdapterIdentity)[]).every(
    (name) => kind[name] === "" || kind[name] === adapter[name],
  );
}
