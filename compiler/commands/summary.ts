import { diagnosticsToJson, type JsonDiagnostic } from "../diagnostics/render.ts";
import { formatShape } from "../ir/graph.ts";
import { checkFile, compileSpec, isRefused, showDiagnostics, SpecErrors, type SpecOptions } from "./compileSpec.ts";
import { parseLimits } from "./limitOptions.ts";
import { summarizeGraph, type LayerSummary, type NetworkSummary } from "./summarize.ts";
import { summarizeMemory, type MemorySummary } from "./summarizeMemory.ts";
import { formatBytes, formatCount, table, type Terminal } from "./terminal.ts";

export interface SummaryCommandOptions extends SpecOptions {
  /** Modules at this depth and below are one row each. */
  readonly depth?: number;
  readonly adapter: "cpu" | "gpu";
  /** Texts `name=value`, each a limit that differs from WebGPU's default. */
  readonly limit: readonly string[];
  /** False (`--no-memory`): layers alone; nothing is compiled. */
  readonly memory: boolean;
}

/** What `--json` prints. */
export interface SummaryJson extends NetworkSummary {
  /** What the plan was made for, and its bytes; absent under `--no-memory`. */
  readonly plan?: { readonly adapter: "cpu" | "gpu"; readonly limits: Readonly<Record<string, number>>; readonly recipe: string | null }; // prettier-ignore
  readonly bytes?: MemorySummary;
  readonly diagnostics: readonly JsonDiagnostic[];
}

/** `cnnc summary`: a table of the layers or blocks with totals and bytes, or all of it as JSON. */
export function summaryCommand(file: string, options: SummaryCommandOptions, terminal: Terminal): number {
  const summary = options.memory ? planned(file, options, terminal) : layersAlone(file, options, terminal);
  terminal.out(options.json === true ? `${JSON.stringify(summary, null, 2)}\n` : printSummary(summary, terminal));
  return 0;
}

function planned(file: string, options: SummaryCommandOptions, terminal: Terminal): SummaryJson {
  const { adapter, depth } = options;
  const limits = parseLimits(options.limit);
  const { network, diagnostics } = compileSpec(file, options, terminal, {
    adapterClass: adapter,
    limits,
  });
  const { graph, settings, recipe } = network;
  return {
    ...summarizeGraph(graph, settings, depth),
    plan: { adapter, limits, recipe: recipe?.name ?? null },
    bytes: summarizeMemory(network),
    diagnostics,
  };
}

/** From the checked graph, in milliseconds whatever the network's size. */
function layersAlone(file: string, options: SummaryCommandOptions, terminal: Terminal): SummaryJson {
  const { checked, diagnostics } = checkFile(file, options);
  showDiagnostics(diagnostics, options, terminal);
  if (checked === undefined || isRefused(diagnostics, options)) throw new SpecErrors(`${file} has errors`);
  return {
    ...summarizeGraph(checked.graph, checked.settings, options.depth),
    diagnostics: diagnosticsToJson(diagnostics),
  };
}

function printSummary(summary: SummaryJson, { outColours }: Terminal): string {
  const settings = Object.entries(summary.settings).map(([name, value]) => `${name} = ${value}`);
  const heading = `${summary.name}${settings.length > 0 ? ` (${settings.join(", ")})` : ""}: ${formatShape(summary.input)} in, ${formatShape(summary.output)} out`;
  const rows = [
    ["layer", "output", "parameters", "multiply-adds"],
    ...summary.layers.map((layer) => [
      nameOf(layer),
      formatShape(layer.output),
      formatCount(layer.parameters),
      formatCount(layer.multiplyAdds),
    ]),
    ["total", "", formatCount(summary.parameters), formatCount(summary.multiplyAdds)],
  ];
  const lines = table(rows, ["left", "left", "right", "right"]).trimEnd().split("\n");
  const rule = "-".repeat(Math.max(...lines.map(({ length }) => length)));
  return [
    outColours.bold(heading),
    outColours.dim(lines[0] ?? ""),
    outColours.dim(rule),
    ...lines.slice(1, -1),
    outColours.dim(rule),
    lines.at(-1) ?? "",
    ...(summary.bytes === undefined ? [] : ["", ...printMemory(summary.bytes).trimEnd().split("\n")]),
    "",
  ].join("\n");
}

function nameOf({ name, op, layers }: LayerSummary): string {
  return layers === undefined ? name : `${name} (${op}, ${layers} ${layers === 1 ? "layer" : "layers"})`;
}

function printMemory({
  batch,
  parameters,
  activations,
  recomputation,
  trainingPeak,
  inferencePeak,
}: MemorySummary): string {
  const images = `${formatCount(batch)} ${batch === 1 ? "image" : "images"}`;
  const { wholeBytes, work } = recomputation ?? {};
  const again = work === undefined ? "" : `; ${formatCount(work)} multiply-adds an image are computed again`;
  const row = (what: string, bytes: number | undefined, note: string): readonly (readonly string[])[] =>
    bytes === undefined ? [] : [[what, formatBytes(bytes), formatCount(bytes), `bytes${note}`]];
  return table(
    [
      ...row("parameters", parameters, ""),
      ...row(
        "activations",
        activations,
        `, held for the backward pass of ${images}${wholeBytes === undefined ? again : ""}`,
      ),
      ...row("without `memory`", wholeBytes, again),
      ...row("training step", trainingPeak, `, all buffers of a step of ${images}`),
      ...row("inference", inferencePeak, `, all buffers of a batch of ${images}`),
    ],
    ["left", "right", "right", "left"],
  );
}
