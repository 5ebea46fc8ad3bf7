/** The figures of `cnnc eval` as tables for people, as JSON and as CSV. */
import {
  classFigures, className, commonConfusions, meanFigure, type ClassFigures, type ConfusionMatrix, type Evaluation,
} from "../training/metrics.ts"; // prettier-ignore
import { percent, shareText } from "../training/progressView.ts";
import { table } from "./terminal.ts";

/** Classes whose figures are all printed, with the confusion matrix. */
const fullClasses = 20;
/** Of more classes, how many of the worst are. */
const worstClasses = 10;

/** Loss, accuracies, a table of the classes, and what was taken for what. */
export function evaluationText(evaluation: Evaluation, names: readonly string[]): string {
  const { loss, correct, count, correctInTop5, confusion } = evaluation;
  const accuracy = (name: string, right: number): string =>
    `${name} ${percent(right / count)} (${right} of ${count})\n`;
  const figures = classFigures(confusion);
  return [
    `test loss ${loss.toFixed(4)}\n${accuracy("test accuracy", correct)}`,
    correctInTop5 === undefined ? "" : accuracy("top-5 accuracy", correctInTop5),
    `\n${classTable(figures, names)}`,
    `\n${confusion.length > fullClasses ? commonTable(confusion, names) : confusionTable(confusion, names)}`,
  ].join("");
}

function classTable(figures: readonly ClassFigures[], names: readonly string[]): string {
  const rows = figures.map((each, index) => ({ each, row: [className(names, index), ...cellsOf(each)] }));
  const isCut = rows.length > fullClasses;
  // Classes without images come last: nothing is known of them.
  const shown = isCut ? rows.sort((a, b) => (a.each.f1 ?? 2) - (b.each.f1 ?? 2)).slice(0, worstClasses) : rows;
  const mean = (["precision", "recall", "f1"] as const).map((name) => shareText(meanFigure(figures, name)));
  const images = figures.reduce((sum, { support }) => sum + support, 0);
  const heading = isCut ? `the ${worstClasses} lowest F1 of ${figures.length} classes\n` : "";
  return `${heading}${table(
    [
      ["class", "precision", "recall", "F1", "images"],
      ...shown.map(({ row }) => row),
      ["mean of the classes", ...mean, String(images)],
    ],
    ["left", "right", "right", "right", "right"],
  )}`;
}

function cellsOf({ precision, recall, f1, support }: ClassFigures): readonly string[] {
  return [shareText(precision), shareText(recall), shareText(f1), String(support)];
}

function confusionTable(confusion: ConfusionMatrix, names: readonly string[]): string {
  const rows = confusion.map((row, label) => [
    // Classes of arrays are called by their numbers.
    names[label] === String(label) ? names[label] : `${label} ${names[label] ?? ""}`.trimEnd(),
    ...Array.from(row, (count) => (count === 0 ? "·" : String(count))),
  ]);
  return table(
    [["class, taken for", ...confusion.map((_, label) => String(label))], ...rows],
    ["left", ...confusion.map(() => "right" as const)],
  );
}

function commonTable(confusion: ConfusionMatrix, names: readonly string[]): string {
  const rows = commonConfusions(confusion, worstClasses).map(({ label, predicted, count }) => [
    className(names, label),
    className(names, predicted),
    String(count),
  ]);
  if (rows.length === 0) return "no mistakes\n";
  return table([["class", "most often taken for", "images"], ...rows], ["left", "left", "right"]);
}

/** What `--json` prints of an evaluation; null where a figure is undefined. */
export function evaluationJson(evaluation: Evaluation, names: readonly string[]): Readonly<Record<string, unknown>> {
  const { loss, correct, count, correctInTop5, confusion } = evaluation;
  const figures = classFigures(confusion);
  return {
    loss,
    accuracy: correct / count,
    correct,
    count,
    ...(correctInTop5 !== undefined && { top5Accuracy: correctInTop5 / count, correctInTop5 }),
    mean: {
      precision: meanFigure(figures, "precision") ?? null,
      recall: meanFigure(figures, "recall") ?? null,
      f1: meanFigure(figures, "f1") ?? null,
    },
    classes: figures.map(({ precision = null, recall = null, f1 = null, ...counts }, index) => ({
      name: className(names, index),
      ...{ precision, recall, f1 },
      ...counts,
    })),
    confusion: confusion.map((row) => [...row]),
  };
}

/** The confusion matrix: a line for each class, a column for each that it was taken for. */
export function confusionCsv(confusion: ConfusionMatrix, names: readonly string[]): string {
  const cell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const titles = confusion.map((_, index) => cell(className(names, index)));
  const lines = confusion.map((row, label) => [titles[label], ...row].join(","));
  return `${["class", ...titles].join(",")}\n${lines.join("\n")}\n`;
}
