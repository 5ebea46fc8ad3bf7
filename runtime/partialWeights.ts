/** partialWeights.ts: weights of another network, or of this one with another head, loaded as far as they fit. */
import { NetworkError } from "./errors.ts";
import { weightEntries } from "./fileFormat.ts";
import type { NetworkPlan } from "./plan.ts";
import { parseSafetensors } from "./safetensors.ts";
import type { TensorEntry } from "./safetensors.ts";
import { formatShape } from "./shapes.ts";

/** Finds the names of the network's tensors (`ours`, in the plan's order) to those of a file; throws where there are none. */
export interface NameMatcher {
  readonly match: (theirs: readonly string[], ours: readonly string[]) => ReadonlyMap<string, string>;
}

/**
 * What the file's tensors are called here: names of tensors or modules of the file with ours ("features.0": "conv1", null
 * leaves it out), the longest that fits counting; or a function; or a matcher, as `torchvision` of `cnnc/app`.
 */
export type NameMap = Readonly<Record<string, string | null>> | NameMatcher | ((name: string) => string | undefined);

export interface PartialLoadOptions {
  readonly names?: NameMap;
}

/** What became of the network's tensors and the file's. */
export interface PartialLoad {
  /** Tensors of the network that were loaded. */
  readonly loaded: readonly string[];
  /** Tensors of the network that stay as they are, and why. */
  readonly kept: readonly { readonly name: string; readonly reason: string }[];
  /** Tensors of the file that have no counterpart. */
  readonly unused: readonly string[];
}

/** What loading asks of a network. */
export interface LoadableNetwork {
  readonly plan: NetworkPlan;
  parameter(name: string): { write(values: Float32Array): void };
}

/**
 * Loads the tensors of a file that fit the network's by name and shape, and tells which; the others stay. For fine-tuning. Throws
 * `NetworkError`, and changes nothing, where none fits.
 */
export function loadPartial(
  { plan, parameter }: LoadableNetwork,
  file: Uint8Array | ArrayBuffer,
  { names = {} }: PartialLoadOptions = {},
): PartialLoad {
  const network = plan.name;
  const tensors = [...plan.parameters, ...plan.states];
  const parsed = parseSafetensors(file);
  const found = weightEntries(parsed).map(([name, entry]) => ({ name, entry }));
  const rename = renaming(names, found.map(({ name }) => name), tensors.map(({ name }) => name)); // prettier-ignore
  const byName = new Map<string, { readonly name: string; readonly entry: TensorEntry }>();
  for (const each of found) {
    const own = rename(each.name);
    const other = own === undefined ? undefined : byName.get(own);
    if (other !== undefined) {
      throw new NetworkError(
        "weights",
        `${other.name} and ${each.name} of the file are both called ${own} in ${network}`,
      );
    }
    if (own !== undefined) byName.set(own, each);
  }
  const values = new Map<string, Float32Array<ArrayBuffer>>();
  const kept: { name: string; reason: string }[] = [];
  for (const { name, shape } of tensors) {
    const given = byName.get(name);
    if (given === undefined) kept.push({ name, reason: "not in the file" });
    else if (given.entry.shape.join() !== shape.join()) {
      kept.push({ name, reason: `${formatShape(given.entry.shape)} in the file, ${formatShape(shape)} here` });
    } else values.set(name, numbersOf(given.name, given.entry));
  }
  const known = new Set(tensors.map(({ name }) => name));
  const unused = found
    .filter(({ name }) => !known.has(rename(name) ?? "") && !name.endsWith(".num_batches_tracked"))
    .map(({ name }) => name);
  if (values.size === 0) {
    const [first] = found;
    throw new NetworkError(
      "weights",
      `nothing of the file fits ${network}: it has ${first === undefined ? "no tensors" : `${first.name} and ${found.length - 1} more`}, ` +
        `and ${network} ${kept[0]?.name ?? "none"}; \`names\` says what is called how`,
    );
  }
  for (const [name, numbers] of values) parameter(name).write(numbers);
  return { loaded: [...values.keys()], kept, unused };
}

function renaming(
  names: NameMap,
  theirs: readonly string[],
  ours: readonly string[],
): (name: string) => string | undefined {
  if (typeof names === "function") return names;
  if (isMatcher(names)) {
    const counted = (name: string): boolean => !name.endsWith(".num_batches_tracked");
    const map = names.match(theirs.filter(counted), ours);
    return (name) => map.get(name);
  }
  const keys = Object.keys(names).sort((a, b) => b.length - a.length);
  return (name) => {
    const key = keys.find((each) => name === each || name.startsWith(`${each}.`));
    if (key === undefined) return name;
    const own = names[key];
    return own === null || own === undefined ? undefined : own + name.slice(key.length);
  };
}

function isMatcher(names: Exclude<NameMap, (name: string) => string | undefined>): names is NameMatcher {
  return typeof names["match"] === "function";
}

/** A tensor's values as f32. */
function numbersOf(name: string, { dtype, bytes }: TensorEntry): Float32Array<ArrayBuffer> {
  const { buffer } = bytes.slice();
  switch (dtype) {
    case "F32":
      return new Float32Array(buffer);
    case "F64":
      return Float32Array.from(new Float64Array(buffer));
    case "BF16":
    case "F16": {
      const halves = new Uint16Array(buffer);
      const convert = dtype === "F16" ? halfNumber : bfloatNumber;
      return Float32Array.from(halves, convert);
    }
    default:
      throw new NetworkError("weights", `tensor ${name} has dtype ${dtype}; F32, F64, F16 and BF16 are read`);
  }
}

/** A bfloat16 is the upper half of an f32. */
function bfloatNumber(bits: number): number {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0] as number;
}

function halfNumber(bits: number): number {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}
