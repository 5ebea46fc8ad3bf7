import { expect, test } from "@jest/globals";
import { lossCurveSvg, lossCurveText } from "../../../compiler/training/lossCurve.ts";
import type { LogEntry } from "../../../compiler/training/trainingLog.ts";

const entries: readonly LogEntry[] = [
  ...Array.from({ length: 3000 }, (_, i): LogEntry => ({ kind: "step", step: i + 1, epoch: 1, rate: 0.1, loss: 2 / (1 + i / 100), accuracy: 0.5 })), // prettier-ignore
  { kind: "epoch", epoch: 1, step: 3000, trainLoss: 0.4, trainAccuracy: 0.8, testLoss: 0.5, testAccuracy: 0.75, seconds: 9, imagesPerSecond: 100 }, // prettier-ignore
];

test("the picture holds both panels, few points and no text that could be markup", () => {
  const svg = lossCurveSvg('<script>"LeNet"', entries);
  expect(svg).not.toContain("<script>");
  expect(svg).toContain("&#60;script&#62;");
  expect(svg).toContain("accuracy: test");
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  expect(svg.length).toBeLessThan(60_000);
});

test("the picture of a run without steps is still one", () => {
  expect(lossCurveSvg("none", [])).not.toMatch(/NaN|Infinity|undefined/);
  expect(lossCurveText([], 80)).toBe("");
});

test("the chart in the terminal keeps to its width", () => {
  for (const line of lossCurveText(entries, 60).split("\n")) expect(line.length).toBeLessThanOrEqual(60);
});
