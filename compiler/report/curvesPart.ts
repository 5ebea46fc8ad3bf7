import { quantile, smoothed } from "../training/lossCurve.ts";
import { percent } from "../training/progressView.ts";
import { markup, type Html } from "./markup.ts";
import { lineChart } from "./lineChart.ts";
import type { Curves, Point } from "./reportData.ts";

/** Loss and accuracy of training and test images by step, and the learning rate of each step. */
export function curvesPart(curves: Curves): Html {
  if (curves.loss.length === 0) {
    return markup`<section id="curves"><h2>Curves</h2><p class="absent">No step has been logged yet.</p></section>`;
  }
  const { lastStep, epochEnds, loss, accuracy, rate, testLoss, testAccuracy } = curves;
  const shared = { lastStep, epochEnds };
  const lossTop = topOf([...loss, ...testLoss]);
  const smoothLoss = smoothed(loss);
  const isCut = loss.some(({ y }) => y > lossTop);
  const share = (value: number): string => `${Math.round(value * 1000) / 10} %`;
  const last = testAccuracy.at(-1);
  return markup`<section id="curves"><h2>Curves</h2>
<div class="charts">
${lineChart({
  ...shared,
  id: "loss",
  title: "Loss",
  yLabel: "loss, nats",
  range: [0, lossTop],
  yText: (value) => String(Number(value.toPrecision(3))),
  lines: [
    { name: "training, each step", style: "faint", points: loss },
    { name: "training, smoothed", style: "train", points: smoothLoss },
    { name: "test, each epoch", style: "test", points: testLoss, dots: true },
  ],
  description: `Training loss from ${figure(loss[0])} to ${figure(smoothLoss.at(-1))} over ${lastStep} steps; test loss ${testLoss.map(figure).join(", ") || "not measured yet"}.`,
})}
${lineChart({
  ...shared,
  id: "accuracy",
  title: "Accuracy",
  yLabel: "right answers",
  range: [0, 1],
  yText: share,
  lines: [
    { name: "training, each step", style: "faint", points: accuracy },
    { name: "training, smoothed", style: "train", points: smoothed(accuracy) },
    { name: "test, each epoch", style: "test", points: testAccuracy, dots: true },
  ],
  description: `Share of images classified rightly; of the test images ${last === undefined ? "not measured yet" : `${percent(last.y)} in the end`}.`,
})}
${rateChart(rate, shared)}
<p class="caption">The thin line is each step’s own mini-batch, measured before its update; the thick line is its mean over ${"2\u00a0%"} of the run to either side. Dots are the whole test set after an epoch. Epochs end at the dotted lines.${isCut ? " The loss of a few steps lies above the picture." : ""}</p>
</div>
</section>`; // prettier-ignore
}

function rateChart(rate: readonly Point[], shared: Pick<Curves, "lastStep" | "epochEnds">): Html {
  const rates = rate.map(({ y }) => y).filter((value) => value > 0);
  const [least, most] = [Math.min(...rates), Math.max(...rates)];
  // Steps down by factors are even steps there; a smooth curve to nothing would lose its shape.
  const isLogarithmic = most > 20 * least && rates.length === rate.length && new Set(rates).size <= 20;
  return lineChart({
    ...shared,
    id: "rate",
    title: "Learning rate",
    yLabel: `learning rate${isLogarithmic ? " (logarithmic)" : ""}`,
    range: rates.length === 0 ? [0, 1] : isLogarithmic ? [least / 1.3, most * 1.3] : [0, most * 1.1],
    isLogarithmic,
    yText: (value) => (value === 0 ? "0" : value < 1e-3 ? value.toExponential(0) : String(Number(value.toPrecision(3)))),
    lines: [{ name: "rate of each step", style: "rate", points: rate }],
    description: `Learning rates from ${least} to ${most}.`,
  }); // prettier-ignore
}

/** The first steps may be far above the rest; the picture is about the rest. */
function topOf(points: readonly Point[]): number {
  const most = quantile(points.map(({ y }) => y).filter(Number.isFinite), 0.99); // prettier-ignore
  return Math.max(most, 1e-6) * 1.08;
}

function figure(point: Point | undefined): string {
  return point === undefined ? "none" : point.y.toFixed(3);
}
