/** The distinct kernels of a network, under names and labels for people. */
import type { Kernel, Stage } from "../ir/kernel.ts";
import type { KernelPlan, NetworkPlan } from "../../runtime/plan.ts";

export interface KernelTable {
  /** Index of the kernel with this text, added when it is new. */
  add(wgsl: string, name: string, workgroupSize: number, label: string): number;
  list(): readonly KernelPlan[];
  /** The WebGPU features that the kernels need, where they need any. */
  requiredFeatures(): Pick<NetworkPlan, "requiredFeatures">;
}

/** WebGPU features, each with the line by which a kernel that needs it says so. */
const featureLines: readonly (readonly [feature: string, line: string])[] = [
  ["shader-f16", "enable f16;"],
  ["subgroups", "enable subgroups;"],
];

/** "conv1 sigmoid1 avg_pool1", or "gradient of conv1.weight" as far as the ops tell. */
export function labelOf(kernel: Kernel): string {
  const stageLabel = (stage: Stage): string => {
    const { path } = stage.origin;
    const backward = stage.op.includes("gradient") || stage.op === "channel_sum";
    if (path === "") return stage.op.replaceAll("_", " ");
    return backward ? `${path} ${stage.op.replaceAll("_", " ")}` : path;
  };
  return [...new Set(kernel.stages.map(stageLabel))].join(", ");
}

/** The ops of a kernel as an identifier; long lists are cut. */
export function kernelName(kernel: Kernel): string {
  const ops = [...new Set(kernel.stages.map((stage) => stage.op))];
  return ops.length <= 4 ? ops.join("_") : [...ops.slice(0, 3), "and", String(ops.length - 3), "more"].join("_");
}

/** `onNew` sees each new text. */
export function kernelTable(onNew?: (wgsl: string) => void): KernelTable {
  const byText = new Map<string, { readonly index: number; readonly labels: string[] }>();
  const entries: { readonly name: string; readonly text: string; readonly workgroupSize: number }[] = [];
  const names = new Map<string, number>();
  return {
    add(wgsl, name, workgroupSize, label) {
      const known = byText.get(wgsl);
      if (known !== undefined) {
        known.labels.push(label);
        return known.index;
      }
      const count = (names.get(name) ?? 0) + 1;
      names.set(name, count);
      byText.set(wgsl, { index: entries.length, labels: [label] });
      onNew?.(wgsl);
      entries.push({ name: count === 1 ? name : `${name}_${count}`, text: wgsl, workgroupSize });
      return entries.length - 1;
    },
    requiredFeatures() {
      const features = featureLines.flatMap(([feature, line]) =>
        entries.some(({ text }) => text.includes(`${line}\n`)) ? [feature] : [],
      );
      return features.length === 0 ? {} : { requiredFeatures: features };
    },
    list: () =>
      entries.map(({ name, text, workgroupSize }) => {
        const labels = [...new Set(byText.get(text)?.labels ?? [])].map(
          (label) => `// ${label.replace(/[^\x20-\x7e]/g, "?")}`,
        );
        return { name, wgsl: [`// ${name}, used by:`, ...labels, "", text].join("\n"), workgroupSize };
      }),
  };
}
