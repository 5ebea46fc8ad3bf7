import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { emitCollectKernel, emitUpdateKernel } from "../../../compiler/6-emit/emitUpdate.ts";
import { builtinUniforms, uniformWordLimit } from "../../../compiler/6-emit/uniforms.ts";
import type { UniformWord } from "../../../compiler/6-emit/uniforms.ts";
import { load, sub, uniform, mul, indexValue } from "../../../compiler/ir/expression.ts";
import { optimizers } from "../../../compiler/recipe/index.ts";
import type { RecipeArgs } from "../../../compiler/recipe/defineRecipePart.ts";
import { compileText } from "../../support/compileText.ts";
import { networkText } from "../../support/randomSpec.ts";
import { reflectKernel } from "../../support/reflectBindings.ts";
import { openWgslValidator } from "../../support/validateWgsl.ts";
import type { WgslValidator } from "../../support/validateWgsl.ts";

const sizes = { parameterElements: 256, gradientElements: 512 };
const lr: UniformWord = { name: "lr", type: "f32", initial: 0.1 };
const step = sub(load("parameter", []), mul(uniform("lr"), load("gradient", [])));

let validator: WgslValidator;
beforeAll(async () => {
  validator = await openWgslValidator();
});
afterAll(() => {
  validator.destroy();
});

describe("the update", () => {
  test.each([...optimizers])("of %s is a valid shader with a binding for each state", async (name, optimizer) => {
    const given: RecipeArgs = { lr: 0.1, ...(name === "sgd" && { momentum: 0.9, nesterov: true }), weight_decay: 0.01 };
    const defaults = optimizer.arguments.flatMap(({ name: key, default: value }) =>
      value === undefined ? [] : [[key, value] as const],
    );
    const args = { ...Object.fromEntries(defaults), ...given };
    const states = optimizer.states(args);
    const words: readonly UniformWord[] = [
      ...builtinUniforms,
      ...optimizer.uniforms(args).map(({ name: word, value }): UniformWord => ({ name: word, type: "f32", initial: value })),
    ]; // prettier-ignore
    expect(words.length).toBeLessThanOrEqual(uniformWordLimit);
    const wgsl = emitUpdateKernel(optimizer.update(args), states, sizes, words);
    expect(await validator.problemsOf(name, wgsl)).toEqual([]);
    expect(reflectKernel(wgsl).bindings).toEqual([
      { binding: 1, writes: true, sizeBytes: 1024 },
      { binding: 2, writes: false, sizeBytes: 2048 },
      { binding: 3, writes: false, sizeBytes: 64 },
      ...states.map((_, index) => ({ binding: 4 + index, writes: true, sizeBytes: 1024 })),
    ]);
    expect(states.length).toBeLessThanOrEqual(5);
  });

  test("adds a gradient's parts in their order, and leaves frozen parameters as they are", () => {
    const wgsl = emitUpdateKernel({ parameter: step, states: {} }, [], sizes, [...builtinUniforms, lr]);
    expect(wgsl).toContain("for (var part = 0u; part < block.z; part++)");
    expect(wgsl).toContain("if (block.z == 0u) {\n    return;");
    expect(wgsl).toContain("let parameter_next = (parameter - (step.lr * gradient));");
  });

  test("goes on where one row of workgroups ends", async () => {
    const many = { parameterElements: 64 * 4 * 70_000, gradientElements: 64 };
    const wgsl = emitUpdateKernel({ parameter: step, states: {} }, [], many, [...builtinUniforms, lr]);
    expect(wgsl).toContain("group.y * 65535u");
    expect(await validator.problemsOf("many", wgsl)).toEqual([]);
  });

  test("of a formula that it cannot print is a mistake of ours", () => {
    const broken = { parameter: indexValue(0), states: {} };
    expect(() => emitUpdateKernel(broken, [], sizes, [])).toThrow("cannot hold index");
    expect(() => emitUpdateKernel({ parameter: step, states: {} }, [], sizes, [])).toThrow("no uniform is called lr");
    expect(() => emitUpdateKernel({ parameter: step, states: {} }, ["velocity"], sizes, [lr])).toThrow("velocity");
  });
});

test("collecting gradients binds the output, the gradients and the table", async () => {
  const wgsl = emitCollectKernel(sizes);
  expect(await validator.problemsOf("collect", wgsl)).toEqual([]);
  expect(reflectKernel(wgsl).bindings).toEqual([
    { binding: 1, writes: true, sizeBytes: 1024 },
    { binding: 2, writes: false, sizeBytes: 2048 },
    { binding: 3, writes: false, sizeBytes: 64 },
  ]);
});

describe("the table of a plan", () => {
  const body = "conv(4, kernel: 3, padding: 1) as first -> batch_norm -> relu\nglobal_avg_pool -> flatten -> linear(3)";

  test("has a row for every 64 elements, whose parts lie in the gradients' buffer", () => {
    const { plan } = compileText(networkText("3 x 12 x 12", body), { batch: 32 });
    const [update] = plan.training?.update ?? [];
    const [parameters, gradients, table] = update?.bindings ?? [];
    const runs = plan.buffers[table?.buffer ?? -1]?.runs ?? [];
    expect(runs).toHaveLength(4 * plan.parameters.length);
    let rows = 0;
    const taken: (readonly [number, number])[] = [];
    for (let at = 0; at < runs.length; at += 4) {
      const [count = 0, first = 0, stride = 0, parts = 0] = runs.slice(at, at + 4);
      rows += count;
      expect(parts).toBeGreaterThan(0);
      expect(stride).toBeGreaterThanOrEqual(count * 16);
      const end = first + (parts - 1) * stride + count * 16;
      expect(end * 16).toBeLessThanOrEqual(gradients?.size ?? 0);
      for (const [from, to] of taken) expect(end <= from || to <= first).toBe(true);
      taken.push([first, end]);
    }
    expect(rows * 256).toBe(parameters?.size);
    expect(rows * 16).toBe(table?.size);
    // Few sums over many samples are taken in parts.
    expect(runs.filter((_, index) => index % 4 === 3).some((parts) => parts > 1)).toBe(true);
  });

  test("gives a frozen parameter no part", () => {
    const text = networkText("3 x 6 x 6", body).replace("  batch ", "  freeze     first\n  batch ");
    const { plan } = compileText(text, { batch: 4 });
    const runs = plan.buffers.find((buffer) => buffer.runs !== undefined)?.runs ?? [];
    const parts = plan.parameters.map(({ name }, index) => [name, (runs[4 * index + 3] ?? 0) > 0]);
    expect(parts.filter(([, trained]) => trained !== true).map(([name]) => name)).toEqual([
      "first.weight",
      "first.bias",
    ]);
  });
});
