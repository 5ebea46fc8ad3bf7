/** Bytes of activations that a step holds for its backward pass, against counts by hand. */
import { expect, test } from "@jest/globals";
import { summarizeMemory } from "../../../compiler/commands/summarizeMemory.ts";
import { compileText } from "../../support/compileText.ts";

function heldBy(body: string, { recipe = "", fuse = true }: { recipe?: string; fuse?: boolean } = {}): number {
  const text = `model Net { input 8 ${body} }
train Net { data arrays("x.npy", "y.npy")  optimizer sgd(lr: 0.1)  batch 2 ${recipe} }`;
  const { activations } = summarizeMemory(compileText(text, { fuse }));
  if (activations === undefined) throw new Error("nothing is trained");
  return activations;
}

/** Of a batch of two vectors. */
const bytes = (...features: readonly number[]): number => features.reduce((sum, each) => sum + 2 * each * 4, 0);

test("the inputs of layers with weights, and what an activation's gradient reads", () => {
  expect(heldBy("linear(4)")).toBe(bytes(8));
  expect(heldBy("linear(16) -> relu -> linear(4)")).toBe(bytes(8, 16));
  expect(heldBy("linear(16) -> sigmoid -> linear(12) -> tanh -> linear(4)")).toBe(bytes(8, 16, 12));
});

test("what only the forward pass reads is not held", () => {
  // The first layer has no gradient: its input goes with the forward pass.
  expect(heldBy("linear(16) as stem -> relu -> linear(4)", { recipe: "freeze stem" })).toBe(bytes(16));
});

test("a value that both branches of a sum read counts once", () => {
  const branches = "linear(16) -> relu add { branch { linear(16) } branch { } } linear(4)";
  expect(heldBy(branches)).toBe(bytes(8, 16, 16));
});

test("a plan of one kernel a node holds no less", () => {
  const body = "linear(16) -> relu -> linear(12) -> sigmoid -> linear(4)";
  expect(heldBy(body, { fuse: false })).toBeGreaterThanOrEqual(heldBy(body));
});
