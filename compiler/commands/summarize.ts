/** What a network is made of, layer by layer; pure, so that scripts and tests see what people see. */
import { elementCount, typesOf, type GraphNode, type ValueId } from "../ir/graph.ts";
import type { CompiledNetwork } from "../ir/output.ts";

export interface LayerSummary {
  /** Module path, "conv1" or "layer1.conv2": the prefix of its tensors in a weights file. */
  readonly name: string;
  readonly op: string;
  /** Of one sample. */
  readonly output: readonly number[];
  /** Trainable scalars. */
  readonly parameters: number;
  /** Of one sample, forward. */
  readonly multiplyAdds: number;
}

export interface NetworkSummary {
  readonly name: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly input: readonly number[];
  readonly output: readonly number[];
  readonly layers: readonly LayerSummary[];
  readonly parameters: number;
  readonly multiplyAdds: number;
  readonly batch: number;
  readonly bytes: {
    readonly parameters: number;
    readonly trainingPeak?: number;
    readonly inferencePeak: number;
  };
}

/** Sums up a compiled network; nodes of one module path in a row make one layer. */
export function summarize(network: CompiledNetwork): NetworkSummary {
  const { graph, plan } = network;
  const types = typesOf(graph);
  const parameterOf = new Map(graph.parameters.map((parameter) => [parameter.value, parameter]));
  const counted = new Set<ValueId>();
  const layers: LayerSummary[] = [];
  for (const node of graph.nodes) {
    const own = Object.values(node.inputs).flatMap((value) => parameterOf.get(value) ?? []);
    // A weight that two layers share counts where it is first used.
    const fresh = own.filter(({ value }) => !counted.has(value));
    for (const { value } of fresh) counted.add(value);
    const parameters = fresh.reduce((sum, { type }) => sum + elementCount(type), 0);
    const multiplyAdds = own.filter(({ role, type }) => role === "weight" && type.shape.length >= 2)
      .reduce((sum, { type }) => sum + elementCount(node.type) * (elementCount(type) / (type.shape[0] ?? 1)), 0); // prettier-ignore
    const before = layers.at(-1);
    const name = layerName(node);
    if (before?.name === name && node.origin.path !== "") {
      layers[layers.length - 1] = {
        ...before,
        output: node.type.shape,
        parameters: before.parameters + parameters,
        multiplyAdds: before.multiplyAdds + multiplyAdds,
      };
    } else {
      layers.push({ name, op: node.op, output: node.type.shape, parameters, multiplyAdds });
    }
  }
  const total = (of: (layer: LayerSummary) => number): number => layers.reduce((sum, layer) => sum + of(layer), 0);
  const parameters = graph.parameters.reduce((sum, { type }) => sum + elementCount(type), 0);
  const main = graph.heads[0];
  return {
    name: network.name,
    settings: Object.fromEntries(network.settings.map(({ name, value }) => [name, value])),
    input: plan.inputShape,
    output: (main && types.get(main.value)?.shape) ?? plan.outputShape,
    layers,
    parameters,
    multiplyAdds: total((layer) => layer.multiplyAdds),
    batch: plan.batch,
    bytes: {
      parameters: parameters * 4,
      ...(network.peakBytes.training === undefined ? {} : { trainingPeak: network.peakBytes.training }),
      inferencePeak: network.peakBytes.inference,
    },
  };
}

function layerName(node: GraphNode): string {
  return node.origin.path === "" ? node.op : node.origin.path;
}
