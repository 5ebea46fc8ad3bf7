/** A checkpoint for a recipe that has changed: the weights and what the optimizer remembers as they are, its settings the recipe's. */
import { meanKey, parseSafetensors, writeSafetensors, type StoredTensor } from "cnnc/runtime";
import { shapeElements } from "../ir/graph.ts";
import type { NetworkPlan } from "../../runtime/plan.ts";

/**
 * The file as a network by `plan` takes it: with the plan's settings (momentum, weight decay). What its optimizer remembers and the
 * file lacks (a momentum that was 0) starts as in a new run, and what it does not remember any more is left out; so is the images' mean
 * where the data are others.
 */
export function adaptCheckpoint(
  file: Uint8Array<ArrayBuffer>,
  plan: NetworkPlan,
  { hasOtherData }: { readonly hasOtherData: boolean },
): Uint8Array<ArrayBuffer> {
  const { tensors, metadata: notes } = parseSafetensors(file);
  const metadata = Object.fromEntries(Object.entries(notes).filter(([key]) => !hasOtherData || key !== meanKey));
  const wanted = new Map(plan.optimizer.map((tensor) => [`optimizer.${tensor.name}`, tensor]));
  const adapted = new Map<string, StoredTensor>();
  for (const [name, { dtype, shape, bytes }] of tensors) {
    if (name.startsWith("optimizer.") && !wanted.delete(name)) continue;
    const { buffer } = bytes.slice();
    if (dtype === "I64") adapted.set(name, { dtype, shape, values: new BigInt64Array(buffer) });
    else adapted.set(name, { dtype: "F32", shape, values: new Float32Array(buffer) });
  }
  for (const [name, { shape }] of wanted) {
    adapted.set(name, { dtype: "F32", shape, values: new Float32Array(shapeElements(shape)) });
  }
  const settings = plan.uniforms.flatMap(({ name, initial }) => (initial === undefined ? [] : [[name, initial]]));
  return writeSafetensors(adapted, { ...metadata, settings: JSON.stringify(Object.fromEntries(settings)) });
}
