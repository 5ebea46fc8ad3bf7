/**
 * The recorded op and block cases on the interpreter, in float32: the graph that a spec becomes, without kernels or an
 * adapter. Cases of many multiply-adds are left to the tests on an adapter, which run all of them.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { differentiate } from "../../compiler/3-differentiate/differentiate.ts";
import type { TrainingLoss } from "../../compiler/3-differentiate/buildLoss.ts";
import { checkSource } from "../../compiler/check.ts";
import type { Graph, TrainingGraph } from "../../compiler/ir/graph.ts";
import { elementCount, typesOf } from "../../compiler/ir/graph.ts";
import type { CaseLoss, ComputationCase, ConformanceCase } from "../../compiler/verify/caseFile.ts";
import { readCase } from "../../compiler/verify/caseFile.ts";
import { fillTensor } from "../../compiler/verify/fillTensor.ts";
import { tensorError } from "../../compiler/verify/measureError.ts";
import type { Tensor, Values } from "../support/interpret.ts";
import { interpretGraph } from "../support/interpret.ts";

const folder = join(import.meta.dirname, "../conformance");
const mostWork = 1_000_000;

const cases = readdirSync(join(folder, "cases"))
  .filter((file) => file.endsWith(".json"))
  .map((file) => readCase(join(folder, "cases", file)))
  .filter(isComputation)
  .filter((each) => workOf(each) <= mostWork);

function isComputation(each: ConformanceCase): each is ComputationCase {
  return each.kind === "op" || each.kind === "block";
}

/** Multiply-adds of the convolutions and linear layers: every weight counts once for each output position. */
function workOf(each: ComputationCase): number {
  return each.architecture.reduce((sum, line) => {
    const layer = /layer=(\S+)/.exec(line)?.[1];
    const weight = each.params.find((parameter) => parameter.layer === layer && parameter.role === "weight");
    if (weight === undefined) return sum;
    const [batch = 1, , height = 1, width = 1] = line
      .slice(line.lastIndexOf("->") + 3)
      .split("x")
      .map(Number);
    return sum + weight.shape.reduce((product, size) => product * size, 1) * batch * height * width;
  }, 0);
}

function lossOf(loss: CaseLoss): TrainingLoss {
  if (loss.kind === "cross_entropy") return { kind: "cross_entropy", labelSmoothing: loss.label_smoothing };
  return { kind: loss.kind };
}

function graphOf(name: string): Graph {
  const text = readFileSync(join(folder, "specs", `${name}.cnn`), "utf8");
  const { checked, diagnostics } = checkSource({ path: `${name}.cnn`, text }, { anyOutput: true });
  if (checked === undefined) throw new Error(diagnostics.map(({ message }) => message).join("; "));
  return checked.graph;
}

/** Inputs joined along the channels, as the spec takes them. */
function joined(test: ComputationCase, batch: number): Float32Array {
  const parts = test.inputs.map((input) => fillTensor(input));
  const rows = Array.from({ length: batch }, (_, n) => parts.flatMap((part) => [...sampleOf(part, n, batch)]));
  return Float32Array.from(rows.flat());
}

function sampleOf(values: Values, sample: number, batch: number): Values {
  const size = values.length / batch;
  return values.subarray(sample * size, (sample + 1) * size);
}

function feedsOf(test: ComputationCase, graph: TrainingGraph, batch: number) {
  const isStatistic = (role: string): boolean => role.startsWith("running_");
  const [statistics, weights] = [
    test.params.filter(({ role }) => isStatistic(role)),
    test.params.filter(({ role }) => !isStatistic(role)),
  ];
  expect(weights.map(({ shape }) => shape)).toEqual(graph.parameters.map(({ type }) => type.shape));
  expect(statistics.map(({ shape }) => shape)).toEqual(graph.states.map(({ type }) => type.shape));
  const { loss, labels } = test;
  return {
    inputs: {
      images: joined(test, batch),
      ...(loss.kind === "dot" ? { cotangent: fillTensor(loss.cotangent) } : { labels: Uint32Array.from(labels ?? []) }),
    },
    parameters: Object.fromEntries(graph.parameters.map(({ name }, i) => [name, fillTensor(weights[i]!)])),
    states: Object.fromEntries(graph.states.map(({ name }, i) => [name, fillTensor(statistics[i]!)])),
    weights,
    statistics,
  };
}

test("the cases are there", () => {
  expect(cases.length).toBeGreaterThan(40);
});

test.each(cases.map((each) => [each.name, each] as const))("%s", (name, each) => {
  const { expect: expected, tolerance, measure, stored } = each;
  const options = { loss: lossOf(each.loss), imageGradient: true, training: each.mode === "train", dropout: false };
  const graph = differentiate(graphOf(name), options).output;
  const batch = each.inputs[0]!.shape[0]!;
  const { weights, statistics, ...feeds } = feedsOf(each, graph, batch);
  const values = interpretGraph(graph, feeds, { batch, count: batch, precision: "float32" });
  const tensorAt = (value: Parameters<typeof values.get>[0] | undefined): Tensor => {
    const tensor = value === undefined ? undefined : values.get(value);
    if (tensor === undefined) throw new Error("a value was not computed");
    return tensor;
  };
  const errorOf = (actual: Values, group: "outputs" | "grads" | "input_grads" | "buffers_after", key: string): number =>
    tensorError(actual, expected[group]![key]!, stored, measure, group === "grads" ? expected.grad_floor : 0);

  expect(errorOf(tensorAt(graph.heads[0]?.value).values, "outputs", "output")).toBeLessThanOrEqual(
    tolerance["outputs"]!,
  );

  const metrics = tensorAt(graph.metrics).values;
  const rows = Array.from({ length: batch }, (_, n) => metrics[2 * n] as number);
  const loss = rows.reduce((sum, row) => sum + row, 0) / (each.loss.kind === "dot" ? 1 : batch);
  expect(Math.abs(loss - expected.loss!) / expected.loss_scale!).toBeLessThanOrEqual(tolerance["loss"]!);

  const images = tensorAt(graph.gradientOf.get(graph.inputs[0]!.value)).values;
  let start = 0;
  for (const input of each.inputs) {
    const size = input.shape.reduce((product, extent) => product * extent, 1) / batch;
    const rowsOf = Array.from({ length: batch }, (_, n) => [
      ...sampleOf(images, n, batch).subarray(start, start + size),
    ]);
    expect(errorOf(Float32Array.from(rowsOf.flat()), "input_grads", input.name)).toBeLessThanOrEqual(
      tolerance["input_grads"]!,
    );
    start += size;
  }
  for (const [i, { value }] of graph.parameters.entries()) {
    const gradient = tensorAt(graph.gradientOf.get(value)).values;
    expect(errorOf(gradient, "grads", weights[i]!.name)).toBeLessThanOrEqual(tolerance["grads"]!);
  }
  if (expected.buffers_after !== undefined) {
    for (const [i, { value }] of graph.states.entries()) {
      const updated = tensorAt(graph.updateOf.get(value)).values;
      expect(errorOf(updated, "buffers_after", statistics[i]!.name)).toBeLessThanOrEqual(tolerance["buffers_after"]!);
    }
  }
  expect(elementCount(typesOf(graph).get(graph.metrics)!)).toBe(2);
});
