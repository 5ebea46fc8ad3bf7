import { formatBytes, formatCount } from "../commands/terminal.ts";
import type { LayerSummary, NetworkSummary } from "../commands/summarize.ts";
import type { MemorySummary } from "../commands/summarizeMemory.ts";
import { formatShape, shapeElements } from "../ir/graph.ts";
import { markup, nothing, type Html } from "./markup.ts";
import { isAbsent, type Absent, type Summary } from "./reportData.ts";

/** The network's layers with shapes, parameters, multiply-adds and bytes, and what training takes of the GPU's memory. */
export function summaryPart(summary: Summary | Absent): Html {
  const heading = markup`<h2>Summary</h2>`;
  if (isAbsent(summary))
    return markup`<section id="summary">${heading}<p class="absent">${summary.absent}</p></section>`;
  const { layers, blocks, memory } = summary;
  return markup`<section id="summary">${heading}
<p>${formatShape(layers.input)} in, ${formatShape(layers.output)} out.</p>
${blocks === undefined ? layerTable(layers) : markup`${layerTable(blocks)}<details><summary>All ${layers.layers.length} layers</summary>${layerTable(layers)}</details>`}
<p class="caption">Of one image, forward. Multiply-adds are those of convolutions and linear layers; bytes are of 32-bit numbers.</p>
<h3>Memory on the GPU</h3>
${memoryTable(memory)}
</section>`; // prettier-ignore
}

function layerTable({ layers, parameters, multiplyAdds }: NetworkSummary): Html {
  return markup`<div class="scroll"><table class="numbers layers">
<thead><tr><th scope="col">layer</th><th scope="col">kind</th><th scope="col">output</th><th scope="col">parameters</th><th scope="col">bytes of them</th><th scope="col">bytes of output</th><th scope="col">multiply-adds</th></tr></thead>
<tbody>${layers.map(layerRow)}</tbody>
<tfoot><tr><th scope="row">total</th><td></td><td></td><td>${formatCount(parameters)}</td><td>${formatBytes(4 * parameters)}</td><td></td><td>${formatCount(multiplyAdds)}</td></tr></tfoot>
</table></div>`; // prettier-ignore
}

function layerRow({ name, op, output, parameters, multiplyAdds, layers }: LayerSummary): Html {
  const bytes = 4 * shapeElements(output);
  const kind = layers === undefined ? op : `${op}, ${layers} ${layers === 1 ? "layer" : "layers"}`;
  const orDash = (count: number, text: string): string => (count === 0 ? "–" : text);
  return markup`<tr><th scope="row">${name}</th><td class="text">${kind}</td><td>${formatShape(output)}</td><td>${orDash(parameters, formatCount(parameters))}</td><td>${orDash(parameters, formatBytes(4 * parameters))}</td><td>${formatBytes(bytes)}</td><td>${orDash(multiplyAdds, formatCount(multiplyAdds))}</td></tr>`;
}

function memoryTable({
  batch,
  parameters,
  activations,
  recomputation,
  trainingPeak,
  inferencePeak,
}: MemorySummary): Html {
  const images = `${formatCount(batch)} ${batch === 1 ? "image" : "images"}`;
  const row = (what: string, bytes: number | undefined): Html =>
    bytes === undefined
      ? nothing
      : markup`<tr><th scope="row">${what}</th><td>${formatBytes(bytes)}</td><td>${formatCount(bytes)}</td></tr>`;
  return markup`<div class="scroll"><table class="numbers">
<thead><tr><th scope="col">what</th><th scope="col"></th><th scope="col">bytes</th></tr></thead>
<tbody>${row("parameters", parameters)}${row(`activations held for the backward pass of ${images}`, activations)}${row("without `memory`", recomputation?.wholeBytes)}${row(`all buffers of a training step of ${images}`, trainingPeak)}${row(`all buffers of inference of ${images}`, inferencePeak)}</tbody>
</table></div>`; // prettier-ignore
}
