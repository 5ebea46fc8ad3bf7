import { formatShape } from "../ir/graph.ts";
import { compileSpec, type SpecOptions } from "./compileSpec.ts";
import { summarize, type NetworkSummary } from "./summarize.ts";
import { formatBytes, formatCount, table, type Terminal } from "./terminal.ts";

export interface SummaryCommandOptions extends SpecOptions {
  readonly recipe?: string;
  readonly batch?: number;
}

/** `cnnc summary`: a table of the layers with totals, or all of it as JSON. */
export function summaryCommand(file: string, options: SummaryCommandOptions, terminal: Terminal): number {
  const network = compileSpec(file, options, terminal, {
    ...(options.recipe === undefined ? {} : { recipe: options.recipe }),
    ...(options.batch === undefined ? {} : { batch: options.batch }),
  });
  const summary = summarize(network);
  if (options.json === true) terminal.out(`${JSON.stringify(summary, null, 2)}\n`);
  else terminal.out(printSummary(summary, terminal));
  return 0;
}

function printSummary(summary: NetworkSummary, { outColours }: Terminal): string {
  const settings = Object.entries(summary.settings).map(([name, value]) => `${name} = ${value}`);
  const heading = `${summary.name}${settings.length > 0 ? ` (${settings.join(", ")})` : ""}: ${formatShape(summary.input)} in, ${formatShape(summary.output)} out`;
  const rows = [
    ["layer", "output", "parameters", "multiply-adds"],
    ...summary.layers.map(({ name, output, parameters, multiplyAdds }) => [
      name,
      formatShape(output),
      formatCount(parameters),
      formatCount(multiplyAdds),
    ]),
    ["total", "", formatCount(summary.parameters), formatCount(summary.multiplyAdds)],
  ];
  const lines = table(rows, ["left", "left", "right", "right"]).trimEnd().split("\n");
  const rule = "-".repeat(Math.max(...lines.map(({ length }) => length)));
  const { parameters, trainingPeak, inferencePeak } = summary.bytes;
  const training =
    trainingPeak === undefined ? "" : `, ${formatBytes(trainingPeak)} for a training step of ${summary.batch}`;
  return [
    outColours.bold(heading),
    outColours.dim(lines[0] ?? ""),
    outColours.dim(rule),
    ...lines.slice(1, -1),
    outColours.dim(rule),
    lines.at(-1) ?? "",
    `memory: ${formatBytes(parameters)} of parameters${training}, ${formatBytes(inferencePeak)} for inference of ${summary.batch}`,
    "",
  ].join("\n");
}
