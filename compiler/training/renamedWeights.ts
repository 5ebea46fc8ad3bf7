import { loadPartial, type NameMap } from "cnnc/app";
import { parseSafetensors, weightEntries, writeSafetensors } from "cnnc/runtime";
import type { StoredTensor } from "cnnc/runtime";
import { inferenceGraph } from "../3-differentiate/inferenceGraph.ts";
import { UserError } from "../files/userError.ts";
import { shapeElements } from "../ir/graph.ts";
import type { CompiledNetwork } from "../ir/output.ts";
import type { WeightsFile } from "./imageMean.ts";
import { describeLoad } from "./initialWeights.ts";

/**
 * The weights of another program's file under the network's own names, whole: ready to be loaded for prediction. A file that has these
 * names stays as it is. Auxiliary heads may be missing, which predict nothing; throws `UserError` where anything else is, and says what.
 */
export function renamedWeights(
  { plan, graph }: CompiledNetwork,
  { path, content }: WeightsFile,
  names: NameMap,
): Uint8Array<ArrayBuffer> {
  const tensors = [...plan.parameters, ...plan.states];
  const values = new Map<string, Float32Array<ArrayBuffer>>();
  let metadata: Readonly<Record<string, string>>;
  try {
    const parsed = parseSafetensors(content);
    const found = new Set(weightEntries(parsed).map(([name]) => name));
    if (tensors.every(({ name }) => found.has(name))) return content;
    ({ metadata } = parsed);
    const parameter = (name: string) => ({
      write: (given: Float32Array) => void values.set(name, new Float32Array(given)),
    });
    const loaded = loadPartial({ plan, parameter }, content, { names });
    const read = readByPrediction(graph);
    if (loaded.kept.some(({ name }) => read.has(name)))
      throw new Error(`prediction needs all of them: ${describeLoad("the file", loaded)}`);
  } catch (error) {
    throw new UserError(`${path}: ${(error as Error).message}`, 1, { cause: error });
  }
  const stored = new Map<string, StoredTensor>();
  for (const { name, shape } of tensors) {
    stored.set(name, { dtype: "F32", shape, values: values.get(name) ?? new Float32Array(shapeElements(shape)) });
  }
  for (const { name } of plan.counters) stored.set(name, { dtype: "I64", shape: [], values: BigInt64Array.of(0n) });
  return writeSafetensors(stored, metadata);
}

/** Parameters and running statistics that the main head depends on. */
function readByPrediction(graph: CompiledNetwork["graph"]): ReadonlySet<string> {
  const { nodes } = inferenceGraph(graph).output;
  const read = new Set(nodes.flatMap(({ inputs }) => Object.values(inputs)));
  return new Set([...graph.parameters, ...graph.states].filter(({ value }) => read.has(value)).map(({ name }) => name));
}
