/**
 * schedules.ts: how the learning rate and the momentum move over a training, and when it ends early: PyTorch's schedulers as functions
 * of the moment. `cnnc train` and `startTraining` both train by these. No generated module needs them; they are a part of `cnnc/app`.
 */
import { NetworkError } from "./errors.ts";
import type { SchedulePlan } from "./plan.ts";

/** A schedule of the language with its arguments; those that are left out are PyTorch's defaults. */
export type Schedule = { readonly warmup?: number } & (
  | { readonly name: "constant" }
  | { readonly name: "step"; readonly step_size: number; readonly factor?: number }
  | { readonly name: "multi_step"; readonly milestones: readonly number[]; readonly factor?: number }
  | { readonly name: "cosine"; readonly T_max?: number; readonly eta_min?: number }
  | OneCycle
  | ReduceOnPlateau
);

/** The optimizer's own rate does not count; momentum goes the other way than the rate. */
type OneCycle = {
  readonly name: "one_cycle";
  readonly max_lr: number;
  readonly total_steps?: number;
  readonly epochs?: number;
  readonly steps_per_epoch?: number;
  readonly pct_start?: number;
  readonly anneal_strategy?: "cos" | "linear";
  readonly cycle_momentum?: boolean;
  readonly base_momentum?: number;
  readonly max_momentum?: number;
  readonly div_factor?: number;
  readonly final_div_factor?: number;
  readonly three_phase?: boolean;
};

/** Watches the loss on the validation images, or with mode max the accuracy. */
type ReduceOnPlateau = {
  readonly name: "reduce_on_plateau";
  readonly mode?: "min" | "max";
  readonly factor?: number;
  readonly patience?: number;
  readonly threshold?: number;
  readonly threshold_mode?: "rel" | "abs";
  readonly cooldown?: number;
  readonly min_lr?: number;
  readonly eps?: number;
};

/** Where the training stands. */
export interface ScheduleTime {
  /** Of the whole training, from 0. */
  readonly step: number;
  readonly stepsPerEpoch: number;
  /** Of the whole training. */
  readonly epochs: number;
  /** Of the validation images, after each finished epoch; accuracies from 0 to 1. */
  readonly losses: readonly number[];
  readonly accuracies: readonly number[];
}

/**
 * The learning rate of a step, `lr` being the optimizer's own. Warm-up multiplies the schedule's rate by a factor that rises in equal
 * steps to 1; the schedule's own epochs are counted from the start of the training, warm-up included.
 */
export function scheduledRate(schedule: SchedulePlan, lr: number, time: ScheduleTime): number {
  const { warmup = 0 } = schedule as Schedule;
  const warmupSteps = warmup * time.stepsPerEpoch;
  const risen = time.step + 1 < warmupSteps ? (time.step + 1) / warmupSteps : 1;
  return plainRate(schedule as Schedule, lr, time) * risen;
}

/** The momentum of a step (Adam's first beta), where the schedule moves it. */
export function scheduledMomentum(schedule: SchedulePlan, time: ScheduleTime): number | undefined {
  const known = schedule as Schedule;
  if (known.name !== "one_cycle") return undefined;
  const { cycle_momentum: moves = true, base_momentum: lowest = 0.85, max_momentum: greatest = 0.95 } = known;
  return moves ? course(known, time, greatest, lowest, greatest) : undefined;
}

/** Whether a schedule needs to know how the validation images fare. */
export function watchesValidation({ name }: SchedulePlan): boolean {
  return name === "reduce_on_plateau";
}

/** Whether the last `patience` epochs were none better than the best before them. */
export function stopsEarly(losses: readonly number[], patience: number | undefined): boolean {
  if (patience === undefined || losses.length === 0) return false;
  return losses.length - 1 - losses.indexOf(Math.min(...losses)) >= patience;
}

function plainRate(schedule: Schedule, lr: number, time: ScheduleTime): number {
  const epoch = Math.floor(time.step / time.stepsPerEpoch);
  switch (schedule.name) {
    case "constant":
      return lr;
    // StepLR: lr * factor^floor(epoch / step_size).
    case "step":
      return lr * (schedule.factor ?? 0.1) ** Math.floor(epoch / schedule.step_size);
    // MultiStepLR: lr * factor^(milestones that the epoch has reached).
    case "multi_step":
      return lr * (schedule.factor ?? 0.1) ** schedule.milestones.filter((milestone) => milestone <= epoch).length;
    // CosineAnnealingLR: eta_min + (lr - eta_min) * (1 + cos(pi * epoch / T_max)) / 2, up again after T_max epochs.
    case "cosine": {
      const { T_max: length = time.epochs, eta_min: lowest = 0 } = schedule;
      return lowest + ((lr - lowest) * (1 + Math.cos(Math.PI * (epoch / length)))) / 2;
    }
    // OneCycleLR, step by step: up to max_lr, down to a small part of the first rate.
    case "one_cycle": {
      const first = schedule.max_lr / (schedule.div_factor ?? 25);
      return course(schedule, time, first, schedule.max_lr, first / (schedule.final_div_factor ?? 1e4));
    }
    case "reduce_on_plateau":
      return plateauRate(schedule, lr, time);
    default:
      throw new NetworkError("input", `no schedule is called ${String((schedule as SchedulePlan).name)}`);
  }
}

/**
 * ReduceLROnPlateau: after more than `patience` epochs in a row that are not better than the best one by the threshold, the rate is
 * multiplied, and `cooldown` epochs do not count.
 */
function plateauRate(schedule: ReduceOnPlateau, lr: number, { losses, accuracies }: ScheduleTime): number {
  const { mode = "min", factor = 0.1, patience = 10, threshold = 1e-4, threshold_mode: kind = "rel" } = schedule;
  const { cooldown = 0, min_lr: least = 0, eps = 1e-8 } = schedule;
  const isLoss = mode === "min";
  const margin = threshold * (isLoss ? -1 : 1);
  let [rate, best, waited, cooling] = [lr, isLoss ? Infinity : -Infinity, 0, 0];
  for (const value of isLoss ? losses : accuracies) {
    const bar = kind === "rel" ? best * (1 + margin) : best + margin;
    if (isLoss ? value < bar : value > bar) [best, waited] = [value, 0];
    else waited++;
    if (cooling > 0) [cooling, waited] = [cooling - 1, 0];
    if (waited <= patience) continue;
    const reduced = Math.max(rate * factor, least);
    if (rate - reduced > eps) rate = reduced;
    [cooling, waited] = [cooldown, 0];
  }
  return rate;
}

/**
 * Where a quantity of one cycle stands that begins at `first`, is `top` at the end of the first phase, and ends at `last`; in three
 * phases, it is `first` again after as long as it took to `top`. With a length of its own, a longer training keeps the last value.
 */
function course(schedule: OneCycle, time: ScheduleTime, first: number, top: number, last: number): number {
  const { step } = time;
  const { epochs = time.epochs, steps_per_epoch: stepsPerEpoch = time.stepsPerEpoch } = schedule;
  const { total_steps: steps = epochs * stepsPerEpoch, pct_start: share = 0.3, anneal_strategy: curve } = schedule;
  const rise = share * steps - 1;
  const phases =
    schedule.three_phase === true
      ? [[rise, first, top], [2 * rise, top, first], [steps - 1, first, last]] as const
      : [[rise, first, top], [steps - 1, top, last]] as const; // prettier-ignore
  let start = 0;
  for (const [end, from, to] of phases) {
    if (step <= end && end > start) {
      const done = (step - start) / (end - start);
      if (curve === "linear") return from + (to - from) * done;
      return to + ((from - to) * (1 + Math.cos(Math.PI * done))) / 2;
    }
    start = end;
  }
  return last;
}
