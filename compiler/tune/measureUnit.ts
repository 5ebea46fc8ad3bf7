/** Times a unit's kernels by themselves, and two ways of computing it against each other. */
import type { DispatchPlan, NetworkPlan } from "../../runtime/plan.ts";
import { median } from "../verify/measureError.ts";
import type { DeviceClock } from "./clock.ts";
import type { PlanRunner } from "./planRunner.ts";
import type { Gain } from "./tuningTable.ts";

/** A unit that is compiled and can be repeated. */
export interface UnitRun {
  /** Microseconds of `times` repetitions. */
  time(times: number): Promise<number>;
}

/** Compiles a unit's dispatches; rejects where the device does not take one of its kernels. */
export async function prepareUnit(
  runner: PlanRunner,
  clock: DeviceClock,
  plan: NetworkPlan,
  dispatches: readonly DispatchPlan[],
): Promise<UnitRun> {
  const runs = await Promise.all(dispatches.map((dispatch) => runner.prepare(plan, dispatch)));
  return {
    time: (times) =>
      clock.timePass((pass) => {
        for (const run of runs) run.encode(pass, times);
      }),
  };
}

/** Microseconds that one sample takes at least, where a unit is short. */
const leastSample = 15_000;
const mostTimes = 64;

/** What a unit takes once, and how often it is repeated in a sample; its first run is not counted. */
export async function calibrate(run: UnitRun): Promise<{ readonly micros: number; readonly times: number }> {
  await run.time(1);
  const once = Math.max(1, await run.time(1));
  const times = Math.min(mostTimes, Math.max(1, Math.ceil(leastSample / once)));
  return { micros: times === 1 ? once : (await run.time(times)) / times, times };
}

export interface UnitComparison extends Gain {
  /** The median over the rounds of after / before. */
  readonly ratio: number;
}

/** One that is this much slower in its first round is not measured again. */
const hopeless = 1.25;
/** One that may be faster by more than this is worth more rounds. */
const promising = 0.98;

/** Times `after` against `before`, turn by turn; a promising one for `rounds` rounds, others for fewer. */
export async function compareUnits(
  before: UnitRun,
  after: UnitRun,
  times: number,
  rounds: number,
): Promise<UnitComparison> {
  const [olds, news, ratios]: [number[], number[], number[]] = [[], [], []];
  await after.time(1);
  for (let round = 0; round < rounds; round++) {
    const isEven = round % 2 === 0;
    const early = await (isEven ? before : after).time(times);
    const late = await (isEven ? after : before).time(times);
    const [old, fresh] = isEven ? [early, late] : [late, early];
    olds.push(old / times);
    news.push(fresh / times);
    ratios.push(fresh / Math.max(1, old));
    if (round === 0 && (ratios[0] ?? 0) > hopeless) break;
    if (round === 2 && median(ratios) > promising) break;
  }
  return { before: median(olds), after: median(news), ratio: median(ratios) };
}
