/**
 * Fused plans against the graph that they come from, on the CPU in float64: fusion and scheduling rename and regroup, so
 * every value that is stored must be the same number.
 */
import { describe, expect, test } from "@jest/globals";
import { compileText } from "../support/compileText.ts";
import type { TrainableNetwork } from "../support/compileText.ts";
import { feedsFor, memoryProblems, programDifferences, verifyProgram } from "../support/planChecks.ts";
import { networkText } from "../support/randomSpec.ts";

const settings = { batch: 3, count: 2, uniforms: { step: 5, seed: 7 } } as const;

/** Checks both programs of a fused and an unfused network; how many values were compared. */
function compareNetworks(fused: TrainableNetwork, unfused: TrainableNetwork): number {
  return [[fused.training, unfused.training] as const, [fused.inference, unfused.inference] as const].reduce(
    (sum, [ours, theirs]) => {
      for (const program of [ours, theirs]) {
        verifyProgram(program);
        expect(memoryProblems(program)).toEqual([]);
      }
      const { compared, problems } = programDifferences(
        ours,
        theirs,
        feedsFor(ours.graph, settings.batch, 3),
        settings,
      );
      expect(problems).toEqual([]);
      return sum + compared;
    },
    0,
  );
}

describe("fused kernels store what the graph computes", () => {
  test.each([
    ["conv, relu, max pooling with a remainder", "2 x 11 x 9", "conv(3, kernel: 3) -> relu -> max_pool(2)\nflatten -> linear(3)"],
    ["avg pooling before the activation", "1 x 8 x 8", "conv(4, kernel: 3) -> avg_pool(2) -> tanh\nflatten -> linear(3)"],
    ["strided conv", "3 x 9 x 7", "conv(4, kernel: 3, stride: 2, padding: 1) -> relu\nflatten -> linear(3)"],
    ["residual", "3 x 6 x 6", "conv(4, kernel: 1)\nresblock(4) -> resblock(6, stride: 2)\nglobal_avg_pool -> flatten -> linear(3)"],
    ["dense", "3 x 6 x 6", "dense_block(2, 3) -> transition(4)\nflatten -> linear(3)"],
    ["dense, in places where bindings can begin", "2 x 8 x 8", "conv(4, kernel: 1) -> dense_block(3, 2, width: 2)\nglobal_avg_pool -> flatten -> linear(3)"],
    ["a part added to between other parts", "2 x 8 x 8", "conv(2, kernel: 1) as a -> tanh as b\nconcat { branch { } branch { from a } branch { from b -> conv(2, kernel: 3, padding: 1) } }\nconv(3, kernel: 1) -> flatten -> linear(3)"],
    ["inception", "3 x 5 x 5", "inception(2, (1, 2), (2, 1), 3)\nglobal_avg_pool -> flatten -> linear(3)"],
    ["linear layers alone", "6", "linear(5) -> relu -> linear(4) -> sigmoid -> linear(3)"],
    ["heads", "2 x 6 x 6", "conv(3, kernel: 3) -> relu as stem\nhead aux from stem weight 0.3 { flatten -> linear(3) }\nmax_pool(2) -> flatten -> linear(3)"],
    ["vectors joined of images", "3 x 3 x 3", "concat { branch { silu -> flatten } branch { flatten -> linear(3) } }\nlinear(3)"],
    ["a product with the channels' weights", "2 x 5 x 5", "conv(4, kernel: 3)\nmultiply { branch { } branch { global_avg_pool -> conv(4, kernel: 1) -> sigmoid } }\nflatten -> linear(3)"],
  ])("%s", (_, input, body) => {
    const text = networkText(input, body);
    const fused = compileText(text, { batch: 3, imageGradient: true, keepLogits: true });
    const unfused = compileText(text, { batch: 3, imageGradient: true, keepLogits: true, fuse: false });
    expect(compareNetworks(fused, unfused)).toBeGreaterThan(fused.graph.parameters.length);
    expect(fused.training.kernels.kernels.length).toBeLessThan(unfused.training.kernels.kernels.length);
  }); // prettier-ignore
});
