/**
 * Networks drawn at random from every layer of the table, on the CPU in float64: fused plans give what unfused ones give,
 * every stage's verification holds, memory is not overwritten too early, and gradients are those of central differences.
 *
 * The suite's networks are always the same. CNNC_RANDOM_RUNS=1000 checks more, CNNC_RANDOM_SEED=7 others.
 */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { layers, ops } from "../../compiler/ops/index.ts";
import { compileFitting } from "../support/compileText.ts";
import { diceOf, drawLayer, drawnLayers } from "../support/drawLayer.ts";
import { feedsFor, gradientProblems, memoryProblems, programDifferences, verifyProgram } from "../support/planChecks.ts"; // prettier-ignore
import { testNumbers } from "../support/layerGraph.ts";
import { planProblems } from "../support/planProblems.ts";
import { losses, randomNetwork, randomNetworkFor, randomNetworkWith } from "../support/randomSpec.ts";
import type { RandomNetwork } from "../support/randomSpec.ts";

const seed = Number(process.env["CNNC_RANDOM_SEED"] ?? 2);
const chunks = 4;
const runs = Math.ceil(Number(process.env["CNNC_RANDOM_RUNS"] ?? 60) / chunks);

/** Ops that no layer leads to: tests/numeric/preparation.test.ts has them. */
const preparationOps = [
  "center_crop", "crop_box", "crop_resized", "erase_box", "erased_box", "image_values", "jitter_brightness",
  "jitter_contrast", "jitter_saturation", "mean_grey", "normalize_image", "random_crop", "random_flip", "resize_image",
  "rotate_image", "rotation_angle", "row_grey", "subtract_mean",
]; // prettier-ignore

const seenLayers = new Set<string>();
const seenOps = new Set<string>();
const counts = { networks: 0, inSlabs: 0, fusedKernels: 0, unfusedKernels: 0, values: 0, gradients: 0 };

/** Everything that is wrong with a network, a line each. */
function problemsOf({ text, classes, options, count, uniforms }: RandomNetwork): readonly string[] {
  const settings = { batch: options.batch, count, uniforms };
  const fused = compileFitting(text, options);
  const unfused = compileFitting(text, { ...options, fuse: false });
  if (fused.training.kernels.slabsOf.size > 0 || fused.plan.batchSlabs !== undefined) counts.inSlabs++;
  const problems = [fused, unfused].flatMap(({ training, inference, plan }) => {
    for (const program of [training, inference]) verifyProgram(program);
    return [...memoryProblems(training), ...memoryProblems(inference), ...planProblems(plan)];
  });
  for (const program of ["training", "inference"] as const) {
    const { graph } = fused[program];
    for (const { op } of graph.nodes) seenOps.add(op);
    const feeds = feedsFor(graph, options.batch, classes);
    const differences = programDifferences(fused[program], unfused[program], feeds, settings);
    problems.push(...differences.problems);
    counts.values += differences.compared;
    counts.fusedKernels += fused[program].kernels.kernels.length;
    counts.unfusedKernels += unfused[program].kernels.kernels.length;
  }
  const feeds = feedsFor(fused.trainingGraph, options.batch, classes);
  const trained = { ...fused.training, graph: fused.trainingGraph };
  const gradients = gradientProblems(trained, feeds, settings, options.loss !== "dot");
  counts.gradients += gradients.compared;
  counts.networks++;
  for (const { op } of fused.graph.nodes) seenOps.add(op);
  return [...problems, ...gradients.problems];
}

function checkNetworks(networks: fc.Arbitrary<RandomNetwork>, parameters: fc.Parameters<[RandomNetwork]>): void {
  fc.assert(
    fc.property(networks, (network) => {
      for (const { name } of network.layers) seenLayers.add(name);
      expect(problemsOf(network)).toEqual([]);
    }),
    parameters,
  );
}

describe("random networks of all layers", () => {
  // A layer that chooses between ops by a word gets a network for each, as the seed draws it.
  test.each([...drawnLayers, "squeeze", "dense"].map((step, index) => [step, index] as const))(
    "with %s",
    (step, index) => {
      const words =
        layers.get(step)?.arguments.flatMap(({ type, words: all = [] }) => (type === "word" ? all : [])) ?? [];
      checkNetworks(randomNetworkWith(step), { numRuns: Math.max(1, words.length), seed: seed * 100 + index });
    },
  );

  test.each(losses)("with the loss %s", (loss) => {
    checkNetworks(randomNetworkFor(loss), { numRuns: 1, seed });
  });

  test("with batch_norm by its running statistics", () => {
    const frozen = randomNetworkWith("batch_norm").map((each) => ({
      ...each,
      options: { ...each.options, training: false },
    }));
    checkNetworks(frozen, { numRuns: 1, seed });
  });

  test.each(Array.from({ length: chunks }, (_, chunk) => chunk))("part %i", (chunk) => {
    checkNetworks(randomNetwork, { numRuns: runs, seed: seed * chunks + chunk });
  });

  test("use every layer of the table, each with every argument", () => {
    expect([...drawnLayers].sort()).toEqual([...layers.keys()].sort());
    expect([...layers.keys()].filter((name) => !seenLayers.has(name))).toEqual([]);
    for (const { name, arguments: known, expects } of layers.values()) {
      const shape = expects === "vector" ? [6] : [4, 6, 6];
      const drawn = Array.from({ length: 60 }, (_, i) => {
        const numbers = Array.from(testNumbers(24, i), (x) => Math.floor(500 * (x + 1)));
        return drawLayer(name, diceOf(numbers), shape);
      });
      const given = new Set(drawn.flatMap((each) => Object.keys(each?.args ?? {})));
      expect([name, ...known.filter((each) => !given.has(each.name)).map((each) => each.name)]).toEqual([name]);
    }
  });

  test("use every op, but those that prepare images", () => {
    expect([...ops.keys()].filter((name) => !seenOps.has(name))).toEqual(preparationOps);
  });

  test("fuse: fewer kernels than nodes", () => {
    expect(counts.fusedKernels).toBeLessThan(0.7 * counts.unfusedKernels);
    expect(counts.gradients).toBeGreaterThan(2 * counts.networks);
    expect(counts.values).toBeGreaterThan(10 * counts.networks);
  });
});
