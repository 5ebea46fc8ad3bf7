/** One training step of a network case: that the whole step runs here, and that its update is the gradient's. */
import type { Gradients, Network, Targets } from "cnnc/runtime";
import type { ComputationCase } from "./caseFile.ts";
import { fillTensor } from "./fillTensor.ts";
import type { MatchedTensor } from "./matchParameters.ts";
import { median, rms } from "./measureError.ts";
import { quantity, toleranceOf, worstQuantity, type Quantity } from "./report.ts";

/** What float32 rounds off in `w - rate * gradient`, over the size of both. */
const updateTolerance = 1e-6;

/**
 * Takes one step of plain descent and gives two quantities: its loss against the case's, and the parameters after it against
 * `w - rate * gradient`. The rate makes a typical tensor's update as large as the tensor, so that no update would be seen.
 */
export async function verifyStep(
  test: ComputationCase,
  network: Network,
  parameters: readonly MatchedTensor[],
  batch: { readonly images: Float32Array; readonly targets: Targets },
  { gradients }: Gradients,
): Promise<readonly Quantity[]> {
  const gradientOf = ({ plan }: MatchedTensor): Float32Array => {
    const gradient = gradients[plan.name];
    if (gradient === undefined) throw new Error(`${plan.name} has no gradient`);
    return gradient;
  };
  const sizes = parameters.map((each) => {
    const { scale, offset } = each.reference.fill;
    // Of a fill: uniform in offset +- scale.
    return Math.hypot(offset, scale / Math.sqrt(3)) / rms(gradientOf(each));
  });
  const rate = Math.fround(median(sizes.filter(Number.isFinite)) || 1);
  await network.prepare("training");
  network.setRate(rate);
  const { loss } = await network.trainStep(batch.images, batch.targets).metrics();
  const { loss: expected = NaN, loss_scale: scale = Math.abs(expected) } = test.expect;

  const errors = new Map<string, number>();
  for (const each of parameters) {
    const [before, gradient] = [fillTensor(each.reference), gradientOf(each)];
    const after = await network.parameter(each.plan.name).read();
    errors.set(each.reference.name, updateError(before, gradient, after, rate));
  }
  return [
    quantity("step_loss", Math.abs(loss - expected) / scale, toleranceOf(test, "loss")),
    worstQuantity("update", errors, updateTolerance),
  ];
}

/** r.m.s. of `after - (before - rate * gradient)` over that of `before` and of `rate * gradient`. */
function updateError(before: Float32Array, gradient: Float32Array, after: Float32Array, rate: number): number {
  let [squares, size] = [0, 0];
  for (let i = 0; i < before.length; i++) {
    const [was, moved] = [before[i] as number, rate * (gradient[i] as number)];
    squares += ((after[i] as number) - (was - moved)) ** 2;
    size += was * was + moved * moved;
  }
  return Math.sqrt(squares / Math.max(size, 1e-300));
}
