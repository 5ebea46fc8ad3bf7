/**
 * Searches for schedules kernel by kernel, the heaviest first: in each round every kernel that still has candidates gets its next
 * one, all of them in one compilation of the network, and is timed against the cost model's.
 */
import type { Choices } from "../ir/choices.ts";
import type { Schedule } from "../ir/kernel.ts";
import type { CompiledNetwork } from "../ir/output.ts";
import { createCandidates, type Candidates } from "./candidates.ts";
import type { DeviceClock } from "./clock.ts";
import { calibrate, compareUnits, prepareUnit, type UnitRun } from "./measureUnit.ts";
import { networkUnits, unitName, type TunedUnit } from "./networkUnits.ts";
import type { PlanRunner } from "./planRunner.ts";
import type { Gain } from "./tuningTable.ts";

export interface TuneKernelsOptions {
  readonly compile: (choices: Choices) => CompiledNetwork;
  /** The ways for the whole network, and the network with them. */
  readonly choices: Choices;
  readonly network: CompiledNetwork;
  readonly adapterClass: "cpu" | "gpu";
  /** Whether the device has subgroups. */
  readonly hasSubgroups: boolean;
  readonly software: boolean;
  readonly runner: PlanRunner;
  readonly clock: DeviceClock;
  /** Whether there is time to try another candidate. */
  readonly hasTime: () => boolean;
  /** Hears what is being measured, and how many candidates were. */
  readonly onUnit: (label: string, tried: number) => void;
}

/** A unit with what was found for it. */
export interface MeasuredUnit {
  readonly unit: TunedUnit;
  /** Microseconds of one use by the cost model's schedule. */
  readonly micros: number;
  /** Its part of its program's time. */
  readonly share: number;
  readonly found?: Gain & { readonly schedule: Schedule };
}

export interface TunedKernels {
  /** All units, the heaviest first. */
  readonly units: readonly MeasuredUnit[];
  /** Candidates that were timed. */
  readonly tried: number;
}

/** Kernels with a smaller part of their program's time are left as they are. */
const leastShare = 0.01;
/** A schedule is taken where it takes less than this part of the cost model's time, and kept where it does so again. */
const [better, confirmed] = [0.97, 0.985];
const [searchRounds, confirmRounds] = [7, 9];
/** Kernels that are compiled at a time, before they are timed. */
const atOnce = 4;

interface Search {
  readonly unit: TunedUnit;
  readonly run: UnitRun;
  readonly micros: number;
  /** Repetitions in a sample. */
  readonly times: number;
  readonly candidates: Candidates;
  best?: Gain & { readonly schedule: Schedule; readonly ratio: number };
}

/** Measures a network's kernels and what might be better for them. */
export async function tuneKernels(options: TuneKernelsOptions): Promise<TunedKernels> {
  const { network: untuned, compile, choices, hasTime, onUnit } = options;
  const searches = await profile(untuned, options);
  const shareOf = sharesOf(searches);
  let open = searches.filter((search) => shareOf(search) >= leastShare);
  let tried = 0;
  while (open.length > 0 && hasTime()) {
    const turns = open.flatMap((search) => {
      const schedule = search.candidates.next(search.best?.schedule);
      return schedule === undefined ? [] : [{ search, schedule }];
    });
    open = turns.map(({ search }) => search);
    if (turns.length === 0) break;
    const network = compile(withSchedules(choices, turns.map(({ search, schedule }) => [search.unit.key, schedule]))); // prettier-ignore
    await inTurns(network, turns, options, async ({ search, schedule }, run) => {
      onUnit(search.unit.label, tried++);
      const compared = await compareUnits(search.run, run, search.times, searchRounds);
      if (compared.ratio < better && compared.ratio < (search.best?.ratio ?? 1))
        search.best = { ...compared, schedule };
    });
  }
  await confirm(searches, options);
  return {
    units: searches.map((search) => ({
      unit: search.unit,
      micros: search.micros,
      share: shareOf(search),
      ...(search.best !== undefined && { found: search.best }),
    })),
    tried,
  };
}

/** Times every unit by itself, the heaviest first. */
async function profile(network: CompiledNetwork, options: TuneKernelsOptions): Promise<readonly Search[]> {
  const searches: Search[] = [];
  for (const unit of networkUnits(network).values()) {
    options.onUnit(unit.label, 0);
    const run = await prepareUnit(options.runner, options.clock, network.plan, unit.dispatches);
    const candidates = createCandidates(unit.request, unit.schedule, options);
    searches.push({ unit, run, candidates, ...(await calibrate(run)) });
  }
  return searches.sort((a, b) => b.micros * b.unit.uses - a.micros * a.unit.uses);
}

function sharesOf(searches: readonly Search[]): (search: Search) => number {
  const totals = new Map<string, number>();
  for (const { unit, micros } of searches) {
    totals.set(unit.program, (totals.get(unit.program) ?? 0) + micros * unit.uses);
  }
  return ({ unit, micros }) => (micros * unit.uses) / (totals.get(unit.program) ?? 1);
}

function withSchedules(choices: Choices, schedules: Iterable<readonly [string, Schedule]>): Choices {
  return { ...choices, schedules: new Map([...(choices.schedules ?? []), ...schedules]) };
}

/** Gives each unit's run in a network to a function, while there is time; what the device does not take is passed over. */
async function inTurns<T extends { readonly search: Search }>(
  network: CompiledNetwork,
  turns: readonly T[],
  { runner, clock, hasTime }: TuneKernelsOptions,
  measure: (turn: T, run: UnitRun) => Promise<void>,
): Promise<void> {
  const units = networkUnits(network);
  for (let at = 0; at < turns.length && hasTime(); at += atOnce) {
    const runs = await Promise.all(
      turns.slice(at, at + atOnce).map(async (turn) => {
        const { program, key } = turn.search.unit;
        const unit = units.get(unitName(program, key));
        const run = unit && (await prepareUnit(runner, clock, network.plan, unit.dispatches).catch(() => undefined));
        return { turn, run };
      }),
    );
    for (const { turn, run } of runs) if (run !== undefined) await measure(turn, run);
  }
}

/** Measures once more what was found: of many candidates, one may have been lucky. */
async function confirm(searches: readonly Search[], options: TuneKernelsOptions): Promise<void> {
  const { compile, choices, onUnit } = options;
  const turns = searches.flatMap((search) => (search.best === undefined ? [] : [{ search, best: search.best }]));
  if (turns.length === 0) return;
  const network = compile(withSchedules(choices, turns.map(({ search, best }) => [search.unit.key, best.schedule]))); // prettier-ignore
  const always = { ...options, hasTime: () => true };
  await inTurns(network, turns, always, async ({ search, best }, run) => {
    onUnit(search.unit.label, 0);
    const compared = await compareUnits(search.run, run, search.times, confirmRounds);
    if (compared.ratio < confirmed) search.best = { ...compared, schedule: best.schedule };
    else delete search.best;
  });
}
