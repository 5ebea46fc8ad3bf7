/** Optimizers, initialisers and schedules against PyTorch's values for the same numbers. */
import { describe, expect, test } from "@jest/globals";
import type { RecipeArgs } from "../../compiler/recipe/defineRecipePart.ts";
import { initialOf } from "../../compiler/recipe/defineRecipePart.ts";
import { initialisers, optimizers, schedules } from "../../compiler/recipe/index.ts";
import type { LayerArgument } from "../../compiler/ops/defineOp.ts";
import type { Parameter } from "../../compiler/ir/graph.ts";
import { valueId } from "../../compiler/ir/graph.ts";
import { map } from "../../compiler/ir/expression.ts";
import type { Precision } from "../support/interpret.ts";
import { interpretComputation } from "../support/interpret.ts";
import { scheduledMomentum, scheduledRate } from "../../runtime/schedules.ts";
import type { ScheduleTime } from "../../runtime/schedules.ts";

function withDefaults(definitions: readonly LayerArgument[], given: RecipeArgs): RecipeArgs {
  const defaults = definitions.flatMap(({ name, default: value }) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return { ...Object.fromEntries(defaults), ...given };
}

const gradients = [0.5, -0.2, 0.3, 0.9];

/** A parameter that starts at 1, after each of the gradients. */
function course(name: string, given: RecipeArgs, precision: Precision): readonly number[] {
  const optimizer = optimizers.get(name)!;
  const args = withDefaults(optimizer.arguments, given);
  const uniforms = Object.fromEntries(optimizer.uniforms(args).map(({ name: key, value }) => [key, value]));
  const update = optimizer.update(args);
  expect(Object.keys(update.states).sort()).toEqual([...optimizer.states(args)].sort());
  let parameter = 1;
  let states = Object.fromEntries(optimizer.states(args).map((state) => [state, 0]));
  return gradients.map((gradient, step) => {
    const scalars = Object.entries({ ...states, parameter, gradient });
    const tensors = new Map(
      scalars.map(([key, value]) => [key, { shape: [], values: Float64Array.of(value) }] as const),
    );
    const settings = { batch: 1, count: 1, precision, uniforms: { ...uniforms, step } };
    const next = (expr: typeof update.parameter): number =>
      interpretComputation(map([], expr), tensors, settings).values[0]!;
    parameter = next(update.parameter);
    states = Object.fromEntries(Object.entries(update.states).map(([state, expr]) => [state, next(expr)]));
    return parameter;
  });
}

describe("optimizers", () => {
  const courses: readonly (readonly [string, RecipeArgs, readonly number[]])[] = [
    ["sgd", { lr: 0.1 }, [0.95, 0.97, 0.94, 0.85]],
    ["sgd", { lr: 0.1, weight_decay: 0.01 }, [0.949, 0.968051, 0.937082949, 0.846145866051]],
    ["sgd", { lr: 0.1, momentum: 0.9, weight_decay: 0.01 }, [0.949, 0.922151, 0.867064749, 0.726620058351]],
    ["sgd", { lr: 0.1, momentum: 0.9, dampening: 0.3 }, [0.95, 0.919, 0.8701, 0.76309]],
    [
      "sgd",
      { lr: 0.1, momentum: 0.9, weight_decay: 0.01, nesterov: true },
      [0.9031, 0.89807411, 0.817657258191, 0.600536809471],
    ],
    ["adam", { lr: 0.01, weight_decay: 0.1 }, [0.990000000167, 0.984628324548, 0.9776534201, 0.969592531358]],
    ["adam", { lr: 0.01, betas: [0.5, 0.2] }, [0.9900000002, 0.988782839006, 0.982490034175, 0.975548144398]],
    ["adamw", { lr: 0.01, weight_decay: 0.1 }, [0.9890000002, 0.984554941811, 0.978125983426, 0.969833456957]],
    [
      "adam",
      { lr: 0.01, betas: [0.5, 0.2], amsgrad: true },
      [0.9900000002, 0.989269703473, 0.985133650038, 0.978191760261],
    ],
    ["rmsprop", { lr: 0.01, weight_decay: 0.1 }, [0.900000016667, 0.918120670384, 0.863698749859, 0.782785515881]],
    [
      "rmsprop",
      { lr: 0.01, momentum: 0.9, centered: true },
      [0.899496238676, 0.846399620352, 0.749367437344, 0.578432067822],
    ],
  ];

  test.each(courses)("%s with %j", (name, args, expected) => {
    for (const [i, value] of course(name, args, "float64").entries()) expect(value).toBeCloseTo(expected[i]!, 8);
    // Bias correction keeps its digits in float32 too.
    for (const [i, value] of course(name, args, "float32").entries()) expect(value).toBeCloseTo(expected[i]!, 6);
  });

  test("every optimizer is among them", () => {
    expect(new Set(courses.map(([name]) => name))).toEqual(new Set(optimizers.keys()));
  });
});

describe("schedules", () => {
  const rates = (
    name: string,
    given: RecipeArgs,
    epochs: number,
    stepsPerEpoch = 1,
    losses: readonly number[] = [],
    accuracies: readonly number[] = [],
  ) => {
    const schedule = schedules.get(name)!;
    const args = withDefaults(schedule.arguments, given);
    return Array.from({ length: epochs * stepsPerEpoch }, (_, step) => {
      const time: ScheduleTime = {
        step,
        stepsPerEpoch,
        epochs,
        losses: losses.slice(0, Math.floor(step / stepsPerEpoch)),
        accuracies: accuracies.slice(0, Math.floor(step / stepsPerEpoch)),
      };
      const rate = scheduledRate({ name, ...args }, 0.4, time);
      // What an app leaves out is what the language leaves out.
      expect(scheduledRate({ name, ...given }, 0.4, time)).toBe(rate);
      expect(scheduledMomentum({ name, ...given }, time)).toBe(scheduledMomentum({ name, ...args }, time));
      return rate;
    });
  };
  const expectRates = (actual: readonly number[], expected: readonly number[]): void => {
    expect(actual).toHaveLength(expected.length);
    for (const [i, value] of actual.entries()) expect(value).toBeCloseTo(expected[i]!, 9);
  };

  test("constant", () => {
    expectRates(rates("constant", {}, 3), [0.4, 0.4, 0.4]);
  });
  test("step", () => {
    expectRates(rates("step", { step_size: 2, factor: 0.5 }, 6), [0.4, 0.4, 0.2, 0.2, 0.1, 0.1]);
  });
  test("multi_step", () => {
    expectRates(rates("multi_step", { milestones: [1, 4] }, 6), [0.4, 0.04, 0.04, 0.04, 0.004, 0.004]);
  });
  test("cosine", () => {
    expectRates(rates("cosine", { eta_min: 0.1 }, 6), [0.4, 0.379903810568, 0.325, 0.25, 0.175, 0.120096189432]);
  });
  test("cosine up again after T_max epochs", () => {
    expectRates(rates("cosine", { T_max: 2 }, 6), [0.4, 0.2, 0, 0.2, 0.4, 0.2]);
  });
  test("one_cycle shorter than the training keeps its last rate", () => {
    const whole = rates("one_cycle", { max_lr: 1 }, 5, 2);
    const short = rates("one_cycle", { max_lr: 1, total_steps: 10 }, 6, 2);
    expectRates(short, [...whole, 4e-6, 4e-6]);
    expectRates(rates("one_cycle", { max_lr: 1, epochs: 2, steps_per_epoch: 5 }, 6, 2), short);
  });
  test("one_cycle, step by step", () => {
    expectRates(
      rates("one_cycle", { max_lr: 1 }, 5, 2),
      [
        0.04, 0.52, 1.0, 0.950484632013, 0.81174565395, 0.611262021936, 0.388741978064, 0.18825834605, 0.0495193679865,
        4e-6,
      ],
    );
  });
  test("reduce_on_plateau", () => {
    const losses = [1, 0.9, 0.95, 0.94, 0.93, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6];
    const args = { factor: 0.1, patience: 1, cooldown: 1, min_lr: 0.001 };
    expectRates(
      rates("reduce_on_plateau", args, 12, 1, losses),
      [0.4, 0.4, 0.4, 0.4, 0.04, 0.04, 0.04, 0.04, 0.004, 0.004, 0.004, 0.001],
    );
  });
  test("reduce_on_plateau of accuracies, and by a difference", () => {
    const accuracies = [0.5, 0.52, 0.6, 0.6, 0.601];
    const max = { mode: "max", factor: 0.5, patience: 0, threshold: 0.1 };
    expectRates(rates("reduce_on_plateau", max, 6, 1, [], accuracies), [0.4, 0.4, 0.2, 0.2, 0.1, 0.05]);
    const abs = { ...max, threshold_mode: "abs", eps: 0.15 };
    expectRates(rates("reduce_on_plateau", abs, 6, 1, [], accuracies), [0.4, 0.4, 0.2, 0.2, 0.2, 0.2]);
  });
  test("warm-up rises in equal steps", () => {
    expectRates(rates("constant", { warmup: 2 }, 3, 2), [0.1, 0.2, 0.3, 0.4, 0.4, 0.4]);
    expectRates(rates("step", { step_size: 1, factor: 0.5, warmup: 1 }, 2, 2), [0.2, 0.4, 0.2, 0.2]);
  });
});

describe("initialisers", () => {
  const parameter = (role: Parameter["role"]): Parameter => ({
    name: "conv1.weight",
    value: valueId(0),
    type: { shape: [6, 4, 5, 5], batched: false, dtype: "f32" },
    role,
    fanIn: 100,
    fanOut: 150,
    op: "conv",
    origin: { span: { file: { path: "", text: "" }, start: 0, end: 0 }, calls: [], path: "conv1" },
  });
  const initial = (name: string, role: Parameter["role"], args: RecipeArgs = {}) =>
    initialOf(initialisers.get(name)!, parameter(role), withDefaults(initialisers.get(name)!.arguments, args));

  test("weights", () => {
    const uniform = (bound: number) => ({ kind: "uniform", low: -bound, high: bound });
    expect(initial("xavier_uniform", "weight")).toEqual(uniform(Math.sqrt(6 / 250)));
    expect(initial("he_uniform", "weight")).toEqual(uniform(Math.sqrt(6 / 100)));
    expect(initial("pytorch", "weight")).toEqual(uniform(0.1));
    expect(initial("xavier_normal", "weight")).toEqual({ kind: "normal", mean: 0, std: Math.sqrt(2 / 250) });
    expect(initial("he_normal", "weight")).toEqual({ kind: "normal", mean: 0, std: Math.sqrt(2 / 100) });
    expect(initial("normal", "weight", { std: 0.02 })).toEqual({ kind: "normal", mean: 0, std: 0.02 });
    expect(initial("normal", "weight", { std: 0.02, mean: 1 })).toEqual({ kind: "normal", mean: 1, std: 0.02 });
  });
  test("PyTorch's arguments", () => {
    const width = (name: string, args: RecipeArgs): number => {
      const drawn = initial(name, "weight", args);
      return drawn.kind === "normal" ? drawn.std : drawn.kind === "uniform" ? drawn.high : NaN;
    };
    // torch.nn.init's bounds and deviations for these fans, with gain 2, a = 0.5 and mode fan_out.
    expect(width("xavier_uniform", { gain: 2 })).toBeCloseTo(0.309838667697, 10);
    expect(width("xavier_normal", { gain: 2 })).toBeCloseTo(0.1788854382, 10);
    expect(width("he_uniform", { a: 0.5 })).toBeCloseTo(0.219089023002, 10);
    expect(width("he_normal", { a: 0.5, mode: "fan_out" })).toBeCloseTo(0.103279555899, 10);
    const slope = { ...parameter("slope"), start: 0.1 };
    expect(initialOf(initialisers.get("pytorch")!, slope, {})).toEqual({ kind: "constant", value: 0.1 });
  });
  test("everything else", () => {
    expect(initial("pytorch", "bias")).toEqual({ kind: "uniform", low: -0.1, high: 0.1 });
    for (const name of initialisers.keys()) {
      if (name !== "pytorch") expect(initial(name, "bias")).toEqual({ kind: "constant", value: 0 });
      expect(initial(name, "scale")).toEqual({ kind: "constant", value: 1 });
      expect(initial(name, "shift")).toEqual({ kind: "constant", value: 0 });
      expect(initial(name, "slope")).toEqual({ kind: "constant", value: 0.25 });
    }
  });
});
