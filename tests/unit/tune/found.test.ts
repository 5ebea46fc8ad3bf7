/** What a search found, as it is kept, and the check that two ways compute the same. */
import { describe, expect, test } from "@jest/globals";
import type { Schedule } from "../../../compiler/ir/kernel.ts";
import { checkAlike, DifferentResults } from "../../../compiler/tune/compareSteps.ts";
import { networkUnits } from "../../../compiler/tune/networkUnits.ts";
import { choicesOf, foundKernels, without, type Found } from "../../../compiler/tune/tuneNetwork.ts";
import { compileText } from "../../support/compileText.ts";

// Of both programs the pooling's kernel is the same one.
const spec = `model Tiny {
  input 2 x 8 x 8
  max_pool(2) -> conv(4, kernel: 3) -> batch_norm -> relu -> flatten -> linear(3)
}
train Tiny { data fashion_mnist  optimizer sgd(lr: 0.1)  batch 4 }`;
const plain = compileText(spec);
const units = [...networkUnits(plain).values()];

/** As if each kernel had been found faster in other workgroups: 128 for the step, 32 for inference. */
const found: Found = {
  choices: {},
  plainInference: false,
  known: {},
  units: units.map((unit) => {
    const workgroupSize = unit.program === "training" ? 128 : 32;
    const schedule: Schedule = { ...unit.schedule, workgroupSize };
    return { unit, micros: 2, share: 0.1, found: { before: 2, after: 1, schedule } };
  }),
};

function sizesOf(program: "training" | "inference", from: Found): readonly number[] {
  const { plan } = compileText(spec, { choices: choicesOf(from) });
  return (plan[program]?.dispatches ?? []).map(({ kernel }) => plan.kernels[kernel]?.workgroupSize ?? 0);
}

describe("what was found", () => {
  const keysOf = (program: string): readonly string[] =>
    units.flatMap((unit) => (unit.program === program ? [unit.key] : []));
  const shared = keysOf("training").filter((key) => keysOf("inference").includes(key));

  test("goes by the training step for a kernel of both programs", () => {
    expect(shared.length).toBeGreaterThan(0);
    const kernels = foundKernels(found.units);
    for (const key of shared) expect(kernels.get(key)?.schedule.workgroupSize).toBe(128);
    expect(kernels.size).toBe(new Set(units.map(({ key }) => key)).size);
    expect(sizesOf("training", found)).toContain(128);
  });

  test("leaves a program as it was where it is not kept there, shared kernels included", () => {
    const nothing: Found = { choices: {}, units: [], plainInference: false, known: {} };
    const untrained = without(found, "training");
    expect(sizesOf("training", untrained)).toEqual(sizesOf("training", nothing));
    expect(sizesOf("inference", untrained)).toContain(32);
    const unpredicted = without(found, "inference");
    expect(sizesOf("inference", unpredicted)).toEqual(sizesOf("inference", nothing));
    expect(sizesOf("training", unpredicted)).toEqual(sizesOf("training", found));
    // What the compiler takes on this adapter untuned is what it was.
    const known = { subgroups: true };
    const mixed: Found = { ...found, choices: { subgroups: true, packed: true }, known };
    expect(choicesOf(without(mixed, "inference"))).toMatchObject({ packed: true, inference: known });
    expect(without(mixed, "training").choices).toEqual(known);
  });
});

describe("two ways compute the same", () => {
  const loss = [2.3];
  const gradient = Float32Array.of(0.5, -0.25, 0.001);
  test.each<[string, readonly number[]]>([
    ["where they are equal", [0.5, -0.25, 0.001]],
    ["but for rounding, by a tensor's largest", [0.5001, -0.2501, 0.0011]],
  ])("%s", (_, other) => {
    expect(() => {
      checkAlike([[loss, gradient], [loss, other]]); // prettier-ignore
    }).not.toThrow();
  });

  test("where a tensor holds nothing but rounding", () => {
    expect(() => {
      checkAlike([[loss, [1e-7, -2e-7]], [loss, [-3e-7, 1e-7]]]); // prettier-ignore
    }).not.toThrow();
  });

  test.each<[string, readonly number[], readonly number[]]>([
    ["a gradient is another", [0.5, -0.25, 0.003], loss],
    ["a gradient is not finite", [0.5, NaN, 0.001], loss],
    ["one is missing", [0.5, -0.25], loss],
    ["the loss is another", [0.5, -0.25, 0.001], [2.31]],
  ])("not where %s", (_, other, otherLoss) => {
    expect(() => {
      checkAlike([[loss, gradient], [otherLoss, other]]); // prettier-ignore
    }).toThrow(DifferentResults);
  });
});
