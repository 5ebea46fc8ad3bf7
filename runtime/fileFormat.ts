/** The names of a file of weights and of a checkpoint, which is one with more in it. */
import type { TensorEntry, TensorFile } from "./safetensors.ts";

/** What a checkpoint's metadata say that it is. */
export const checkpointKind = "cnnc checkpoint";
/** Before the names of a checkpoint's tensors: the network's own, and what the optimizer remembers of them. */
export const [modelPrefix, optimizerPrefix] = ["model.", "optimizer."] as const;
/** Before the keys of what the one who saved a checkpoint noted in its metadata. */
export const notePrefix = "note.";
/** The key of the metadata under which the mean of the training images stands, as a JSON list. */
export const meanKey = "image_mean";

/** The network's own tensors in a file: all of them, but of a checkpoint those of the model, under their own names. */
export function weightEntries({ metadata, tensors }: TensorFile): readonly (readonly [string, TensorEntry])[] {
  if (metadata["kind"] !== checkpointKind) return [...tensors];
  return [...tensors].flatMap(([name, entry]) =>
    name.startsWith(modelPrefix) ? [[name.slice(modelPrefix.length), entry] as const] : [],
  );
}
