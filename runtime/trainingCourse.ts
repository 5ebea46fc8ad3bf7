/** trainingCourse.ts: how a whole training goes in an app: by the module's recipe, as `cnnc train` does, or as the app says instead. */
import type { StepMoment } from "./fit.ts";
import { NetworkError } from "./errors.ts";
import type { NetworkPlan } from "./plan.ts";
import { scheduledMomentum, scheduledRate, stopsEarly, watchesValidation } from "./schedules.ts";
import type { Schedule } from "./schedules.ts";

/** A step about to be taken, and what a rate may go by. */
export interface RateMoment extends StepMoment {
  /** Of the whole training. */
  readonly epochs: number;
  /** Of the validation images, after each finished epoch; accuracies from 0 to 1. */
  readonly losses: readonly number[];
  readonly accuracies: readonly number[];
}

/** What differs from the module's recipe. */
export interface CourseOptions {
  /** Default: the recipe's. */
  readonly epochs?: number;
  /** The learning rate that the schedule starts from; or a function that gives each step's, in place of the schedule. */
  readonly rate?: number | ((at: RateMoment) => number);
  readonly schedule?: Schedule;
  /** Epochs without a lower validation loss after which training ends; false: it never does. */
  readonly earlyStop?: number | false;
}

/** What a course asks of a network. */
export interface SteeredNetwork {
  readonly plan: NetworkPlan;
  uniform(name: string): number;
  setUniform(name: string, value: number): void;
}

export interface TrainingCourse {
  readonly epochs: number;
  /** What schedules and early stopping look at: the validation results of each epoch. */
  readonly results: { readonly losses: readonly number[]; readonly accuracies: readonly number[] };
  /** Takes the results of the epochs before, or of one more. */
  add(losses: readonly number[], accuracies: readonly number[]): void;
  /** Sets the momentum of a step, where the schedule moves it; gives the rate. */
  rate(at: StepMoment): number;
  /** Whether it ends before this epoch, counted from 0, though more were to come. */
  endsBefore(epoch: number): boolean;
}

/** Throws `NetworkError` where something is missing that the course goes by. */
export function openCourse(
  network: SteeredNetwork,
  options: CourseOptions & { readonly validation?: unknown },
): TrainingCourse {
  const { uniforms, name, training: { course } = {} } = network.plan;
  const { rate, epochs = course?.epochs, validation } = options;
  if (epochs === undefined) throw new NetworkError("input", `say how many \`epochs\`: the module of ${name} does not`);
  const schedule = typeof rate === "function" ? undefined : (options.schedule ?? course?.schedule);
  const patience = options.earlyStop === false ? undefined : (options.earlyStop ?? course?.earlyStop);
  const watching = [
    ...(schedule && watchesValidation(schedule) ? [`schedule ${schedule.name}`] : []),
    ...(patience === undefined ? [] : ["early stopping"]),
  ].join(" and ");
  if (watching !== "" && validation === undefined) {
    throw new NetworkError(
      "input",
      `${watching} of ${name} go${watching.includes(" and ") ? "" : "es"} by how validation images fare: give \`validation\`, or ` +
        'another way with `schedule: { name: "constant" }` and `earlyStop: false`',
    );
  }
  const own = uniforms.find((uniform) => uniform.name === "lr")?.initial ?? 0;
  const momentumName = uniforms.some((uniform) => uniform.name === "beta1") ? "beta1" : "momentum";
  const [losses, accuracies]: [number[], number[]] = [[], []];
  return {
    epochs,
    results: { losses, accuracies },
    add(more, rights) {
      losses.push(...more);
      accuracies.push(...rights);
    },
    rate(at) {
      if (typeof rate === "function") return rate({ ...at, epochs, losses, accuracies });
      // Where nothing moves it, the rate is what the app has set.
      if (schedule === undefined) return rate ?? network.uniform("lr");
      const time = { step: at.epoch * at.steps + at.step, stepsPerEpoch: at.steps, epochs, losses, accuracies };
      const momentum = scheduledMomentum(schedule, time);
      if (momentum !== undefined) network.setUniform(momentumName, momentum);
      return scheduledRate(schedule, rate ?? own, time);
    },
    endsBefore: (epoch) => epoch < epochs && stopsEarly(losses, patience),
  };
}
