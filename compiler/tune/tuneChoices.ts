/** Tries the ways for a whole network, and takes those that are faster together. */
import type { Choices, Way } from "../ir/choices.ts";
import type { CompiledNetwork } from "../ir/output.ts";
import type { DeviceClock } from "./clock.ts";
import { comparePlans, type Comparison } from "./compareSteps.ts";
import type { TunedProgram } from "./networkUnits.ts";

export interface TuneChoicesOptions {
  /** The network as the cost model has it. */
  readonly plain: CompiledNetwork;
  /** The ways that it has. */
  readonly known: TunedChoices["choices"];
  readonly compile: (choices: Choices) => CompiledNetwork;
  readonly device: GPUDevice;
  /** Whether it is a software adapter: barriers cost it minutes in its compiler alone, so workgroup memory is not tried. */
  readonly software: boolean;
  readonly clock: DeviceClock;
  /** The ways to try, in order. */
  readonly ways: readonly Way[];
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
  readonly choices: Readonly<Partial<Record<Way, boolean>>>;
  readonly tried: readonly TriedChoice[];
  /** The network with the choices. */
  readonly network: CompiledNetwork;
}

/** A way is taken where a step takes less than this part of the time, and in so many rounds. */
const [better, mostRoundsWon] = [0.98, 0.7];
/** WebGPU features that a way needs. */
const featureOf: Partial<Record<Way, GPUFeatureName>> = { subgroups: "subgroups" };

/**
 * Each way is first tried by itself, then, on top of the fastest, those that were no slower; and so on until none is faster: one that
 * gains by itself may lose beside another.
 */
export async function tuneChoices(options: TuneChoicesOptions): Promise<TunedChoices> {
  const { plain, known, compile, device, software, clock, ways, hasTime, onChoice } = options;
  let found: Omit<TunedChoices, "tried"> = { choices: known, network: plain };
  const tried: TriedChoice[] = [];
  const possible = ways.filter((name) => {
    const feature = featureOf[name];
    return (feature === undefined || device.features.has(feature)) && !(name === "staged" && software);
  });
  let open = possible.flatMap((name) => [true, false].map((value) => ({ name, value })));
  while (open.length > 0) {
    const round: Measured[] = [];
    for (const { name, value } of open) {
      const choices = { ...found.choices, [name]: value };
      if (!hasTime()) break;
      const network = compile(choices);
      if (textOf(network) === textOf(found.network)) continue;
      onChoice(`${name} ${value ? "everywhere" : "nowhere"}`);
      const program: TunedProgram = network.plan.training === undefined ? "inference" : "training";
      const plans = [found.network.plan, network.plan] as const;
      const comparison = await comparePlans(device, clock, plans, { program, leastRounds: 3, mostRounds: 5, hasTime });
      round.push({ name, value, comparison, choices, network });
    }
    const best = round
      .filter(({ comparison: { ratio, won } }) => ratio < better && won >= mostRoundsWon)
      .reduce<Measured | undefined>((a, b) => (a !== undefined && a.comparison.ratio <= b.comparison.ratio ? a : b), undefined); // prettier-ignore
    tried.push(...round.map(({ name, value, comparison }, index) => ({ name, value, comparison, taken: round[index] === best }))); // prettier-ignore
    if (best === undefined) break;
    found = { choices: best.choices, network: best.network };
    open = round.filter(({ name, comparison }) => name !== best.name && comparison.ratio < 1);
  }
  return { ...found, tried };
}

/** A way as it was measured in a round, on top of what was taken before. */
interface Measured extends Omit<TriedChoice, "taken"> {
  readonly choices: TunedChoices["choices"];
  readonly network: CompiledNetwork;
}

function textOf({ plan }: CompiledNetwork): string {
  return plan.kernels.map(({ wgsl }) => wgsl).join("\n");
}
