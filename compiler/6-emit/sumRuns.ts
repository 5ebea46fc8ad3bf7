/**
 * Long sums in runs. Adding K terms of one size to a single float rounds each addition at the size that the sum has by then:
 * the relative error grows like sqrt(K). Sums of runs, which are added to the whole when each is done, bring it down to
 * sqrt(run + K / run), as blocked and pairwise summation do (Higham, Accuracy and Stability of Numerical Algorithms, 4.2).
 */

/** One loop over a reduced axis, the outermost first. */
export interface SumLoop {
  readonly trips: number;
  /** False where the loop's bounds are known only to the running kernel: it cannot be cut in runs of its own. */
  readonly divisible: boolean;
}

/** Where runs begin: in the body of a loop, or every `chunk` trips of it. */
export interface Runs {
  readonly loop: number;
  readonly chunk?: number;
}

/** Sums of fewer terms are left as they are: their error is small, and an addition a run costs something. */
const shortestSum = 512;
/** Terms that a run has at least, so that its own addition hardly counts. */
const shortestRun = 32;

/** How a sum of `unrolled` terms in the innermost of `loops` is best cut in runs; undefined when it is short. */
export function planRuns(loops: readonly SumLoop[], unrolled: number): Runs | undefined {
  const terms = loops.reduce((product, { trips }) => product * trips, unrolled);
  if (terms < shortestSum) return undefined;
  let best: { readonly additions: number; readonly runs: Runs } | undefined;
  const consider = (length: number, runs: Runs): void => {
    const additions = length + terms / length;
    if (length >= shortestRun && additions < (best?.additions ?? terms / 2)) best = { additions, runs };
  };
  let inner = unrolled;
  for (let loop = loops.length - 1; loop >= 0; loop--) {
    const { trips, divisible } = loops[loop] ?? { trips: 1, divisible: false };
    consider(inner, { loop });
    for (let chunk = 2; divisible && chunk <= trips / 2; chunk++) {
      if (trips % chunk === 0) consider(inner * chunk, { loop, chunk });
    }
    inner *= trips;
  }
  return best?.runs;
}
