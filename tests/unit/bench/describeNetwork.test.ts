import { describe, expect, test } from "@jest/globals";
import { describeNetwork } from "../../../bench/describeNetwork.ts";
import { compile } from "../../../compiler/compile.ts";
import type { CompiledNetwork } from "../../../compiler/ir/output.ts";

function network(recipe: string): CompiledNetwork {
  const text = `
    model Tiny { input 2 x 4 x 4  conv(3, kernel: 3) -> batch_norm -> relu -> flatten -> linear(5) }
    train Tiny { data arrays("x.npy", "y.npy")  batch 7  ${recipe} }`;
  const { network: compiled, diagnostics } = compile({ path: "tiny.cnn", text });
  if (compiled === undefined) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return compiled;
}

describe("describeNetwork", () => {
  test("tensors follow one another in the file of first values, parameters before statistics", () => {
    const { parameters, states } = describeNetwork(network("optimizer sgd(lr: 0.1, momentum: 0.9)"), 0);
    const places = [...parameters, ...states].map(({ name, offset }) => [name, offset]);
    expect(places).toEqual([
      ["conv1.weight", 0],
      ["conv1.bias", 54],
      ["batch_norm1.weight", 57],
      ["batch_norm1.bias", 60],
      ["linear1.weight", 63],
      ["linear1.bias", 123],
      ["batch_norm1.running_mean", 128],
      ["batch_norm1.running_var", 131],
    ]);
  });

  test("the description survives JSON and has the forward nodes, the step's settings and the counts", () => {
    const described = describeNetwork(network("optimizer sgd(lr: 0.1, momentum: 0.9)"), 123);
    expect(JSON.parse(JSON.stringify(described))).toEqual(described);
    expect(described).toMatchObject({
      name: "Tiny",
      seed: 0,
      batch: 7,
      inputShape: [2, 4, 4],
      classes: 5,
      rate: 0.1,
      momentum: 0.9,
      multiplyAdds: 123,
    });
    expect(described.nodes.map(({ op }) => op)).toEqual(["conv", "batch_norm", "relu", "reshape", "linear"]);
    expect(described.nodes.at(-1)?.output).toBe(described.output);
  });

  test.each([
    ["optimizer adam(lr: 0.1)", "sgd with cross_entropy alone"],
    ["optimizer sgd(lr: 0.1) loss cross_entropy(label_smoothing: 0.1)", "sgd with cross_entropy alone"],
    ["optimizer sgd(lr: 0.1, momentum: 0.9, nesterov: true)", "lr and momentum alone"],
    ["optimizer sgd(lr: 0.1, weight_decay: 0.1)", "lr and momentum alone"],
  ])("peers would do something else with %s", (recipe, message) => {
    expect(() => describeNetwork(network(recipe), 0)).toThrow(message);
  });
});
