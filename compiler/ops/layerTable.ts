import type { LayerArgument, LayerDefinition } from "./defineOp.ts";

/** The table of layers in docs/language.md, one line a layer: its arguments with defaults, and what it does. */
export function renderLayerTable(layers: ReadonlyMap<string, LayerDefinition>): string {
  const rows = [...layers.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((layer) => {
      const args = layer.arguments.map(argumentText).join("<br>");
      return `| \`${layer.name}\` | ${inputText[layer.expects]} | ${args || "none"} | ${escapeCell(layer.doc)} |`;
    });
  return ["| layer | takes | arguments, in order | what it does |", "|---|---|---|---|", ...rows].join("\n");
}

const inputText: Readonly<Record<LayerDefinition["expects"], string>> = {
  image: "image",
  vector: "vector",
  any: "any",
};

/** An argument with its default, its range and what it is: "`stride = 1`: step between output positions". */
export function argumentText(argument: LayerArgument): string {
  const { name, alias, default: value, doc } = argument;
  const given = value === undefined ? "" : ` = ${defaultText(value)}`;
  const second = alias === undefined ? "" : ` (or \`${alias}\`)`;
  return `\`${name}${given}\`${second}: ${escapeCell(doc)}${rangeText(argument)}`;
}

function defaultText(value: NonNullable<LayerArgument["default"]>): string {
  if (typeof value === "string") return value.startsWith("=") ? value.slice(1) : value;
  if (typeof value !== "object") return String(value);
  const [first] = value;
  return value.every((item) => item === first) ? String(first) : `(${value.join(", ")})`;
}

/** The range where it says more than "at least 0 or 1". */
function rangeText({ min, max, minExclusive, maxExclusive }: LayerArgument): string {
  if (max === undefined) return minExclusive === true ? ` (above ${min})` : "";
  return ` (${min} to ${max}${maxExclusive === true ? ", not included" : ""})`;
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|");
}
