/** `precision f16`: activations stored in half the bytes, rounded where they are stored; on the CPU, with rounding to f16 there. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { halfGradientScale } from "../../compiler/4-fuse/storeHalf.ts";
import { heldForBackward } from "../../compiler/5-plan/heldForBackward.ts";
import { elementBytes } from "../../compiler/ir/graph.ts";
import type { TensorType, TrainingGraph } from "../../compiler/ir/graph.ts";
import type { ProgramPlan } from "../../compiler/ir/output.ts";
import { ops } from "../../compiler/ops/index.ts";
import type { NetworkPlan } from "../../runtime/plan.ts";
import { compileText } from "../support/compileText.ts";
import type { TrainableNetwork } from "../support/compileText.ts";
import { feedsFor, memoryProblems, verifyProgram } from "../support/planChecks.ts";
import { interpretKernels } from "../support/interpretKernels.ts";
import type { Values } from "../support/interpret.ts";
import { dispatchesOf, planProblems } from "../support/planProblems.ts";
import { networkText, randomNetwork } from "../support/randomSpec.ts";
import { roundHalf } from "../support/roundHalf.ts";
import { openWgslValidator } from "../support/validateWgsl.ts";
import type { WgslValidator } from "../support/validateWgsl.ts";

const settings = { batch: 3, count: 3, uniforms: { step: 5, seed: 7 } } as const;

let validator: WgslValidator;
beforeAll(async () => {
  validator = await openWgslValidator(["shader-f16"]);
});
afterAll(() => {
  validator.destroy();
});

function inHalf(text: string): string {
  return text.replace(/train (\w+) \{/, "train $1 {\n  precision f16");
}

/** The problems of every kernel of a plan, as Dawn sees them. */
async function problemsOf({ kernels }: NetworkPlan): Promise<readonly string[]> {
  const problems = await Promise.all(kernels.map(({ name, wgsl }) => validator.problemsOf(name, wgsl)));
  return problems.flat();
}

/** Of every value that a program's kernels store: its type, and whether the host reads it or it may be of any size. */
function storedValues({
  graph,
  kernels,
}: ProgramPlan): readonly { readonly type: TensorType; readonly isWhole: boolean }[] {
  const results =
    "gradientOf" in graph ? [...(graph as TrainingGraph).gradientOf.values(), (graph as TrainingGraph).metrics] : [];
  const heads = graph.heads.map(({ value }) => value);
  const read = new Set([...results, ...heads].map((value) => kernels.aliasOf.get(value) ?? value));
  const states = new Set(graph.states.map(({ value }) => value));
  return kernels.kernels.flatMap(({ stages }) =>
    stages.flatMap(({ stored, op, value, slice, overwrites }) => {
      const type = kernels.types.get(slice?.of ?? value);
      if (!stored || type === undefined) return [];
      const isState = overwrites !== undefined && states.has(overwrites);
      return [{ type, isWhole: isState || read.has(value) || ops.get(op)?.wideRange === true }];
    }),
  );
}

/** The length of a difference beside that of what is expected. */
function relativeDifference(actual: Values, expected: Values): number {
  let [apart, size] = [0, 0];
  expected.forEach((value, i) => {
    apart += ((actual[i] as number) - value) ** 2;
    size += value ** 2;
  });
  return Math.sqrt(apart / size);
}

/** How far each gradient of a step is from the same step's in f32. */
function gradientDifferences(half: ProgramPlan, { training, trainingGraph }: TrainableNetwork): readonly number[] {
  const feeds = feedsFor(trainingGraph, settings.batch, 3);
  const [ours, theirs] = [half, training].map(({ graph, kernels }) =>
    interpretKernels(graph, kernels, feeds, settings),
  );
  return [...trainingGraph.gradientOf.values()].map((value) => {
    const [actual, expected] = [ours, theirs].map((values) => values?.get(value)?.values);
    return actual === undefined || expected === undefined ? NaN : relativeDifference(actual, expected);
  });
}

test("numbers are rounded to f16 as IEEE 754 says", () => {
  const cases = [
    [0, 0], [1, 1], [1 + 2 ** -11, 1], [1 + 3 * 2 ** -11, 1 + 2 ** -9], [-1.0004, -1], [0.1, 0.0999755859375],
    [2 ** -24, 2 ** -24], [2 ** -25, 0], [3 * 2 ** -25, 2 ** -23], [65503, 65504], [1e6, 65504], [-1e6, -65504],
  ] as const; // prettier-ignore
  for (const [value, rounded] of cases) expect([value, roundHalf(value)]).toEqual([value, rounded]);
});

const convolutional =
  "conv(6, kernel: 3, padding: 1) -> batch_norm -> relu -> max_pool(2)\nresblock(8, stride: 2)\nglobal_avg_pool -> flatten -> linear(7) -> tanh -> linear(3)";

describe("what is stored as f16", () => {
  test.each([
    ["convolutions", "3 x 9 x 7", convolutional],
    ["a dense block, joined in place", "3 x 6 x 6", "dense_block(2, 4) -> transition(4)\nflatten -> linear(3)"],
    ["group norm and softmax", "4 x 5 x 5", "conv(4, kernel: 3) -> group_norm(2) -> softmax\nflatten -> linear(3)"],
    ["linear layers alone", "6", "linear(8) -> relu -> linear(8) -> sigmoid -> linear(3)"],
  ])("%s: activations and their gradients, and the shaders are valid", async (_, input, body) => {
    const half = compileText(inHalf(networkText(input, body)), { batch: 5, keepLogits: true, imageGradient: true });
    const { training, inference, plan } = half;
    expect(plan.requiredFeatures).toEqual(["shader-f16"]);
    for (const program of [training, inference]) {
      verifyProgram(program);
      expect(memoryProblems(program)).toEqual([]);
      for (const { type, isWhole } of storedValues(program)) {
        const { dtype, batched, shape } = type;
        const isActivation = batched && [1, 3].includes(shape.length) && !isWhole;
        expect([type, dtype]).toEqual([type, isActivation ? "f16" : "f32"]);
      }
      const { graph, kernels } = program;
      const whole = [...graph.inputs, ...graph.parameters, ...graph.states].map(({ value }) => value);
      for (const value of whole) expect(kernels.types.get(value)?.dtype).not.toBe("f16");
    }
    expect(storedValues(training).some(({ type }) => type.dtype === "f16")).toBe(true);
    expect(planProblems(plan)).toEqual([]);
    expect(await problemsOf(plan)).toEqual([]);
    const bindings = dispatchesOf(plan).flatMap((dispatch) => dispatch.bindings);
    expect(bindings.some((each) => each.half === true)).toBe(true);
    for (const { size, offset } of bindings) expect([size % 16, offset % 256]).toEqual([0, 0]);
  });

  test("takes half the bytes, and f32 is as it was", () => {
    const text = networkText("3 x 16 x 16", convolutional);
    const [whole, half] = [compileText(text, { batch: 4 }), compileText(inHalf(text), { batch: 4 })];
    const images = 4 * 3 * 16 * 16 * 4;
    const held = ({ training }: TrainableNetwork): number => heldForBackward(training) - images;
    expect(held(half) / held(whole)).toBeLessThan(0.52);
    expect(half.peakBytes.training).toBeLessThan(whole.peakBytes.training ?? 0);
    expect(half.peakBytes.inference).toBeLessThan(whole.peakBytes.inference);
    expect(whole.plan.requiredFeatures).toBeUndefined();
    expect(compileText(text.replace(/train (\w+) \{/, "train $1 {\n  precision f32"), { batch: 4 }).plan).toEqual(whole.plan);
    expect(elementBytes({ dtype: "f16" })).toBe(2);
  }); // prettier-ignore
});

test("steps of networks of every layer are near those in f32", () => {
  // Where a rounded number decides between two elements, gradients may go another way: losses may not.
  fc.assert(
    fc.property(randomNetwork, ({ text, classes, options, count, uniforms }) => {
      const own = { batch: options.batch, count, uniforms };
      const loss = [text, inHalf(text)].map((each) => {
        const { training, trainingGraph } = compileText(each, options);
        verifyProgram(training);
        const feeds = feedsFor(trainingGraph, options.batch, classes);
        const metrics = interpretKernels(trainingGraph, training.kernels, feeds, own).get(trainingGraph.metrics);
        return metrics?.values.slice(0, 2 * count).filter((_, i) => i % 2 === 0) ?? [];
      });
      const [whole, half] = loss.map((rows) => [...rows].reduce((sum, row) => sum + row, 0) / count) as [
        number,
        number,
      ];
      expect(Math.abs(half - whole)).toBeLessThan(0.02 * Math.max(1, Math.abs(whole)));
    }),
    { numRuns: 5, seed: 16 },
  );
});

describe("gradients too small for f16", () => {
  const text = networkText(
    "1 x 8 x 8",
    "repeat 8 { conv(4, kernel: 1) -> sigmoid }\nglobal_avg_pool -> flatten -> linear(3)",
  );
  const whole = compileText(text, { batch: 3 });
  const half = compileText(inHalf(text), { batch: 3 }).training;

  test("are kept, since they are stored times a power of two", () => {
    const differences = gradientDifferences(half, whole);
    expect(differences).toHaveLength(18);
    for (const difference of differences) expect(difference).toBeLessThan(0.003);
    expect([1, 3, 64, 100, 128].map(halfGradientScale)).toEqual([1024, 4096, 65536, 131072, 131072]);
  });

  test("would be lost without", () => {
    const types = new Map([...half.kernels.types].map(([value, { scale: _, ...type }]) => [value, type]));
    const bare = { ...half, kernels: { ...half.kernels, types } };
    const [first = 0] = gradientDifferences(bare, whole);
    expect(first).toBeGreaterThan(0.02);
  });
});
