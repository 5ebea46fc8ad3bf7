/** A recorded training run of a small network: its recipe, and PyTorch's rates, losses and parameters of every step. */
import type { Network } from "cnnc/runtime";
import { compile } from "../compile.ts";
import { readText } from "../files/readText.ts";
import { UserError } from "../files/userError.ts";
import type { CompiledNetwork } from "../ir/output.ts";
import type { Recipe } from "../ir/recipe.ts";
import { momentumOf, rateOf } from "../training/rateOf.ts";
import { setMomentum } from "../training/openNetwork.ts";
import { fillTensor, formulaLabels, type FilledTensor } from "./fillTensor.ts";
import { largest } from "./measureError.ts";
import { quantity, reportOf, type CaseReport, type Quantity } from "./report.ts";
import { shapeElements } from "../ir/graph.ts";

export interface Trace {
  readonly format: "cnnc-trace/1";
  readonly name: string;
  /** A model with its recipe. */
  readonly spec: string;
  readonly images: FilledTensor;
  readonly classes: number;
  /** The images of each step of an epoch, as half-open ranges. */
  readonly steps: readonly (readonly [number, number])[];
  readonly epochs: number;
  /** The images whose loss follows each epoch. */
  readonly validation: readonly [number, number];
  readonly parameters: readonly FilledTensor[];
  readonly tolerance: number;
  readonly expect: {
    readonly rates: readonly number[];
    readonly momenta: readonly number[];
    readonly losses: readonly number[];
    readonly validationLosses: readonly number[];
    /** Where the schedule watches them. */
    readonly validationAccuracies?: readonly number[];
    readonly parameters: Readonly<Record<string, readonly number[]>>;
  };
}

/** Rates are computed by the host in doubles. */
const rateTolerance = 1e-9;

/** Reads a trace; throws `UserError` where the file is none. */
export function readTrace(path: string): Trace {
  const trace = JSON.parse(readText(path)) as { readonly format?: unknown };
  if (trace.format !== "cnnc-trace/1")
    throw new UserError(`${path} is no trace: its format is ${String(trace.format)}`);
  return trace as Trace;
}

/** The network of a trace, compiled. */
export function compileTrace(trace: Trace): CompiledNetwork & { readonly recipe: Recipe } {
  const { network, diagnostics } = compile({ path: `${trace.name}.cnn`, text: trace.spec });
  if (network?.recipe === undefined) {
    throw new UserError(`${trace.name}: ${diagnostics.map(({ message }) => message).join("\n")}`);
  }
  return { ...network, recipe: network.recipe };
}

/** Trains a fresh network as the trace says, by its own recipe, and compares every number. */
export async function verifyTrace(trace: Trace, recipe: Recipe, network: Network): Promise<CaseReport> {
  const { expect, steps, epochs, tolerance } = trace;
  for (const tensor of trace.parameters) network.parameter(tensor.name).write(fillTensor(tensor));
  const [count = 0, ...shape] = trace.images.shape;
  const size = shapeElements(shape);
  const [images, labels] = [fillTensor(trace.images), formulaLabels(count, trace.classes)];
  const part = ([start, end]: readonly [number, number]) => ({
    images: images.subarray(start * size, end * size),
    labels: labels.subarray(start, end),
  });
  const [rateAt, momentumAt] = [rateOf(recipe, epochs), momentumOf(recipe, epochs)];
  const [rates, momenta, losses, testLosses, testAccuracies]: number[][] = [[], [], [], [], []] as const;
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const range of steps) {
      const at = { step: losses.length, stepsPerEpoch: steps.length, testLosses, testAccuracies };
      const [rate, momentum] = [rateAt(at), momentumAt(at)];
      network.setRate(rate);
      if (momentum !== undefined) setMomentum(network, momentum);
      rates.push(rate);
      if (momentum !== undefined) momenta.push(momentum);
      const batch = part(range);
      losses.push((await network.trainStep(batch.images, batch.labels).metrics()).loss);
    }
    const { loss, accuracy } = await network.evaluate(part(trace.validation));
    testLosses.push(loss);
    testAccuracies.push(accuracy);
  }
  const quantities: Quantity[] = [
    listQuantity("rates", rates, expect.rates, rateTolerance),
    ...(momenta.length > 0 ? [listQuantity("momenta", momenta, expect.momenta, rateTolerance)] : []),
    listQuantity("losses", losses, expect.losses, tolerance),
    listQuantity("validation", testLosses, expect.validationLosses, tolerance),
    ...(expect.validationAccuracies === undefined
      ? []
      : [listQuantity("accuracies", testAccuracies, expect.validationAccuracies, tolerance)]),
  ];
  const errors: number[] = [];
  for (const [name, values] of Object.entries(expect.parameters)) {
    const actual = await network.parameter(name).read();
    const greatest = Math.max(...values.map(Math.abs));
    errors.push(largest(values.map((value, index) => Math.abs((actual[index] ?? NaN) - value) / greatest)));
  }
  const worst = Object.keys(expect.parameters)[errors.indexOf(largest(errors))];
  quantities.push(quantity("parameters", largest(errors), tolerance, worst));
  return reportOf(trace.name, quantities);
}

/** The largest relative error among the elements of two lists, which must be of one length. */
function listQuantity(
  name: string,
  actual: readonly number[],
  expected: readonly number[],
  tolerance: number,
): Quantity {
  if (actual.length !== expected.length) return quantity(name, NaN, tolerance);
  const errors = expected.map((value, index) => Math.abs((actual[index] ?? NaN) - value) / Math.abs(value));
  const worst = largest(errors);
  return quantity(name, worst, tolerance, `step ${errors.indexOf(worst) + 1}`);
}
