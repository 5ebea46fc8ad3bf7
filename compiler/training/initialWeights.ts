/** Weights to start a training from: those of another run, or of PyTorch, as far as they fit the network. */
import { loadPartial, torchvision, type NameMap, type PartialLoad } from "cnnc/app";
import { parseSafetensors } from "cnnc/runtime";
import type { NetworkPlan } from "../../runtime/plan.ts";
import { readBytes, readText } from "../files/readText.ts";
import { UserError } from "../files/userError.ts";
import type { OpenNetwork } from "./openNetwork.ts";
import type { ProgressView } from "./progressView.ts";

export interface InitialWeights {
  readonly path: string;
  readonly file: Uint8Array<ArrayBuffer>;
  readonly names: NameMap;
}

/** Reads the file, and the names of its tensors. */
export function readInitial(path: string, names: string | undefined): InitialWeights {
  return { path, file: readBytes(path), names: names === undefined ? {} : readNames(names) };
}

/** What `--names` says: "torchvision", or a file with a JSON object of another program's names with ours. */
export function readNames(names: string): NameMap {
  if (names === "torchvision") return torchvision;
  let map: unknown;
  try {
    map = JSON.parse(readText(names));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${names} is not JSON: ${(error as Error).message}`, 1, { cause: error });
  }
  const isMap =
    typeof map === "object" &&
    map !== null &&
    Object.values(map).every((value) => value === null || typeof value === "string");
  if (!isMap) throw new UserError(`${names} must hold an object of names: {"features.0": "conv1", "fc": null}`);
  return map as Readonly<Record<string, string | null>>;
}

/** Loads them, and says what was loaded and what was not; throws `UserError` where nothing fits. */
export function loadInitial({ network }: OpenNetwork, { path, file, names }: InitialWeights, view: ProgressView): void {
  const hint = names === torchvision ? "" : torchvisionHint(network.plan, file);
  try {
    const result = loadPartial(network, file, { names });
    view.note(describeLoad(path, result) + (result.unused.length > result.loaded.length ? hint : ""));
  } catch (error) {
    throw new UserError(`${path}: ${(error as Error).message}${hint}`, 1, { cause: error });
  }
}

/** Said where little of a file fits, though it would by torchvision's names. */
export function torchvisionHint(plan: NetworkPlan, file: Uint8Array): string {
  try {
    const ours = [...plan.parameters, ...plan.states].map(({ name }) => name);
    torchvision.match([...parseSafetensors(file).tensors.keys()], ours);
    return "; the file's names are torchvision's: --names torchvision";
  } catch {
    return "";
  }
}

/** "60 of 62 tensors from a.safetensors; drawn anew: linear1.weight (10 x 512 in the file, 5 x 512 here)". */
export function describeLoad(path: string, { loaded, kept, unused }: PartialLoad): string {
  const list = (parts: readonly string[]): string =>
    parts.slice(0, 6).join(", ") + (parts.length > 6 ? ` and ${parts.length - 6} more` : "");
  return [
    `${loaded.length} of ${loaded.length + kept.length} tensors from ${path}`,
    ...(kept.length > 0 ? [`not loaded: ${list(kept.map(({ name, reason }) => `${name} (${reason})`))}`] : []),
    ...(unused.length > 0 ? [`of the file unused: ${list(unused)}`] : []),
  ].join("; ");
}
