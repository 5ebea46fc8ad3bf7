/** How good a classifier's answers are: pure functions of its logits and of the images' own classes. */
import { crossEntropy, firstMaximum } from "./inference.ts";

/** The figures of all images of a set. */
export interface Evaluation {
  /** Mean cross entropy, without label smoothing. */
  readonly loss: number;
  readonly correct: number;
  readonly count: number;
  /** Images whose class is among the five most likely; undefined where there are five classes or fewer. */
  readonly correctInTop5: number | undefined;
  readonly confusion: ConfusionMatrix;
}

/** `confusion[label][predicted]`: how many images of class `label` (row) were taken for class `predicted` (column). */
export type ConfusionMatrix = readonly Uint32Array[];

/** The figures of one class; undefined where they would divide by zero, and shown as "–". */
export interface ClassFigures {
  /** Images of this class. */
  readonly support: number;
  /** Images that were taken for this class. */
  readonly predicted: number;
  readonly correct: number;
  /** Of the images taken for this class, the share that are of it. */
  readonly precision: number | undefined;
  /** Of the images of this class, the share that were taken for it. */
  readonly recall: number | undefined;
  /** The harmonic mean of both. */
  readonly f1: number | undefined;
}

/** Gathers figures image by image. */
export interface Tally {
  /** An image's logits (or log-probabilities), and its class. */
  add(logits: ArrayLike<number>, label: number): void;
  evaluation(): Evaluation;
}

const top = 5;

/** A tally of nothing yet. Of equally likely classes, the first is the answer, as in `predictClasses`. */
export function createTally(classes: number): Tally {
  const confusion = Array.from({ length: classes }, () => new Uint32Array(classes));
  let [loss, correct, inTop5, count] = [0, 0, 0, 0];
  return {
    add(logits, label) {
      const predicted = firstMaximum(logits);
      const row = confusion[label] as Uint32Array;
      row[predicted] = (row[predicted] as number) + 1;
      loss += crossEntropy(logits, label);
      if (predicted === label) correct++;
      if (classes > top && rankOf(logits, label) < top) inTop5++;
      count++;
    },
    evaluation: () => ({
      loss: loss / count,
      correct,
      count,
      correctInTop5: classes > top ? inTop5 : undefined,
      confusion: confusion.map((row) => row.slice()),
    }),
  };
}

/** How many values come before the one at `index`, the greatest first; of equal ones, the first comes first. */
export function rankOf(row: ArrayLike<number>, index: number): number {
  const own = row[index] as number;
  let rank = 0;
  for (let i = 0; i < row.length; i++) if ((row[i] as number) > own || (row[i] === own && i < index)) rank++;
  return rank;
}

/** Precision, recall and F1 of each class. */
export function classFigures(confusion: ConfusionMatrix): readonly ClassFigures[] {
  const predictions = confusion.map((_, predicted) =>
    confusion.reduce((sum, row) => sum + (row[predicted] as number), 0),
  );
  return confusion.map((row, label) => {
    const support = row.reduce((sum, count) => sum + count, 0);
    const [predicted, correct] = [predictions[label] as number, row[label] as number];
    return {
      ...{ support, predicted, correct },
      precision: share(correct, predicted),
      recall: share(correct, support),
      f1: share(2 * correct, support + predicted),
    };
  });
}

/** The mean of a figure over the classes that have it; undefined where none has. */
export function meanFigure(figures: readonly ClassFigures[], name: "precision" | "recall" | "f1"): number | undefined {
  const known = figures.map((each) => each[name]).filter((value) => value !== undefined);
  return share(known.reduce((sum, value) => sum + value, 0), known.length); // prettier-ignore
}

/** A pair of classes of which one is taken for the other. */
export interface Confusion {
  readonly label: number;
  readonly predicted: number;
  readonly count: number;
}

/** The mistakes that are made most, the commonest first, `most` of them at most. */
export function commonConfusions(confusion: ConfusionMatrix, most: number): readonly Confusion[] {
  const mistakes: Confusion[] = [];
  confusion.forEach((row, label) => {
    row.forEach((count, predicted) => {
      if (count > 0 && predicted !== label) mistakes.push({ label, predicted, count });
    });
  });
  return mistakes.sort((a, b) => b.count - a.count).slice(0, most);
}

function share(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : part / whole;
}
