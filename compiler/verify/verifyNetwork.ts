/** Runs a compiled network as a case says and measures what comes out. */
import type { Network } from "cnnc/runtime";
import type { ImageSet } from "../datasets/imageSet.ts";
import { firstMaximum } from "../training/metrics.ts";
import type { ComputationCase, TrainingCase } from "./caseFile.ts";
import { caseRate } from "./caseRecipe.ts";
import { fillTensor, type FilledTensor } from "./fillTensor.ts";
import { matchParameters, type MatchedTensor, type MatchedTensors } from "./matchParameters.ts";
import { largest } from "./measureError.ts";
import {
  exactQuantity, quantity, reportOf, tensorQuantities, toleranceOf, type ActualTensor, type CaseReport, type Quantity,
} from "./report.ts"; // prettier-ignore
import { verifyStep } from "./verifyStep.ts";
import { imagesOf } from "./verifyWithoutModel.ts";
import { shapeElements } from "../ir/graph.ts";

type Tensors = Readonly<Record<string, Float32Array>>;

/** An op, a block or a network: one forward and one backward pass on filled inputs, and a training step if asked for. */
export async function verifyComputation(
  test: ComputationCase,
  network: Network,
  { step = false }: { readonly step?: boolean } = {},
): Promise<CaseReport> {
  const matched = matchParameters(network.plan, test.params, test.name);
  await loadFills(network, matched);
  const count = test.inputs[0]?.shape[0] ?? 0;
  const images = joinInputs(test.inputs, count);
  const targets = test.loss.kind === "dot" ? fillTensor(test.loss.cotangent) : Uint32Array.from(test.labels ?? []);
  const result = await network.gradients(images, targets);
  const quantities: Quantity[] = [];

  const outputs = new Map<string, ActualTensor>();
  const logits = test.mode === "train" ? result.logits : await network.predict(images);
  if (logits !== undefined) outputs.set("output", { shape: [count, ...network.plan.outputShape], values: logits });
  for (const { name, shape } of network.plan.training?.auxiliaryLogits ?? []) {
    const values = result.auxiliaryLogits?.[name];
    if (values !== undefined) outputs.set(name, { shape: [count, ...shape], values });
  }
  quantities.push(...tensorQuantities(test, "outputs", outputs));
  // A dot product is a sum over the batch, every other loss a mean.
  const loss = test.loss.kind === "dot" ? result.loss * count : result.loss;
  const { loss: expected = NaN, loss_scale: scale = Math.abs(expected), grad_floor: floor = 0 } = test.expect;
  quantities.push(quantity("loss", Math.abs(loss - expected) / scale, toleranceOf(test, "loss")));
  quantities.push(...tensorQuantities(test, "grads", byReference(matched.parameters, result.gradients), floor));
  if (test.kind !== "network" && result.images !== undefined) {
    quantities.push(...tensorQuantities(test, "input_grads", splitInputs(test.inputs, result.images)));
  }
  if (test.mode === "train") {
    quantities.push(...tensorQuantities(test, "buffers_after", byReference(matched.states, result.states)));
  }
  if (step) quantities.push(...(await verifyStep(test, network, matched.parameters, { images, targets }, result)));
  return reportOf(test.name, [...quantities, ...missingQuantities(test, quantities)]);
}

/** A short training run on real images. `images` gives the images of a split. */
export async function verifyTraining(
  test: TrainingCase,
  network: Network,
  images: (split: "train" | "test") => ImageSet,
): Promise<CaseReport> {
  const matched = matchParameters(network.plan, test.params, test.name);
  await loadFills(network, matched);
  const { expect, data } = test;
  const quantities: Quantity[] = [];
  const losses: number[] = [];
  for (const [step, [start, end]] of data.batches.entries()) {
    const batch = await imagesOf(data, images(data.split), start, end);
    if (step === 0) {
      const { gradients } = await network.gradients(batch.images, batch.labels);
      const actual = byReference(matched.parameters, gradients);
      quantities.push(...tensorQuantities(test, "grads", actual, expect.grad_floor));
    }
    network.setRate(caseRate(test, step));
    losses.push((await network.trainStep(batch.images, batch.labels).metrics()).loss);
  }
  const errors = (expect.losses ?? []).map((loss, step) => Math.abs((losses[step] ?? NaN) - loss) / Math.abs(loss));
  const worst = largest(errors);
  const where = `step ${errors.findIndex((error) => Object.is(error, worst)) + 1} of ${errors.length}`;
  quantities.unshift(quantity("losses", worst, toleranceOf(test, "losses"), where));

  const after = await network.stateDict();
  quantities.push(...tensorQuantities(test, "params_after", byReference(matched.parameters, after)));
  quantities.push(...tensorQuantities(test, "buffers_after", byReference(matched.states, after)));
  if (test.evaluation !== undefined) {
    const { split, start, end } = test.evaluation;
    const batch = await imagesOf(data, images(split), start, end);
    const logits = await network.predict(batch.images);
    const classes = logits.length / (end - start);
    const tensor = new Map([["logits", { shape: [end - start, classes], values: logits }]]);
    quantities.push(...tensorQuantities(test, "eval_logits", tensor));
    const rows = Array.from(
      batch.labels,
      (label, i) => firstMaximum(logits.subarray(i * classes, (i + 1) * classes)) === label,
    );
    const correct = rows.filter(Boolean).length;
    quantities.push(exactQuantity("eval_correct", Math.abs(correct - (expect.eval?.correct ?? NaN))));
  }
  return reportOf(test.name, [...quantities, ...missingQuantities(test, quantities)]);
}

/** A network has one input: a case's several are joined along the channels, sample by sample. */
function joinInputs(inputs: readonly FilledTensor[], count: number): Float32Array<ArrayBuffer> {
  const filled = inputs.map((input) => fillTensor(input));
  const sampleSize = filled.reduce((sum, values) => sum + values.length / count, 0);
  const joined = new Float32Array(count * sampleSize);
  let at = 0;
  for (let sample = 0; sample < count; sample++) {
    for (const values of filled) {
      const size = values.length / count;
      joined.set(values.subarray(sample * size, (sample + 1) * size), at);
      at += size;
    }
  }
  return joined;
}

/** The gradient of each of a case's inputs, out of that of all of them joined. */
function splitInputs(inputs: readonly FilledTensor[], joined: Float32Array): ReadonlyMap<string, ActualTensor> {
  const sizes = inputs.map(({ shape }) => shapeElements(shape.slice(1)));
  const sampleSize = sizes.reduce((sum, size) => sum + size, 0);
  let before = 0;
  return new Map(
    inputs.map(({ name, shape }, index) => {
      const size = sizes[index] ?? 0;
      const start = before;
      before += size;
      const values = Float32Array.from({ length: (shape[0] ?? 0) * size }, (_, i) => {
        const [sample, within] = [Math.floor(i / size), i % size];
        return joined[sample * sampleSize + start + within] ?? NaN;
      });
      return [name, { shape, values }];
    }),
  );
}

/** What may wait on its way to the device: its queue holds a copy of everything written since the last submit. */
const waitingBytes = 1 << 26;

/** Every tensor of the network as the case fills it, one after another: all at once would be twice the network in memory. */
async function loadFills(network: Network, { parameters, states }: MatchedTensors): Promise<void> {
  const { queue } = network.device;
  let waiting = 0;
  for (const { plan, reference } of [...parameters, ...states]) {
    const values = fillTensor(reference);
    network.parameter(plan.name).write(values);
    waiting += values.byteLength;
    if (waiting < waitingBytes) continue;
    queue.submit([]);
    await queue.onSubmittedWorkDone();
    waiting = 0;
  }
}

/** The network's tensors under the names that the case gives them. */
function byReference(matched: readonly MatchedTensor[], tensors: Tensors): ReadonlyMap<string, ActualTensor> {
  return new Map(
    matched.flatMap(({ plan, reference }) => {
      const values = tensors[plan.name];
      return values === undefined ? [] : [[reference.name, { shape: plan.shape, values }] as const];
    }),
  );
}

/** Whatever the case has a tolerance for and the network gave nothing for is a miss, not a silence. */
function missingQuantities(test: ComputationCase | TrainingCase, found: readonly Quantity[]): readonly Quantity[] {
  const names = new Set(found.map(({ name }) => name));
  return Object.entries(test.tolerance)
    .filter(([name]) => !names.has(name))
    .map(([name, tolerance]) => quantity(name, NaN, tolerance, "not given by the network"));
}
