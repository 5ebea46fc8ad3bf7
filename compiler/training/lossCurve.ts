/** The picture of a training run: loss by step on the left, accuracy by epoch on the right. */
import { plot } from "asciichart";
import { isEpoch, isStep, type LogEntry } from "./trainingLog.ts";

interface Point {
  readonly x: number;
  readonly y: number;
}

interface Panel {
  readonly title: string;
  readonly left: number;
  readonly xLabel: string;
  readonly xRange: readonly [number, number];
  readonly yRange: readonly [number, number];
  readonly yText: (value: number) => string;
  readonly lines: readonly {
    readonly name: string;
    readonly colour: string;
    readonly width: number;
    readonly points: readonly Point[];
  }[];
}

const panelWidth = 400;
const panelHeight = 260;
const top = 56;
const gap = 90;

/** A self-contained SVG of the losses and accuracies in a log; a note in place of the curves while there are none. */
export function lossCurveSvg(title: string, entries: readonly LogEntry[]): string {
  const steps = entries.filter(isStep);
  const epochs = entries.filter(isEpoch);
  const lastStep = Math.max(1, ...steps.map(({ step }) => step).slice(-1), ...epochs.map(({ step }) => step));
  const lossPoints = steps.map(({ step, loss }) => ({ x: step, y: loss }));
  const testLoss = epochs.map(({ step, testLoss: y }) => ({ x: step, y }));
  // The first steps may be far above the rest; the picture is about the rest.
  const lossTop =
    Math.max(
      quantile(
        [...lossPoints, ...testLoss].map(({ y }) => y),
        0.99,
      ),
      1e-6,
    ) * 1.05;
  const panels: readonly Panel[] = [
    {
      title: "loss",
      left: 60,
      xLabel: "step",
      xRange: [0, lastStep],
      yRange: [0, lossTop],
      yText: (value) => value.toPrecision(2),
      lines: [
        { name: "train, each step", colour: "#b9cbe4", width: 1, points: thinned(lossPoints) },
        { name: "train, smoothed", colour: "#2f6db5", width: 2, points: thinned(smoothed(lossPoints)) },
        { name: "test", colour: "#c8551b", width: 2, points: testLoss },
      ],
    },
    {
      title: "accuracy",
      left: 60 + panelWidth + gap,
      xLabel: "epoch",
      xRange: [0, Math.max(1, epochs.at(-1)?.epoch ?? 1)],
      yRange: [0, 1],
      yText: (value) => `${Math.round(value * 100)} %`,
      lines: [
        {
          name: "train",
          colour: "#2f6db5",
          width: 2,
          points: epochs.map(({ epoch, trainAccuracy }) => ({ x: epoch, y: trainAccuracy })),
        },
        {
          name: "test",
          colour: "#c8551b",
          width: 2,
          points: epochs.map(({ epoch, testAccuracy }) => ({ x: epoch, y: testAccuracy })),
        },
      ],
    },
  ];
  const width = 60 + 2 * panelWidth + gap + 30;
  const height = top + panelHeight + 60;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="60" y="24" font-size="16" fill="#222222">${escapeXml(title)}</text>`,
    ...panels.flatMap(panelLines),
    "</svg>",
    "",
  ].join("\n");
}

function panelLines(panel: Panel): readonly string[] {
  const { left, xRange, yRange } = panel;
  const x = (value: number): number => left + ((value - xRange[0]) / (xRange[1] - xRange[0])) * panelWidth;
  const y = (value: number): number =>
    top + panelHeight - ((Math.min(value, yRange[1]) - yRange[0]) / (yRange[1] - yRange[0])) * panelHeight;
  const at = (value: number): string => value.toFixed(1);
  const ticks = [0, 1, 2, 3, 4].map((i) => i / 4);
  const xTicks = [...new Set(ticks.map((share) => Math.round(xRange[0] + share * (xRange[1] - xRange[0]))))];
  return [
    ...ticks.flatMap((share) => {
      const value = yRange[0] + share * (yRange[1] - yRange[0]);
      return [
        `<line x1="${left}" x2="${left + panelWidth}" y1="${at(y(value))}" y2="${at(y(value))}" stroke="#e4e4e4"/>`,
        `<text x="${left - 6}" y="${at(y(value) + 4)}" text-anchor="end" fill="#555555">${panel.yText(value)}</text>`,
      ];
    }),
    ...xTicks.map(
      (value) =>
        `<text x="${at(x(value))}" y="${top + panelHeight + 18}" text-anchor="middle" fill="#555555">${value}</text>`,
    ),
    `<text x="${left + panelWidth / 2}" y="${top + panelHeight + 38}" text-anchor="middle" fill="#222222">${panel.xLabel}</text>`,
    ...panel.lines.flatMap(({ name, colour, width, points }, index) => [
      `<text x="${left + panelWidth - 8}" y="${top + 16 + 16 * index}" text-anchor="end" fill="${colour}">${panel.title}: ${name}</text>`,
      points.length === 1 && points[0] !== undefined
        ? `<circle cx="${at(x(points[0].x))}" cy="${at(y(points[0].y))}" r="3" fill="${colour}"/>`
        : `<polyline fill="none" stroke="${colour}" stroke-width="${width}" stroke-linejoin="round" points="${points
            .map((point) => `${at(x(point.x))},${at(y(point.y))}`)
            .join(" ")}"/>`,
    ]),
  ];
}

/** The smoothed training loss as a chart of characters; "" while there are fewer than two steps. */
export function lossCurveText(entries: readonly LogEntry[], columns: number): string {
  const losses = entries.filter(isStep).map(({ step, loss }) => ({ x: step, y: loss }));
  if (losses.length < 2) return "";
  const points = smoothed(losses);
  const width = Math.max(2, Math.min(columns - 12, points.length));
  const shown = Array.from(
    { length: width },
    (_, i) => points[Math.round((i * (points.length - 1)) / (width - 1))]?.y ?? 0,
  );
  return plot(shown, { height: 8, format: (value) => value.toFixed(3).padStart(8) });
}

/** A mean over the neighbours on both sides: 2 % of the run, so that the ends are not shifted. */
export function smoothed(points: readonly Point[]): readonly Point[] {
  const reach = Math.max(1, Math.round(points.length * 0.02));
  const sums = [0];
  for (const { y } of points) sums.push((sums.at(-1) ?? 0) + y);
  return points.map(({ x }, index) => {
    const from = Math.max(0, index - reach);
    const to = Math.min(points.length, index + reach + 1);
    return { x, y: ((sums[to] ?? 0) - (sums[from] ?? 0)) / (to - from) };
  });
}

/** At most about a thousand points: a picture has no more pixels. */
function thinned(points: readonly Point[]): readonly Point[] {
  const every = Math.ceil(points.length / 1000);
  return points.filter((_, index) => index % every === 0 || index === points.length - 1);
}

/** The value below which a share of the others lies; 1 where there is none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 1;
}

function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
