/** Decides how the values that kernels hand each other lie in memory, once fusion has decided which do. */
import type { Choices } from "../ir/choices.ts";
import { targetsOf } from "../ir/graph.ts";
import type { Graph, ValueId } from "../ir/graph.ts";
import type { KernelPlan } from "../ir/kernel.ts";
import { ops } from "../ops/index.ts";
import { packChannels } from "./packChannels.ts";
import { storeHalf } from "./storeHalf.ts";

export interface StoreOptions {
  readonly precision: "f32" | "f16";
  readonly choices: Choices;
  /** What the loss is a mean of. */
  readonly wholeBatch: number;
}

/** The plan with other types of stored values, where the options ask for them; `keep` are those that the host reads. */
export function storeActivations(
  plan: KernelPlan,
  graph: Graph,
  keep: readonly ValueId[],
  { precision, choices, wholeBatch }: StoreOptions,
): KernelPlan {
  const storagesOf = (value: ValueId): readonly ValueId[] => {
    const storage = plan.aliasOf.get(value) ?? value;
    return plan.slabsOf.get(storage) ?? [storage];
  };
  const kept = new Set(keep.flatMap(storagesOf));
  const packed = choices.packed === true ? packChannels(plan, kept) : plan;
  if (precision === "f32") return packed;
  const heads = graph.heads.map(({ value }) => value);
  const targets = targetsOf(graph);
  return storeHalf(packed, {
    batch: wholeBatch,
    whole: new Set([...kept, ...heads.flatMap(storagesOf)]),
    targets: targets === undefined ? [] : storagesOf(targets.value),
    hasWideRange: (op) => ops.get(op)?.wideRange === true,
  });
}
