import { describe, expect, test } from "@jest/globals";
import type { CompileOptions } from "../../../compiler/compile.ts";
import type { Stage } from "../../../compiler/ir/kernel.ts";
import type { ProgramPlan } from "../../../compiler/ir/output.ts";
import { compileText } from "../../support/compileText.ts";
import { memoryProblems } from "../../support/planChecks.ts";
import { networkText } from "../../support/randomSpec.ts";

function trained(body: string, options: CompileOptions = {}): ProgramPlan {
  const { training } = compileText(networkText("1 x 8 x 8", `${body}\nflatten -> linear(3)`), { batch: 4, ...options });
  return training;
}

/** The ops of the stages that take the place of a value which dies. */
function overwriting({ kernels, memory }: ProgramPlan): readonly string[] {
  const stages = kernels.kernels.flatMap((kernel): readonly Stage[] => kernel.stages);
  return stages.filter(({ value }) => memory.inPlaceOf.has(value)).map(({ op }) => op);
}

function bytes({ memory }: ProgramPlan): number {
  return memory.slots.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

describe("a gradient", () => {
  test("takes the place of the activation that nobody reads after it", () => {
    const program = trained("conv(2, kernel: 3, padding: 1) -> sigmoid -> avg_pool(2)");
    expect(overwriting(program)).toEqual(["sigmoid_gradient"]);
    const [[gradient, activation]] = [...program.memory.inPlaceOf] as unknown as [[never, never]];
    expect(program.memory.placeOf.get(gradient)).toEqual(program.memory.placeOf.get(activation));
    expect(program.memory.lifetimeOf.get(activation)?.last).toBe(program.memory.lifetimeOf.get(gradient)?.first);
    expect(memoryProblems(program)).toEqual([]);
  });

  test("does so behind a convolution, too, whose weight gradient has read the activation before", () => {
    const body = "conv(2, kernel: 3, padding: 1) -> relu -> conv(2, kernel: 3, padding: 1) -> tanh";
    const program = trained(body);
    expect(overwriting(program)).toEqual(["tanh_gradient", "relu_gradient"]);
    expect(bytes(program)).toBeLessThan(bytes(trained(body, { fuse: false })));
  });

  test("leaves an activation that is read elsewhere in the kernel, or is of another size", () => {
    expect(overwriting(trained("conv(2, kernel: 3, padding: 1) -> max_pool(2) -> relu"))).toEqual([]);
    const between = trained("conv(2, kernel: 3, padding: 1) -> local_response_norm(3)");
    expect(overwriting(between)).toEqual([]);
    expect(memoryProblems(between)).toEqual([]);
  });

  test("leaves what nothing fuses", () => {
    expect(overwriting(trained("conv(2, kernel: 3, padding: 1) -> sigmoid -> avg_pool(2)", { fuse: false }))).toEqual(
      [],
    );
  });

  test("does so slab by slab where the batch is in slabs", () => {
    const body = "conv(2, kernel: 3, padding: 1) -> sigmoid -> avg_pool(2)";
    const [whole, slabs] = [undefined, { maxStorageBufferBindingSize: 1 << 12 }].map((limits) =>
      trained(body, { batch: 16, ...(limits && { limits }) }),
    ) as [ProgramPlan, ProgramPlan];
    expect(slabs.kernels.batchSlabs).toBeDefined();
    expect(overwriting(slabs)).toEqual(overwriting(whole));
    expect(overwriting(slabs)).not.toEqual([]);
    const { slabStepOf, inPlaceOf } = slabs.memory;
    for (const [value, overwritten] of inPlaceOf) expect(slabStepOf.get(value)).toEqual(slabStepOf.get(overwritten));
    expect(memoryProblems(slabs)).toEqual([]);
  });
});
