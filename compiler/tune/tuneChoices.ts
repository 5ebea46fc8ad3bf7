/** Tries the ways for a whole network one after the other, each on top of those that were found faster before. */
import { ways, type Choices, type Way } from "../ir/choices.ts";
import type { CompiledNetwork } from "../ir/output.ts";
import type { DeviceClock } from "./clock.ts";
import { comparePlans, type Comparison } from "./compareSteps.ts";
import type { TunedProgram } from "./networkUnits.ts";

export interface TuneChoicesOptions {
  /** The network as the cost model has it. */
  readonly plain: CompiledNetwork;
  readonly compile: (choices: Choices) => CompiledNetwork;
  readonly device: GPUDevice;
  /** Whether it is a software adapter: barriers cost it minutes in its compiler alone, so workgroup memory is not tried. */
  readonly software: boolean;
  readonly clock: DeviceClock;
  readonly hasTime: () => boolean;
  readonly onChoice: (name: string) => void;
}

export interface TriedChoice {
  readonly name: Way;
  readonly value: boolean;
  readonly comparison: Comparison;
  readonly taken: boolean;
}

export interface TunedChoices {
  readonly choices: Partial<Record<Way, boolean>>;
  readonly tried: readonly TriedChoice[];
  /** The network with the choices. */
  readonly network: CompiledNetwork;
}

/** A way is taken where a step takes less than this part of the time, and in so many rounds. */
const [better, mostRoundsWon] = [0.98, 0.7];
/** WebGPU features that a way needs. */
const featureOf: Partial<Record<Way, GPUFeatureName>> = { subgroups: "subgroups" };

export async function tuneChoices(options: TuneChoicesOptions): Promise<TunedChoices> {
  const { plain, compile, device, software, clock, hasTime, onChoice } = options;
  let choices: Partial<Record<Way, boolean>> = {};
  let current = plain;
  const tried: TriedChoice[] = [];
  for (const name of ways) {
    const feature = featureOf[name];
    if (feature !== undefined && !device.features.has(feature)) continue;
    if (name === "staged" && software) continue;
    for (const value of [true, false]) {
      if (!hasTime()) return { choices, tried, network: current };
      onChoice(`${name} ${value ? "everywhere" : "nowhere"}`);
      const candidate = compile({ ...choices, [name]: value });
      if (textOf(candidate) === textOf(current)) continue;
      const program: TunedProgram = candidate.plan.training === undefined ? "inference" : "training";
      const comparison = await comparePlans(device, clock, [current.plan, candidate.plan], {
        program,
        leastRounds: 3,
        mostRounds: 7,
        hasTime,
      });
      const taken = comparison.ratio < better && comparison.won >= mostRoundsWon;
      tried.push({ name, value, comparison, taken });
      if (!taken) continue;
      choices = { ...choices, [name]: value };
      current = candidate;
      break;
    }
  }
  return { choices, tried, network: current };
}

function textOf({ plan }: CompiledNetwork): string {
  return plan.kernels.map(({ wgsl }) => wgsl).join("\n");
}
