/**
 * Measures what the cost model only guesses, on the device at hand: ways for the whole network first, then schedules of its heaviest
 * kernels; at the end the whole step with all that was found against the cost model's, turn by turn. What is not faster there is
 * not kept.
 */
import { ways as allWays, type Choices, type Way } from "../ir/choices.ts";
import type { CompiledNetwork } from "../ir/output.ts";
import { createClock } from "./clock.ts";
import { comparePlans, type Comparison } from "./compareSteps.ts";
import type { TunedProgram } from "./networkUnits.ts";
import { createPlanRunner } from "./planRunner.ts";
import { tuneChoices, type TriedChoice } from "./tuneChoices.ts";
import { tuneKernels, type MeasuredUnit } from "./tuneKernels.ts";
import { choicesWith, type TunedKernel } from "./tuningTable.ts";

export interface TuneNetworkOptions {
  /** Compiles the network with given choices; the same otherwise. */
  readonly compile: (choices: Choices) => CompiledNetwork;
  readonly device: GPUDevice;
  /** Whether the adapter is a software one. */
  readonly software: boolean;
  readonly adapterClass: "cpu" | "gpu";
  /** What a module has for this adapter untuned (`knownChoices`): what all else is compared with. */
  readonly known: TuningResult["choices"];
  /** The ways for the whole network that are tried; all unless given. */
  readonly ways?: readonly Way[];
  readonly budgetSeconds: number;
  /** Ends the search early; what was found by then is compared as ever. */
  readonly signal?: AbortSignal;
  /** Milliseconds. */
  readonly now: () => number;
  readonly onProgress: (progress: TuneProgress) => void;
}

export interface TuneProgress {
  readonly phase: "ways" | "kernels" | "steps";
  /** What is being measured. */
  readonly what: string;
  /** Candidates that were timed. */
  readonly tried: number;
  readonly seconds: number;
}

export interface TuningResult {
  /** What kernels and steps were timed by. */
  readonly kernelClock: string;
  readonly stepClock: string;
  /** The ways for the whole network that are kept. */
  readonly choices: Readonly<Partial<Record<Way, boolean>>>;
  /** Whether they are kept for the training step alone, inference being slower by them. */
  readonly plainInference: boolean;
  readonly ways: readonly TriedChoice[];
  /** The network's kernels, the heaviest first; with what is kept for them. */
  readonly units: readonly MeasuredUnit[];
  readonly tried: number;
  readonly step?: Outcome;
  readonly inference: Outcome;
}

/** A whole step, or a batch of predictions, with all that was found against the cost model's. */
export interface Outcome {
  /** Absent where nothing was found to compare. */
  readonly comparison?: Comparison;
  /** False: the cost model's kernels stay. */
  readonly kept: boolean;
}

/** The parts of the budget until which ways are tried, and then kernels; the rest is for whole steps. */
const [waysEnd, kernelsEnd, stepsEnd] = [0.35, 0.8, 0.95];
/** A program's kernels are kept where it is faster by more than this, and in so many rounds. */
const [better, mostRoundsWon] = [0.99, 0.6];
const [leastRounds, mostRounds] = [7, 25];

export async function tuneNetwork(options: TuneNetworkOptions): Promise<TuningResult> {
  const { device, software, adapterClass, known, ways: triedWays = allWays, budgetSeconds, signal, now, onProgress } = options; // prettier-ignore
  const begin = now();
  const until = (part: number) => (): boolean =>
    signal?.aborted !== true && now() - begin < part * budgetSeconds * 1000;
  const clock = createClock(device, software);
  const runner = createPlanRunner(device);
  const tell = (phase: TuneProgress["phase"], what: string, count: number): void => {
    onProgress({ phase, what, tried: count, seconds: (now() - begin) / 1000 });
  };
  try {
    const plain = options.compile(known);
    const {
      choices,
      tried: ways,
      network,
    } = await tuneChoices({
      plain,
      known,
      compile: options.compile,
      device,
      software,
      clock,
      ways: triedWays,
      hasTime: until(waysEnd),
      onChoice: (name) => {
        tell("ways", name, 0);
      },
    });
    const { units, tried } = await tuneKernels({
      compile: options.compile,
      choices,
      network,
      adapterClass,
      hasSubgroups: device.features.has("subgroups") && triedWays.includes("subgroups"),
      software,
      runner,
      clock,
      hasTime: until(kernelsEnd),
      onUnit: (label, count) => {
        tell("kernels", label, count);
      },
    });
    let found: Found = { choices, units, plainInference: false, known };
    let tuned = options.compile(choicesOf(found));
    const outcomes = new Map<TunedProgram, Outcome>();
    for (const program of ["training", "inference"] as const) {
      if (plain.plan[program] === undefined) continue;
      tell("steps", program === "training" ? "whole training steps" : "whole batches of predictions", tried);
      const hasTime = until(program === "training" ? stepsEnd : 1);
      const comparison =
        textOf(plain, program) === textOf(tuned, program)
          ? undefined
          : await comparePlans(device, clock, [plain.plan, tuned.plan], { program, leastRounds, mostRounds, hasTime });
      const kept = comparison !== undefined && comparison.ratio < better && comparison.won >= mostRoundsWon;
      outcomes.set(program, { kept, ...(comparison !== undefined && { comparison }) });
      if (kept) continue;
      found = without(found, program);
      tuned = options.compile(choicesOf(found));
    }
    const [step, inference] = [outcomes.get("training"), outcomes.get("inference")];
    return {
      kernelClock: clock.name,
      stepClock: clock.workName,
      ...found,
      ways,
      tried,
      ...(step !== undefined && { step }),
      inference: inference ?? { kept: false },
    };
  } finally {
    runner.destroy();
    clock.destroy();
  }
}

/** What is taken instead of the cost model's. */
export interface Found {
  readonly choices: TuningResult["choices"];
  readonly units: readonly MeasuredUnit[];
  readonly plainInference: boolean;
  /** The ways that are taken where nothing was found. */
  readonly known: TuningResult["choices"];
}

export function choicesOf({ choices, units, plainInference, known }: Found): Choices {
  const schedules = [...foundKernels(units)].map(([key, { schedule }]) => [key, schedule] as const);
  return choicesWith(choices, new Map(schedules), plainInference ? known : undefined);
}

/** What was found, by kernel: one of both programs goes by the training step. */
export function foundKernels(units: readonly MeasuredUnit[]): ReadonlyMap<string, TunedKernel> {
  const kernels = new Map<string, TunedKernel>();
  for (const program of ["inference", "training"] as const) {
    for (const { unit, found } of units) {
      if (unit.program !== program || found === undefined) continue;
      const { before, after, schedule } = found;
      kernels.set(unit.key, { label: unit.label, before, after, schedule });
    }
  }
  return kernels;
}

/**
 * What was found without what changes a program. Inference has its own choices where it is to stay as it is; for the training step,
 * where it is that, kernels of both programs are left alone, and so are the ways for the whole network.
 */
export function without({ choices, units, plainInference, known }: Found, program: TunedProgram): Found {
  if (program === "inference")
    return { choices, units: withoutKeys(units, program, new Set()), plainInference: true, known };
  const keys = new Set(units.flatMap(({ unit }) => (unit.program === program ? [unit.key] : [])));
  return { choices: known, units: withoutKeys(units, program, keys), plainInference, known };
}

function withoutKeys(
  units: readonly MeasuredUnit[],
  program: TunedProgram,
  keys: ReadonlySet<string>,
): readonly MeasuredUnit[] {
  return units.map((each) => {
    const { found: _, ...rest } = each;
    return each.unit.program === program || keys.has(each.unit.key) ? rest : each;
  });
}

/** A program's kernels in the order of their dispatches. */
function textOf({ plan }: CompiledNetwork, program: TunedProgram): string {
  return (plan[program]?.dispatches ?? []).map(({ kernel }) => plan.kernels[kernel]?.wgsl).join("\n");
}
