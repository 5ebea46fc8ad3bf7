import { confusionPart } from "./confusionPart.ts";
import { curvesPart } from "./curvesPart.ts";
import { diagramPart } from "./diagramPart.ts";
import { factsPart } from "./factsPart.ts";
import { featureMapsPart } from "./featureMapsPart.ts";
import { filtersPart } from "./filtersPart.ts";
import { markup } from "./markup.ts";
import { mistakesPart } from "./mistakesPart.ts";
import type { ReportData } from "./reportData.ts";
import { style } from "./style.ts";
import { summaryPart } from "./summaryPart.ts";

/** The parts below the run's facts, by the id of their section. */
const contents: readonly (readonly [id: string, name: string])[] = [
  ["curves", "Curves"],
  ["confusion", "Confusion matrix"],
  ["mistakes", "Worst mistakes"],
  ["filters", "First-layer filters"],
  ["feature-maps", "Feature maps"],
  ["graph", "Model graph"],
  ["summary", "Summary"],
];

/**
 * The report as one page that asks nothing of the network and runs no script: its policy forbids both. Equal data give equal
 * bytes.
 */
export function reportPage(data: ReportData): string {
  const { facts, curves, evaluation, filters, featureMaps, diagram, summary } = data;
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="cnnc report">
<link rel="icon" href="data:,">
<title>${facts.model}: training report</title>
<style>${{ html: style }}</style>
</head>
<body>
${factsPart(facts, evaluation)}
<nav aria-label="Parts of this page">${contents.map(([id, name]) => markup`<a href="#${id}">${name}</a>`)}</nav>
<main>
${curvesPart(curves)}
${confusionPart(evaluation)}
${mistakesPart(evaluation)}
${filtersPart(filters)}
${featureMapsPart(featureMaps)}
${diagramPart(diagram)}
${summaryPart(summary)}
</main>
<footer>Written by cnnc report. The figures are those of the run’s log; test images were classified with the weights named.</footer>
</body>
</html>
`; // prettier-ignore
  return page.html;
}
