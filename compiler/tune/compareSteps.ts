/** Whole training steps, or whole batches of predictions, of two plans of one network: side by side on one device, turn by turn. */
import { createNetwork, type Network } from "cnnc/runtime";
import type { NetworkPlan } from "../../runtime/plan.ts";
import { shapeElements } from "../ir/graph.ts";
import { median } from "../verify/measureError.ts";
import type { DeviceClock } from "./clock.ts";
import type { TunedProgram } from "./networkUnits.ts";
import type { Gain } from "./tuningTable.ts";

export interface Comparison extends Gain {
  /** The median over the rounds of after / before. */
  readonly ratio: number;
  /** The share of the rounds in which the second plan was the faster one. */
  readonly won: number;
  readonly rounds: number;
}

export interface CompareOptions {
  readonly program: TunedProgram;
  readonly leastRounds: number;
  readonly mostRounds: number;
  /** Whether there is time for another round. */
  readonly hasTime: () => boolean;
}

/** Microseconds of work that one sample takes at least, where steps are short. */
const leastSample = 30_000;
const mostSteps = 50;
/** How far the numbers of two ways of computing the same may lie apart: a share of the largest of their tensor. */
const differenceTolerance = 1e-3;
/** A gradient that is nothing but rounding (of a bias before batch norm) has the scale of all of them. */
const leastScale = 1e-2;

type Numbers = Float32Array | readonly number[];

/** Two plans do not compute the same. */
export class DifferentResults extends Error {
  override readonly name = "DifferentResults";
}

/** Times two plans of one network against each other; rejects with `DifferentResults` where their first results differ. */
export async function comparePlans(
  device: GPUDevice,
  clock: DeviceClock,
  plans: readonly [before: NetworkPlan, after: NetworkPlan],
  options: CompareOptions,
): Promise<Comparison> {
  const runs: StepRun[] = [];
  try {
    for (const plan of plans) runs.push(await openRun(device, plan, options.program));
    const [first, second] = runs as [StepRun, StepRun];
    const results = [await first.result(), await second.result()] as const;
    checkAlike(results);
    const once = await clock.timeWork(first.run);
    const steps = Math.min(mostSteps, Math.max(1, Math.ceil(leastSample / Math.max(once, 1))));
    const times: [number[], number[]] = [[], []];
    const ratios: number[] = [];
    const sample = async (which: 0 | 1): Promise<number> => {
      const { run } = which === 0 ? first : second;
      const time = await clock.timeWork(() => Promise.all(Array.from({ length: steps }, run)));
      times[which].push(time / steps);
      return time;
    };
    const { leastRounds, mostRounds, hasTime } = options;
    while (ratios.length < leastRounds || (ratios.length < mostRounds && hasTime())) {
      // Each goes first in every second round.
      const isEven = ratios.length % 2 === 0;
      const early = await sample(isEven ? 0 : 1);
      const late = await sample(isEven ? 1 : 0);
      ratios.push(isEven ? late / early : early / late);
    }
    return {
      before: median(times[0]),
      after: median(times[1]),
      ratio: median(ratios),
      won: ratios.filter((ratio) => ratio < 1).length / ratios.length,
      rounds: ratios.length,
    };
  } finally {
    for (const { network } of runs) network.destroy();
  }
}

interface StepRun {
  readonly network: Network;
  /** Gives the device one step, or one batch to predict. */
  readonly run: () => Promise<unknown>;
  /** The numbers that the first one gives, tensor by tensor: loss and gradients, or logits. */
  readonly result: () => Promise<readonly Numbers[]>;
}

/** A network on random images, with the first weights of its recipe; its steps leave them as they are. */
async function openRun(device: GPUDevice, plan: NetworkPlan, program: TunedProgram): Promise<StepRun> {
  const programs = program === "training" ? ([program, "gradients"] as const) : [program];
  const network = await createNetwork(plan, { device, programs });
  const images = pixels(plan.batch * shapeElements(plan.inputShape));
  if (program === "inference") {
    return {
      network,
      run: () => network.predict(images),
      result: async () => [await network.predict(images)],
    };
  }
  if (plan.uniforms.some(({ name }) => name === "lr")) network.setRate(0);
  const classes = shapeElements(plan.outputShape);
  const labels = Uint32Array.from({ length: plan.batch }, (_, index) => index % classes);
  return {
    network,
    run: () => {
      network.trainStep(images, labels);
      return Promise.resolve();
    },
    result: async () => {
      const { loss, gradients } = await network.gradients(images, labels);
      return [[loss], ...Object.values(gradients)];
    },
  };
}

/** Numbers from -1 to 1 by a fixed rule. */
function pixels(count: number): Float32Array {
  return Float32Array.from(
    { length: count },
    (_, index) => ((Math.imul(index + 1, 2654435761) >>> 8) % 2048) / 1024 - 1,
  );
}

/**
 * Throws where two ways' numbers differ by more than rounding: by a share of a tensor's largest, or of the largest of all where it holds
 * nothing else.
 */
export function checkAlike([first, second]: readonly [readonly Numbers[], readonly Numbers[]]): void {
  const largest = Math.max(...first.map(largestOf));
  for (const [tensor, numbers] of first.entries()) {
    const tolerance = differenceTolerance * Math.max(largestOf(numbers), leastScale * largest, 1e-6);
    const other = second[tensor] ?? [];
    const apart = numbers.findIndex((a: number, index: number) => {
      const b = other[index] ?? -Infinity;
      // Written so that NaN differs from a number.
      return !Object.is(a, b) && !(Math.abs(a - b) <= tolerance);
    });
    if (apart >= 0) throw new DifferentResults(`${String(numbers[apart])} and ${String(other[apart])}`);
  }
}

function largestOf(numbers: Numbers): number {
  let largest = 0;
  for (const value of numbers) if (Math.abs(value) > largest) largest = Math.abs(value);
  return largest;
}
