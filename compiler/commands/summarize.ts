/** What a network is made of, layer by layer or block by block; pure, so that scripts and tests see what people see. */
import type { ModelSetting } from "../ir/checked.ts";
import {
  elementCount,
  multiplyAddsOf,
  pathOf,
  typesOf,
  type Graph,
  type GraphNode,
  type ValueId,
} from "../ir/graph.ts";

export interface LayerSummary {
  /** Module path, "conv1" or "layer1.conv2": the prefix of its tensors in a weights file. */
  readonly name: string;
  /** The layer's op; of a group, the block that it is a call of, or "head". */
  readonly op: string;
  /** Of one sample: what the layer, or the group's last one, gives. */
  readonly output: readonly number[];
  /** Trainable scalars. */
  readonly parameters: number;
  /** Of one sample, forward: convolutions and linear layers. */
  readonly multiplyAdds: number;
  /** How many layers a group has; a layer by itself has none. */
  readonly layers?: number;
}

export interface NetworkSummary {
  readonly name: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly input: readonly number[];
  readonly output: readonly number[];
  readonly layers: readonly LayerSummary[];
  readonly parameters: number;
  readonly multiplyAdds: number;
}

/** A layer with where it stands: the modules that it lies in, outermost first, with the block that each is a call of. */
interface Placed extends LayerSummary {
  readonly modules: readonly Module[];
}

/** A module around a node, and the block that it is a call of. */
export interface Module {
  readonly name: string;
  readonly block: string;
}

/**
 * Sums up a checked network; nothing needs to be compiled for it. Modules at `depth` and deeper are one row each: at 1, each block
 * that the model itself calls.
 */
export function summarizeGraph(graph: Graph, settings: readonly ModelSetting[], depth = Infinity): NetworkSummary {
  const layers = layersOf(graph);
  const [images] = graph.inputs;
  const [main] = graph.heads;
  return {
    name: graph.name,
    settings: Object.fromEntries(settings.map(({ name, value }) => [name, value])),
    input: images?.type.shape ?? [],
    output: (main && typesOf(graph).get(main.value)?.shape) ?? [],
    layers: group(layers, depth),
    parameters: graph.parameters.reduce((sum, { type }) => sum + elementCount(type), 0),
    multiplyAdds: layers.reduce((sum, layer) => sum + layer.multiplyAdds, 0),
  };
}

/** One entry a layer, in the order of the graph; nodes of one module path in a row are one layer. */
function layersOf(graph: Graph): readonly Placed[] {
  const parameterOf = new Map(graph.parameters.map((parameter) => [parameter.value, parameter]));
  const counted = new Set<ValueId>();
  const layers: Placed[] = [];
  for (const node of graph.nodes) {
    const own = Object.values(node.inputs).flatMap((value) => parameterOf.get(value) ?? []);
    // A weight that two layers share counts where it is first used.
    const fresh = own.filter(({ value }) => !counted.has(value));
    for (const { value } of fresh) counted.add(value);
    const parameters = fresh.reduce((sum, { type }) => sum + elementCount(type), 0);
    const multiplyAdds = multiplyAddsOf(node, parameterOf);
    const path = pathOf(node);
    const before = layers.at(-1);
    if (before?.name === path && node.origin.path !== "") {
      layers[layers.length - 1] = {
        ...before,
        op: node.op,
        output: node.type.shape,
        parameters: before.parameters + parameters,
        multiplyAdds: before.multiplyAdds + multiplyAdds,
      };
    } else {
      const modules = modulesOf(node);
      layers.push({ name: path, op: node.op, output: node.type.shape, parameters, multiplyAdds, modules });
    }
  }
  return layers;
}

/** The modules around a node. A head is a module that no block is called for. */
export function modulesOf(node: GraphNode): readonly Module[] {
  const { calls } = node.origin;
  const names = pathOf(node).split(".").slice(0, -1);
  const first = names.length - calls.length;
  return names.map((_, index) => ({
    name: names.slice(0, index + 1).join("."),
    block: calls[index - first]?.block ?? "head",
  }));
}

function group(layers: readonly Placed[], depth: number): readonly LayerSummary[] {
  const rows = new Map<string, LayerSummary>();
  layers.forEach(({ modules, ...layer }, index) => {
    const module = modules[depth - 1];
    // Two joins of one block have one name, and are two rows.
    const key = module === undefined ? `${index} ${layer.name}` : module.name;
    const before = rows.get(key);
    if (module === undefined) rows.set(key, layer);
    else {
      rows.set(key, {
        name: module.name,
        op: module.block,
        output: layer.output,
        parameters: (before?.parameters ?? 0) + layer.parameters,
        multiplyAdds: (before?.multiplyAdds ?? 0) + layer.multiplyAdds,
        layers: (before?.layers ?? 0) + 1,
      });
    }
  });
  return [...rows.values()];
}
