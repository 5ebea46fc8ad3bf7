import { describe, expect, test } from "@jest/globals";
import { bindingCount } from "../../../compiler/4-fuse/bindingCount.ts";
import { fuseKernels } from "../../../compiler/4-fuse/fuseKernels.ts";
import { lowerGraph } from "../../../compiler/4-fuse/lowerGraph.ts";
import type { FuseOptions } from "../../../compiler/4-fuse/fuseKernels.ts";
import type { Graph } from "../../../compiler/ir/graph.ts";
import { verifyKernels } from "../../../compiler/ir/kernel.ts";
import type { KernelPlan } from "../../../compiler/ir/kernel.ts";
import { layoutsOf } from "../../../compiler/ir/tiles.ts";
import { ops } from "../../../compiler/ops/index.ts";
import { compileText } from "../../support/compileText.ts";
import { networkText } from "../../support/randomSpec.ts";

interface Steps {
  readonly graph: Graph;
  readonly keep: FuseOptions["keep"];
}

/** The inference graph of a body, or the training graph. */
function graphOf(input: string, body: string, program: "inference" | "training" = "inference"): Steps {
  const network = compileText(networkText(input, body), { batch: 4 });
  if (program === "training") {
    const { trainingGraph } = network;
    return { graph: trainingGraph, keep: new Set([...trainingGraph.gradientOf.values(), trainingGraph.metrics]) };
  }
  const { graph } = network.inference;
  return { graph, keep: new Set(graph.heads.slice(0, 1).map(({ value }) => value)) };
}

function fused({ graph, keep }: Steps, options: Partial<FuseOptions> = {}): KernelPlan {
  const plan = fuseKernels(lowerGraph(graph, ops, 4), {
    adapterClass: "cpu",
    storageBuffers: 8,
    keep,
    overwrites: new Map(),
    fuse: true,
    ...options,
  });
  const external = [...graph.inputs, ...graph.parameters, ...graph.states].map(({ value }) => value);
  verifyKernels(plan, new Set(external));
  return plan;
}

function opsOf(plan: KernelPlan): readonly string[] {
  return plan.kernels.map(({ stages }) => stages.map(({ op }) => op).join(" "));
}

const classifier = "flatten -> linear(3)";

describe("one kernel", () => {
  test.each([
    ["conv, its activation and pooling", "1 x 8 x 8", "conv(2, kernel: 3) -> relu -> max_pool(2)", "conv relu max_pool"],
    ["pooling whose windows leave a remainder", "1 x 9 x 8", "conv(2, kernel: 3) -> sigmoid -> avg_pool(2)", "conv sigmoid avg_pool"],
    ["batch norm by its running statistics", "1 x 6 x 6", "conv(2, kernel: 3) -> batch_norm -> relu", "conv normalise relu"],
    ["the product with a gate", "2 x 4 x 4", "conv(2, kernel: 3) as a -> sigmoid as b\nmultiply { branch { from a } branch { from b } }", "conv sigmoid multiply"],
  ])("for %s", (_, input, body, expected) => {
    const [first] = opsOf(fused(graphOf(input, `${body}\n${classifier}`)));
    expect(first?.replace(/batch_norm\w*|\w*normali[sz]e\w*/g, "normalise")).toBe(expected);
  }); // prettier-ignore

  test("for a layer behind flatten, the vector cut into rows and columns", () => {
    const plan = fused(graphOf("2 x 6 x 6", "conv(2, kernel: 3) -> flatten -> relu -> linear(3)"));
    expect(opsOf(plan)[0]).toBe("conv relu");
    expect(plan.kernels[0]?.stages[1]?.computation.axes).toHaveLength(4);
  });

  test("for the gradient behind flatten, the kernel's own vector cut", () => {
    const plan = fused(graphOf("2 x 6 x 6", "conv(2, kernel: 3) -> relu -> flatten -> linear(3)", "training"));
    expect(opsOf(plan)).toContain("linear_input_gradient relu_gradient");
  });

  test("for the sums of one layer's gradients: siblings", () => {
    const plan = fused(graphOf("1 x 6 x 6", `conv(2, kernel: 3) -> relu\n${classifier}`, "training"));
    expect(opsOf(plan)).toContain("conv_weight_gradient channel_sum");
    expect(opsOf(plan)).toContain("linear_weight_gradient channel_sum");
  });

  test("for convolutions of one input, and for all their gradients, where they have equally many channels", () => {
    const branches = (second: number): string => `conv(24, kernel: 3) -> relu
      concat { branch { conv(2, kernel: 1) -> tanh } branch { conv(${second}, kernel: 1) } }\n${classifier}`;
    const kernels = opsOf(fused(graphOf("1 x 6 x 6", branches(2), "training")));
    expect(kernels).toContain("conv tanh conv");
    expect(kernels).toContain("conv_weight_gradient channel_sum conv_weight_gradient channel_sum");
    // The two input gradients have one reader, which adds them.
    expect(kernels).toContain("conv_input_gradient conv_input_gradient add relu_gradient");
    expect(opsOf(fused(graphOf("1 x 6 x 6", branches(3), "training")))).not.toContain("conv tanh conv");
  });

  test("for the logits, the loss, its gradient and the metrics", () => {
    const [, last] = opsOf(fused(graphOf("1 x 6 x 6", `conv(2, kernel: 3) -> relu\n${classifier}`, "training")));
    for (const op of ["linear", "cross_entropy", "cross_entropy_gradient", "classifier_metrics"]) {
      expect(last?.split(" ")).toContain(op);
    }
  });
});

describe("a kernel of its own", () => {
  test.each([
    ["windows that overlap", "1 x 9 x 9", "conv(2, kernel: 3) -> max_pool(3, stride: 2)", ["conv", "max_pool"]],
    ["windows with padding", "1 x 8 x 8", "conv(2, kernel: 3) -> max_pool(2, stride: 2, padding: 1)", ["conv", "max_pool"]],
    ["a conv after a conv", "1 x 8 x 8", "conv(2, kernel: 3) -> conv(2, kernel: 3)", ["conv", "conv"]],
    ["a tile of too many elements", "1 x 18 x 18", "conv(2, kernel: 3) -> avg_pool(8)", ["conv", "avg_pool"]],
  ])("for %s", (_, input, body, expected) => {
    expect(opsOf(fused(graphOf(input, `${body}\n${classifier}`))).slice(0, 2)).toEqual(expected);
  }); // prettier-ignore

  test("for every node when nothing is to be fused; views have none", () => {
    const steps = graphOf("1 x 8 x 8", `conv(2, kernel: 3) -> relu -> max_pool(2)\n${classifier}`);
    const plan = fused(steps, { fuse: false });
    expect(opsOf(plan)).toEqual(["conv", "relu", "max_pool", "linear"]);
    expect(plan.aliasOf.size).toBe(1);
    expect(plan.kernels.every(({ stages }) => stages.every(({ stored }) => stored))).toBe(true);
  });
});

describe("what is stored", () => {
  test("is what another kernel or the host reads, nothing else", () => {
    const steps = graphOf("1 x 8 x 8", `conv(2, kernel: 3) -> relu -> max_pool(2)\n${classifier}`);
    const [first] = fused(steps).kernels;
    expect(first?.stages.map(({ op, stored }) => [op, stored])).toEqual([
      ["conv", false],
      ["relu", false],
      ["max_pool", true],
    ]);
    const conv = first?.stages[0]?.value;
    const kept = fused(steps, { keep: new Set([...steps.keep, ...(conv === undefined ? [] : [conv])]) });
    expect(kept.kernels[0]?.stages[0]?.stored).toBe(true);
  });
});

describe("the bindings of a kernel", () => {
  const bodies = [
    ["a chain of linear layers", "6", "linear(5) -> sigmoid -> dropout -> linear(4) -> relu -> linear(4) -> tanh -> linear(3)"],
    ["a sum of many branches", "2 x 5 x 5", `add { ${"branch { conv(2, kernel: 1) -> tanh } ".repeat(6)}}\n${classifier}`],
    ["batch norm", "2 x 5 x 5", `conv(3, kernel: 3) -> batch_norm -> relu -> conv(3, kernel: 1) -> batch_norm -> relu\n${classifier}`],
  ] as const; // prettier-ignore
  test.each(bodies)("are at most as many as the adapter has: %s", (_, input, body) => {
    const steps = graphOf(input, body, "training");
    for (const storageBuffers of [5, 6, 8, 10]) {
      const plan = fused(steps, { storageBuffers });
      for (const { stages } of plan.kernels) {
        const loads = stages[0]?.roles.size ?? 0;
        // A node alone binds what it must.
        expect(bindingCount(stages, plan.aliasOf)).toBeLessThanOrEqual(
          stages.length === 1 ? Math.max(storageBuffers, loads + 1) : storageBuffers,
        );
      }
    }
    expect(fused(steps, { storageBuffers: 10 }).kernels.length).toBeLessThanOrEqual(
      fused(steps, { storageBuffers: 5 }).kernels.length,
    );
  });

  test("cut a kernel where a layer begins, and what follows stays with that layer", () => {
    const [input, body] = [bodies[0][1], bodies[0][2]];
    const kernels = opsOf(fused(graphOf(input, body, "training")));
    const loss = kernels.find((each) => each.includes("cross_entropy_gradient"));
    expect(loss).toMatch(/^linear /);
    expect(loss).toMatch(/channel_max channel_exp_sum/);
    expect(kernels.length).toBeLessThan(14);
  });
});

test("every stage has a layout", () => {
  const plan = fused(graphOf("3 x 8 x 8", `resblock(4) -> max_pool(2) -> inception(2, (1, 2), (1, 2), 2)\n${classifier}`, "training")); // prettier-ignore
  for (const kernel of plan.kernels) expect(layoutsOf(kernel)).not.toContain(undefined);
});
