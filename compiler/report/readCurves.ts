import { isEpoch, isStep, type LogEntry } from "../training/trainingLog.ts";
import type { Curves, Point } from "./reportData.ts";

/** A picture has no more pixels than this many points across. */
const mostPoints = 1000;

/** The curves of a run from its log; a run of many steps is thinned to means, which the eye could not tell apart. */
export function readCurves(entries: readonly LogEntry[]): Curves {
  const steps = entries.filter(isStep);
  const epochs = entries.filter(isEpoch);
  const lastStep = Math.max(1, steps.at(-1)?.step ?? 0, epochs.at(-1)?.step ?? 0);
  return {
    lastStep,
    epochEnds: epochs.map(({ step, epoch }) => ({ step, epoch })),
    loss: inMeans(steps.map(({ step, loss }) => ({ x: step, y: loss }))),
    accuracy: inMeans(steps.map(({ step, accuracy }) => ({ x: step, y: accuracy }))),
    rate: withoutMiddles(steps.map(({ step, rate }) => ({ x: step, y: rate }))),
    testLoss: epochs.map(({ step, testLoss }) => ({ x: step, y: testLoss })),
    testAccuracy: epochs.map(({ step, testAccuracy }) => ({ x: step, y: testAccuracy })),
  };
}

/** Neighbours together, so that no more than `mostPoints` are left. */
function inMeans(points: readonly Point[]): readonly Point[] {
  const each = Math.ceil(points.length / mostPoints);
  if (each <= 1) return points;
  return Array.from({ length: Math.ceil(points.length / each) }, (_, index) => {
    const some = points.slice(index * each, (index + 1) * each);
    const mean = (of: (point: Point) => number): number => some.reduce((sum, p) => sum + of(p), 0) / some.length;
    return { x: mean(({ x }) => x), y: mean(({ y }) => y) };
  });
}

/** Without the points on a straight level between two equal ones: a rate that changes by steps keeps its corners. */
function withoutMiddles(points: readonly Point[]): readonly Point[] {
  const corners = points.filter(
    ({ y }, index) =>
      index === 0 || index === points.length - 1 || points[index - 1]?.y !== y || points[index + 1]?.y !== y,
  );
  return corners.length <= 2 * mostPoints ? corners : inMeans(corners);
}
