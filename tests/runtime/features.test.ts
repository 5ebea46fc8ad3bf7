/** Values at names and paths, predicted by the network itself: each as the network that ends there gives it. */
import { expect, test } from "@jest/globals";
import { createNetwork } from "../../runtime/index.ts";
import { compile } from "../../compiler/compile.ts";
import type { CompileOptions } from "../../compiler/compile.ts";
import type { NetworkPlan } from "../../runtime/plan.ts";
import { compileText } from "../support/compileText.ts";
import { testNumbers } from "../support/layerGraph.ts";
import { openForSuite } from "../support/openForSuite.ts";

const opened = openForSuite();

const text = `block pair() { add { branch { conv(3, kernel: 1) -> relu as inner } branch { } } }
model M {
  input 2 x 6 x 6
  conv(3, kernel: 3) -> batch_norm -> relu as stem
  max_pool(2) as pooled
  concat { branch { from pooled } branch { from stem -> conv(2, kernel: 3, stride: 2, padding: 1) as side } } as joined
  slice(0, 3) -> pair -> pair
  dropout(0.3) as dropped
  flatten as flat
  linear(3)
}
train M { data fashion_mnist  optimizer sgd(lr: 0.1)  batch 3 }`;
const names = ["stem", "pooled", "joined", "dropped", "flat", "side", "pair2.inner", "pair1", "pair2.conv1"] as const;

function planOf(options: CompileOptions): NetworkPlan {
  const { network } = compile({ path: "m.cnn", text }, { ...options, inferenceOnly: true });
  return network!.plan;
}

test("are predicted besides the logits, of any number of images", async () => {
  const { plan } = compileText(text, { features: names });
  type Shape = readonly number[];
  const whole = await createNetwork<string, string, Shape, Shape, string>(plan, { device: opened.device, seed: 4 });
  const images = Float32Array.from(testNumbers(7 * 72, 7));
  whole.trainStep(images.subarray(0, 216), [0, 1, 2]);
  const weights = await whole.save();
  // All at once: each batch has a buffer of its own to come back in.
  const asked = [undefined, ...names];
  const found = await Promise.all(asked.map((at) => whole.predict(images, at)));
  for (const [index, at] of asked.entries()) {
    const alone = await createNetwork(planOf(at === undefined ? {} : { value: at }), { device: opened.device });
    await alone.load(weights);
    const expected = [...(await alone.predict(images))];
    expect(expected.some((value) => Math.abs(value) > 1e-2)).toBe(true);
    const actual = [...found[index]!];
    expect(actual).toHaveLength(expected.length);
    expect(Math.max(...actual.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-5);
    alone.destroy();
  }
  await expect(whole.predict(images, "nothing")).rejects.toThrow("M has no feature nothing; it has ");
  whole.destroy();
});

test("cost nothing where they are not asked for, and are no value that has no name", () => {
  const plain = planOf({});
  expect(plain.inference).not.toHaveProperty("features");
  expect(planOf({ features: [] })).toEqual(plain);
  expect(planOf({ features: ["stem", "stem"] }).inference.features).toMatchObject({ stem: { shape: [3, 4, 4] } });
  expect(() => planOf({ features: ["stern"] })).toThrow("stern: M has no such value or layer; it has stem, pooled, ");
  expect(() => planOf({ value: "inner" })).toThrow("M has 2 values of this name; say which: pair1.inner, pair2.inner");
});
