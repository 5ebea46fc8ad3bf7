/** Steps that compute forward values again for their backward pass: the same numbers from fewer bytes. */
import { describe, expect, test } from "@jest/globals";
import { compile } from "../../compiler/compile.ts";
import { chooseRecomputed, recomputedUnasked } from "../../compiler/3-differentiate/chooseRecomputed.ts";
import { recomputeForward } from "../../compiler/3-differentiate/recomputeForward.ts";
import { verifyGraph } from "../../compiler/ir/graph.ts";
import { compileText } from "../support/compileText.ts";
import { interpretGraph } from "../support/interpret.ts";
import { differenceOf, feedsFor, memoryProblems, programDifferences, verifyProgram } from "../support/planChecks.ts";
import { planProblems } from "../support/planProblems.ts";
import { networkText } from "../support/randomSpec.ts";

const settings = { batch: 3, count: 2, uniforms: { step: 5, seed: 7 } } as const;
const options = { batch: 3, imageGradient: true, keepLogits: true } as const;

const networks = [
  ["a plain chain", "2 x 5 x 5", "repeat 5 { conv(4, kernel: 3, padding: 1) -> relu }\nglobal_avg_pool -> flatten -> linear(3)"],
  ["batch norm, whose statistics are kept", "2 x 6 x 6", "repeat 4 { conv(4, kernel: 3, padding: 1, bias: false) -> batch_norm -> relu }\nflatten -> linear(3)"],
  ["residual blocks", "3 x 6 x 6", "conv(4, kernel: 1)\nrepeat 4 { resblock(4) }\nglobal_avg_pool -> flatten -> linear(3)"],
  ["a dense block, joined in place", "3 x 4 x 4", "dense_block(2, 2) -> transition(3)\ndense_block(2, 2)\nflatten -> linear(3)"],
  ["pooling by places, and dropout, which draws the same again", "2 x 8 x 8", "conv(3, kernel: 3, padding: 1) -> relu -> max_pool(2) -> dropout(0.4)\nconv(4, kernel: 3, padding: 1) -> tanh -> max_pool(2) -> dropout(0.3)\nflatten -> linear(6) -> relu -> linear(3)"],
  ["an auxiliary head in the middle", "2 x 6 x 6", "conv(3, kernel: 3, padding: 1) -> relu -> conv(3, kernel: 3, padding: 1) -> relu as stem\nhead aux from stem weight 0.3 { flatten -> linear(3) }\nconv(4, kernel: 3, padding: 1) -> relu -> conv(4, kernel: 3) -> relu\nflatten -> linear(3)"],
] as const; // prettier-ignore

describe("forward values computed again", () => {
  test.each(networks)("%s: every way gives each gradient the same numbers", (_, input, body) => {
    const { trainingGraph: graph } = compileText(networkText(input, body), options);
    const feeds = feedsFor(graph, settings.batch, 3);
    const expected = interpretGraph(graph, feeds, settings);
    const ways = [...chooseRecomputed(graph), recomputedUnasked(graph, () => 2 ** 30)];
    let copies = 0;
    for (const { values } of ways) {
      const lean = recomputeForward(graph, values);
      verifyGraph(lean);
      copies = Math.max(copies, lean.nodes.length - graph.nodes.length);
      const actual = interpretGraph(lean, feeds, settings);
      for (const value of [...graph.gradientOf.values(), ...graph.updateOf.values(), graph.metrics]) {
        const [ours, theirs] = [actual, expected].map((all) => all.get(value)?.values ?? Float64Array.of(NaN));
        expect(differenceOf(ours as Float64Array, theirs as Float64Array)).toBe(0);
      }
    }
    expect(copies).toBeGreaterThan(0);
  });

  test.each(networks)("%s: kernels and memory of a leaner step", (_, input, body) => {
    const text = networkText(input, body);
    const plain = compileText(text, options);
    const lean = compileText(text.replace(/train (\w+) \{/, "train $1 {\n  memory 0.95"), options);
    const unfused = compileText(text.replace(/train (\w+) \{/, "train $1 {\n  memory 0.95"), {
      ...options,
      fuse: false,
    });
    for (const { training, plan } of [lean, unfused]) {
      verifyProgram(training);
      expect([...memoryProblems(training), ...planProblems(plan)]).toEqual([]);
    }
    const { heldBytes = NaN, wholeBytes = NaN, work = NaN } = lean.recomputation ?? {};
    expect(heldBytes / wholeBytes).toBeLessThanOrEqual(0.95);
    expect(work).toBeGreaterThan(0);
    expect(lean.trainingGraph.nodes.length).toBeGreaterThan(plain.trainingGraph.nodes.length);
    const feeds = feedsFor(lean.trainingGraph, settings.batch, 3);
    expect(programDifferences(lean.training, lean.training, feeds, settings).problems).toEqual([]);
  });

  test("the chain at half the memory runs most of its convolutions twice, and no less is reached than is said", () => {
    const half = networkText("2 x 5 x 5", networks[0][2]).replace(/train (\w+) \{/, "train $1 {\n  memory 0.5");
    const { recomputation } = compileText(half, options);
    expect((recomputation?.heldBytes ?? NaN) / (recomputation?.wholeBytes ?? NaN)).toBeLessThanOrEqual(0.5);
    const { diagnostics, network } = compile({ path: "input.cnn", text: half.replace("memory 0.5", "memory 0.01") });
    expect(network).toBeUndefined();
    expect(diagnostics).toMatchObject([{ code: "CNN4004", severity: "error" }]);
    const [, reached] = /memory ([\d.]+) is what it comes down to/.exec(diagnostics[0]?.help ?? "") ?? [];
    expect(compile({ path: "input.cnn", text: half.replace("memory 0.5", `memory ${reached}`) }).diagnostics).toEqual(
      [],
    );
  });

  test("unasked, what is made of kept values alone: relu of batch norm, and not of a convolution", () => {
    const layers = (norm: string): string =>
      networkText("2 x 6 x 6", `repeat 3 { conv(4, kernel: 3, padding: 1) ${norm} -> relu }\nflatten -> linear(3)`);
    const opsOf = (text: string, bytes: number): readonly string[] => {
      const { trainingGraph: graph } = compileText(text, options);
      const { values } = recomputedUnasked(graph, () => bytes);
      return graph.nodes.filter(({ output }) => values.has(output)).map(({ op }) => op);
    };
    const normed = ["batch_normalize", "relu"];
    expect(opsOf(layers("-> batch_norm"), 2 ** 26)).toEqual([...normed, ...normed, ...normed]);
    expect(opsOf(layers(""), 2 ** 26)).toEqual([]);
    // Three values of which each has a little less than a third of 64 MiB.
    expect(opsOf(layers("-> batch_norm"), 2 ** 24)).toEqual([]);
  });

  test("unasked, a large network holds less at its peak, and memory 1 keeps all", () => {
    const text = networkText("3 x 32 x 32", "dense_block(4, 24) -> batch_norm -> relu -> global_avg_pool -> flatten -> linear(3)"); // prettier-ignore
    const compiled = (more: string): ReturnType<typeof compileText> =>
      compileText(text.replace(/train (\w+) \{/, `train $1 {${more}`), { batch: 128 });
    const [lean, whole] = [compiled(""), compiled("\n  memory 1")];
    expect(lean.recomputation?.work).toBeGreaterThan(0);
    expect(lean.peakBytes.training ?? NaN).toBeLessThan(0.8 * (whole.peakBytes.training ?? NaN));
    expect([...memoryProblems(lean.training), ...planProblems(lean.plan)]).toEqual([]);
  });

  test("memory 1 computes nothing again", () => {
    const whole = networkText("2 x 5 x 5", networks[0][2]).replace(/train (\w+) \{/, "train $1 {\n  memory 1");
    expect(compileText(whole, options).recomputation?.work).toBe(0);
  });
});
