/** Logits of auxiliary heads, kept readable: each equals the main head's of the network that ends there. */
import { expect, test } from "@jest/globals";
import { createNetwork } from "../../runtime/index.ts";
import { compileText } from "../support/compileText.ts";
import { testNumbers } from "../support/layerGraph.ts";
import { openForSuite } from "../support/openForSuite.ts";

const opened = openForSuite();

const recipe = "train M { data fashion_mnist  optimizer sgd(lr: 0.1)  batch 3 }";
const network = `model M {
  input 2 x 6 x 6
  conv(3, kernel: 3) -> relu as stem
  head near from stem weight 0.3 { flatten -> linear(3, bias: false) }
  conv(2, kernel: 3) -> tanh as trunk
  head far from trunk weight 0.5 { avg_pool(2) -> flatten -> linear(3) }
  flatten -> linear(3)
}
${recipe}`;

/** What leads to each head as a network of its own, whose last layer has the head's name in the whole one. */
const ends = [
  ["near", "conv(3, kernel: 3) -> relu -> flatten -> linear(3, bias: false)"],
  ["far", "conv(3, kernel: 3) -> relu -> conv(2, kernel: 3) -> tanh -> avg_pool(2) -> flatten -> linear(3)"],
] as const;

const images = Float32Array.from(testNumbers(2 * 72, 7));

test("a plan that keeps logits names every head with its shape", () => {
  const { training } = compileText(network, { keepLogits: true }).plan;
  expect(training?.auxiliaryLogits?.map(({ name, shape }) => [name, shape])).toEqual([
    ["near", [3]],
    ["far", [3]],
  ]);
  expect(compileText(network).plan.training?.auxiliaryLogits).toBeUndefined();
});

test("each head's logits come with the gradients", async () => {
  const { plan } = compileText(network, { keepLogits: true });
  const whole = await createNetwork(plan, { device: opened.device, seed: 4, programs: ["training"] });
  const { logits, auxiliaryLogits } = await whole.gradients(images, [0, 2]);
  expect(logits?.length).toBe(2 * 3);
  expect(Object.keys(auxiliaryLogits ?? {})).toEqual(["near", "far"]);
  const weights = await whole.stateDict();
  for (const [name, steps] of ends) {
    const { plan: alonePlan } = compileText(`model M { input 2 x 6 x 6 ${steps} } ${recipe}`);
    const alone = await createNetwork(alonePlan, { device: opened.device, programs: ["inference"] });
    for (const parameter of alonePlan.parameters) {
      const values = weights[parameter.name.replace("linear1", `${name}.linear1`)];
      alone.parameter(parameter.name).write(values ?? []);
    }
    const expected = [...(await alone.predict(images))];
    expect(expected.some((value) => Math.abs(value) > 1e-3)).toBe(true);
    expect(auxiliaryLogits?.[name]?.length).toBe(expected.length);
    expected.forEach((value, i) => expect(auxiliaryLogits?.[name]?.[i]).toBeCloseTo(value, 5));
    alone.destroy();
  }
  whole.destroy();
});
