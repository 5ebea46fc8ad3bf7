import { didYouMean } from "../diagnostics/suggest.ts";
import { UserError } from "../files/userError.ts";
import { argumentText } from "../ops/layerTable.ts";
import { layers } from "../ops/index.ts";
import type { LayerDefinition } from "../ops/defineOp.ts";
import { standardLibrary } from "../standardLibrary.ts";
import { describeBlocks, type BlockDescription } from "./describeBlocks.ts";
import type { Terminal } from "./terminal.ts";

export interface DocsCommandOptions {
  readonly json?: boolean;
}

/** `cnnc docs`: all layers and standard blocks in a line each, or all about one of them; throws `UserError` on another name. */
export function docsCommand(name: string | undefined, options: DocsCommandOptions, terminal: Terminal): number {
  const blocks = describeBlocks(standardLibrary);
  const found = name === undefined ? undefined : (layers.get(name) ?? blocks.find((block) => block.name === name));
  if (name !== undefined && found === undefined) {
    const help = didYouMean(name, [...layers.keys(), ...blocks.map((block) => block.name)]);
    throw new UserError(`there is no layer or standard block called ${name}${help === undefined ? "" : `: ${help}`}`);
  }
  if (options.json === true) {
    const every = [...sortedLayers().map(layerJson), ...blocks.map((block) => ({ kind: "block", ...block }))];
    const shown = found === undefined ? every : every.find((entry) => entry.name === found.name);
    terminal.out(`${JSON.stringify(shown, null, 2)}\n`);
  } else if (found === undefined) terminal.out(listText(blocks, terminal));
  else terminal.out("source" in found ? blockText(found, terminal) : layerText(found, terminal));
  return 0;
}

function sortedLayers(): readonly LayerDefinition[] {
  return [...layers.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function layerJson({ name, doc, expects, arguments: args }: LayerDefinition) {
  const described = args.map((each) => ({
    name: each.name,
    ...(each.default === undefined ? {} : { default: each.default }),
    doc: each.doc,
  }));
  return { kind: "layer", name, doc, takes: expects, arguments: described };
}

function listText(blocks: readonly BlockDescription[], { outColours }: Terminal): string {
  const layerLines = sortedLayers().map(({ name, doc }) => `  ${name.padEnd(22)}${doc}`);
  const blockLines = blocks.flatMap(({ signature, doc }) => [`  ${signature}`, ...wrapped(doc, 100).map((line) => `      ${line}`)]); // prettier-ignore
  return [
    outColours.bold("Layers"),
    ...layerLines,
    "",
    `${outColours.bold("Blocks of the standard library")} (${standardLibrary.path})`,
    ...blockLines,
    "",
    "cnnc docs NAME shows a layer's arguments, or a block's definition.",
    "",
  ].join("\n");
}

function layerText(layer: LayerDefinition, { outColours }: Terminal): string {
  const takes = { image: "an image", vector: "a vector", any: "an image or a vector" }[layer.expects];
  const args = layer.arguments.map((each) => `  ${argumentText(each).replaceAll("`", "")}`);
  const heading = `${outColours.bold(layer.name)}: layer, takes ${takes}`;
  return [heading, ...wrapped(layer.doc, 100), ...(args.length > 0 ? ["", ...args] : []), ""].join("\n");
}

function blockText({ name, doc, source }: BlockDescription, { outColours }: Terminal): string {
  const heading = `${outColours.bold(name)}: block of the standard library (${standardLibrary.path})`;
  return [heading, ...wrapped(doc, 100), "", source, ""].join("\n");
}

/** Lines of at most `columns` characters, broken at spaces. */
function wrapped(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}
