/** A line chart as SVG: steps along the bottom, epochs along the top, one quantity upwards. Its colours are the page's. */
import { scaleLinear, scaleLog, type ScaleContinuousNumeric } from "d3-scale";
import { formatCount } from "../commands/terminal.ts";
import { at, markup, nothing, type Html } from "./markup.ts";
import type { Point } from "./reportData.ts";

export interface ChartLine {
  readonly name: string;
  /** A class of the page's style: its colour and dash. */
  readonly style: "train" | "faint" | "test" | "rate";
  readonly points: readonly Point[];
  /** Marks each point. */
  readonly dots?: boolean;
}

export interface Chart {
  readonly id: string;
  readonly title: string;
  /** With its unit. */
  readonly yLabel: string;
  readonly lines: readonly ChartLine[];
  readonly lastStep: number;
  readonly epochEnds: readonly { readonly step: number; readonly epoch: number }[];
  readonly range: readonly [number, number];
  readonly isLogarithmic?: boolean;
  readonly yText: (value: number) => string;
  /** What is seen, in words: for those who cannot see it. */
  readonly description: string;
}

const [width, height] = [480, 290];
const plot = { left: 62, right: 456, top: 30, bottom: 240 } as const;

/** A chart with its title and legend. */
export function lineChart(chart: Chart): Html {
  const { id, title, lines, description } = chart;
  const shown = lines.filter(({ points }) => points.length > 0);
  const legend = shown.map(
    ({ name, style, dots }) =>
      markup`<li><svg class="key" viewBox="0 0 26 10" aria-hidden="true">${line("line " + style, "M1 5H25")}${dots === true ? dot(style, 13, 5) : nothing}</svg>${name}</li>`,
  ); // prettier-ignore
  return markup`<figure class="chart" id="${id}"><figcaption><h3>${title}</h3><ul class="legend">${legend}</ul></figcaption><svg role="img" aria-labelledby="${id}-t ${id}-d" viewBox="0 0 ${width} ${height}"><title id="${id}-t">${title}</title><desc id="${id}-d">${description}</desc>${drawing({ ...chart, lines: shown })}</svg></figure>`;
}

function drawing({ id, lines, lastStep, epochEnds, range, isLogarithmic, yText, yLabel }: Chart): Html {
  const x = scaleLinear([0, lastStep], [plot.left, plot.right]);
  const ends = [plot.bottom, plot.top];
  const y = isLogarithmic === true ? scaleLog(range, ends) : scaleLinear(range, ends).nice(5);
  const middle = (plot.top + plot.bottom) / 2;
  return markup`<clipPath id="${id}-clip"><rect x="${plot.left}" y="${plot.top - 2}" width="${plot.right - plot.left + 4}" height="${plot.bottom - plot.top + 4}"/></clipPath>
${yTicks(y, isLogarithmic === true).map((value) => yTick(y(value), yText(value)))}
${x.ticks(6).filter(Number.isInteger).map((value) => xTick(x(value), formatCount(value)))}
${epochMarks(epochEnds).map(({ step, epoch }) => epochMark(x(step), epoch))}
${line("axis", `M${plot.left} ${plot.bottom}H${plot.right}`)}
<text class="label" x="${plot.right}" y="${plot.bottom + 38}" text-anchor="end">step</text>
${epochEnds.length === 0 ? nothing : markup`<text class="tick" x="${plot.left - 8}" y="${plot.top - 13}" text-anchor="end">epoch</text>`}
<text class="label" transform="translate(13 ${middle}) rotate(-90)" text-anchor="middle">${yLabel}</text>
<g clip-path="url(#${id}-clip)">
${lines.map(({ points, style, dots }) => markup`${line(`line ${style}`, pathOf(points, x, y))}${dots === true || points.length === 1 ? points.map((point) => dot(style, at(x(point.x)), at(y(point.y)))) : nothing}`)}
</g>`; // prettier-ignore
}

function yTicks(y: ScaleContinuousNumeric<number, number>, isLogarithmic: boolean): readonly number[] {
  const ticks = y.ticks(5);
  // A logarithmic scale offers all of 1 … 9 of each decade.
  return isLogarithmic && ticks.length > 6 ? ticks.filter((value) => Math.log10(value) % 1 === 0) : ticks;
}

function yTick(y: number, text: string): Html {
  return markup`${line("grid", `M${plot.left} ${at(y)}H${plot.right}`)}<text class="tick" x="${plot.left - 8}" y="${at(y + 4)}" text-anchor="end">${text}</text>`;
}

function xTick(x: number, text: string): Html {
  return markup`${line("axis", `M${at(x)} ${plot.bottom}v5`)}<text class="tick" x="${at(x)}" y="${plot.bottom + 19}" text-anchor="middle">${text}</text>`;
}

function epochMark(x: number, epoch: number): Html {
  return markup`${line("epoch", `M${at(x)} ${plot.top - 6}V${plot.bottom}`)}<text class="tick" x="${at(x)}" y="${plot.top - 12}" text-anchor="middle">${epoch}</text>`;
}

/** Ten at most, evenly apart. */
function epochMarks(ends: Chart["epochEnds"]): Chart["epochEnds"] {
  const each = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((count) => ends.length / count <= 10) ?? 5000;
  return ends.filter(({ epoch }) => epoch % each === 0);
}

function line(style: string, d: string): Html {
  return markup`<path class="${style}" d="${d}"/>`;
}

function dot(style: string, x: number, y: number): Html {
  return markup`<circle class="dot ${style}" cx="${x}" cy="${y}" r="3"/>`;
}

/** Values that are not finite break the line. */
function pathOf(points: readonly Point[], x: (value: number) => number, y: (value: number) => number): string {
  let isDown = false;
  return points
    .map((point) => {
      const place = y(point.y);
      const command = isDown ? "L" : "M";
      isDown = Number.isFinite(place);
      return isDown ? `${command}${at(x(point.x))} ${at(place)}` : "";
    })
    .join("");
}
