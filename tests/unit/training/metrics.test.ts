/** Figures of classifiers against definitions written out, with ties and absent classes. */
import { describe, expect, test } from "@jest/globals";
import {
  classFigures, commonConfusions, createTally, firstMaximum, greatest, meanFigure, rankOf, softmax,
} from "../../../compiler/training/metrics.ts"; // prettier-ignore
import { randomStream, uniform } from "../../../runtime/random.ts";

interface Answer {
  readonly logits: readonly number[];
  readonly label: number;
}

/** Answers whose logits are whole numbers, so that many of them are equal. */
function drawAnswers(classes: number, count: number): readonly Answer[] {
  const stream = randomStream(7, "answers");
  let draws = 0;
  const next = (): number => uniform(stream, draws++);
  return Array.from({ length: count }, () => ({
    logits: Array.from({ length: classes }, () => Math.floor(next() * 6) - 3),
    // The last two classes never occur.
    label: Math.floor(next() * (classes - 2)),
  }));
}

test.each([3, 5, 6, 12])("the tally of %i classes is that of plain definitions", (classes) => {
  const answers = drawAnswers(classes, 300);
  const tally = createTally(classes);
  for (const { logits, label } of answers) tally.add(Float32Array.from(logits), label);
  const { loss, correct, count, correctInTop5, confusion } = tally.evaluation();

  // A stable sort puts the first of equal classes first.
  const ordered = answers.map(({ logits }) => logits.map((_, index) => index).sort((a, b) => logits[b]! - logits[a]!));
  const meanLoss = answers.reduce((sum, { logits, label }) => {
    const exponents = logits.map(Math.exp);
    return sum - Math.log(exponents[label]! / exponents.reduce((a, b) => a + b));
  }, 0);
  expect(loss).toBeCloseTo(meanLoss / 300, 12);
  expect([correct, count]).toEqual([answers.filter(({ label }, i) => ordered[i]![0] === label).length, 300]);
  const five = answers.filter(({ label }, i) => ordered[i]!.slice(0, 5).includes(label)).length;
  expect(correctInTop5).toBe(classes > 5 ? five : undefined);

  const pairs = answers.map(({ label }, i) => [label, ordered[i]![0]!] as const);
  const countOf = (test: (label: number, predicted: number) => boolean): number =>
    pairs.filter(([label, predicted]) => test(label, predicted)).length;
  const figures = classFigures(confusion);
  for (let c = 0; c < classes; c++) {
    for (let p = 0; p < classes; p++) expect(confusion[c]![p]).toBe(countOf((a, b) => a === c && b === p));
    const [right, support, predicted] = [
      countOf((a, b) => a === c && b === c),
      countOf((a) => a === c),
      countOf((_, b) => b === c),
    ];
    const { precision, recall, f1, ...counts } = figures[c]!;
    expect(counts).toEqual({ support, predicted, correct: right });
    expect(precision).toBe(predicted === 0 ? undefined : right / predicted);
    expect(recall).toBe(c >= classes - 2 ? undefined : right / support);
    if (right > 0) expect(f1).toBeCloseTo(2 / (1 / precision! + 1 / recall!), 12);
  }
});

test("a class that is neither there nor predicted has no figures, and means leave it out", () => {
  const figures = classFigures([
    Uint32Array.of(3, 1, 0, 0),
    Uint32Array.of(0, 0, 0, 0),
    Uint32Array.of(2, 0, 0, 0),
    Uint32Array.of(0, 0, 0, 0),
  ]);
  expect(figures).toEqual([
    { support: 4, predicted: 5, correct: 3, precision: 3 / 5, recall: 3 / 4, f1: 6 / 9 },
    { support: 0, predicted: 1, correct: 0, precision: 0, recall: undefined, f1: 0 },
    { support: 2, predicted: 0, correct: 0, precision: undefined, recall: 0, f1: 0 },
    { support: 0, predicted: 0, correct: 0, precision: undefined, recall: undefined, f1: undefined },
  ]);
  expect(meanFigure(figures, "precision")).toBe(0.3);
  expect(meanFigure(figures, "recall")).toBe(3 / 8);
  expect(meanFigure(figures, "f1")).toBeCloseTo(2 / 9, 15);
  expect(meanFigure(figures.slice(3), "f1")).toBeUndefined();
});

test("the commonest mistakes come first, right answers never", () => {
  const confusion = [Uint32Array.of(90, 2, 5), Uint32Array.of(7, 80, 0), Uint32Array.of(1, 2, 99)];
  expect(commonConfusions(confusion, 3)).toEqual([
    { label: 1, predicted: 0, count: 7 },
    { label: 0, predicted: 2, count: 5 },
    { label: 0, predicted: 1, count: 2 },
  ]);
});

describe("rows of logits", () => {
  test("of equal ones the first is greatest", () => {
    const row = [1, 4, 4, -2, 4];
    expect([firstMaximum(row), greatest(row, 4)]).toEqual([1, [1, 2, 4, 0]]);
    expect(row.map((_, index) => rankOf(row, index))).toEqual([3, 0, 1, 4, 2]);
    expect(greatest(row, 9)).toHaveLength(5);
  });

  test("softmax is stable, and leaves log-probabilities as they are", () => {
    expect([...softmax([1000, 1000, -1000])]).toEqual([0.5, 0.5, 0]);
    expect([...softmax([-1e4, -1e4])]).toEqual([0.5, 0.5]);
    const probabilities = [0.125, 0.25, 0.625];
    softmax(probabilities.map(Math.log)).forEach((value, index) =>
      expect(value).toBeCloseTo(probabilities[index]!, 15),
    );
  });
});
