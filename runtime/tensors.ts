import { describeValue } from "./describeValue.ts";
import { NetworkError } from "./errors.ts";
import { checkpointKind, modelPrefix, notePrefix, optimizerPrefix } from "./fileFormat.ts";
import { refuse } from "./input.ts";
import { writeElements } from "./places.ts";
import type { TensorPlan } from "./plan.ts";
import type { ImageFeed } from "./preparation.ts";
import { trainingOf } from "./programs.ts";
import { drawInitial, randomStream } from "./random.ts";
import { copyOut } from "./readback.ts";
import type { Session } from "./session.ts";
import { elementCount, formatShape } from "./shapes.ts";
import { checkNames, loadContents, storeContents } from "./weights.ts";
import type { Contents, Notes } from "./weights.ts";

/** One tensor of a network on the GPU. */
export interface TensorAccess {
  readonly name: string;
  readonly shape: readonly number[];
  read(): Promise<Float32Array<ArrayBuffer>>;
  /** Replaces all its values; those of a batch already submitted are not affected. */
  write(values: Float32Array | readonly number[]): void;
}

/** The tensors of a network and the numbers that belong to them, drawn, read, written, saved and loaded. */
export interface TensorStore {
  /** Training steps since `init`. */
  readonly step: number;
  readonly seed: number;
  /** Counts a step of so many micro-batches; its number. */
  countStep(micros: number): number;
  init(seed: number): void;
  /** Writes the optimizer's first state. */
  initOptimizer(): void;
  access(name: string): TensorAccess;
  stateDict(): Promise<Record<string, Float32Array<ArrayBuffer>>>;
  loadStateDict(values: Readonly<Record<string, Float32Array>>): void;
  save(): Promise<Uint8Array<ArrayBuffer>>;
  load(file: Uint8Array | ArrayBuffer): void;
  saveCheckpoint(notes: Notes): Promise<Uint8Array<ArrayBuffer>>;
  loadCheckpoint(file: Uint8Array | ArrayBuffer): Record<string, string>;
}

/** Elements drawn and sent at a time. */
const chunkElements = 1 << 20;

export function createTensorStore(session: Session, imageFeed: ImageFeed): TensorStore {
  const { plan, watched, buffers, uniforms } = session;
  const weights = new Map([...plan.parameters, ...plan.states].map((tensor) => [tensor.name, tensor]));
  const counters = new Map(plan.counters.map(({ name }) => [name, 0]));
  const contents: Contents = { tensors: weights, counters: [...counters.keys()] };
  let [step, seed] = [0, plan.seed];

  const write = (tensor: TensorPlan, values: Float32Array<ArrayBuffer>): void => {
    writeElements(buffers, tensor, values);
  };
  const initialise = (tensors: readonly TensorPlan[]): void => {
    for (const tensor of tensors) {
      const stream = randomStream(seed, tensor.name);
      const size = elementCount(tensor);
      for (let start = 0; start < size; start += chunkElements) {
        const chunk = new Float32Array(Math.min(chunkElements, size - start));
        drawInitial(tensor.initial, stream, chunk, start);
        writeElements(buffers, tensor, chunk, start);
      }
    }
  };
  /** One submit, so the values belong together whatever is submitted meanwhile. */
  const read = async (tensors: readonly TensorPlan[]): Promise<Float32Array<ArrayBuffer>[]> => {
    watched.check();
    const encoder = watched.device.createCommandEncoder({ label: "read" });
    const ranges = tensors.map((tensor) => ({ ...tensor, size: elementCount(tensor) * 4 }));
    const readback = copyOut(watched, buffers, encoder, ranges);
    session.submit(encoder);
    return readback.take();
  };
  const readNamed = async (
    tensors: ReadonlyMap<string, TensorPlan>,
  ): Promise<Map<string, Float32Array<ArrayBuffer>>> => {
    const values = await read([...tensors.values()]);
    return new Map([...tensors.keys()].map((name, index) => [name, values[index] as Float32Array<ArrayBuffer>]));
  };
  const checkpointContents = (): Contents => {
    const tensors = new Map([...weights].map(([name, tensor]) => [modelPrefix + name, tensor]));
    for (const tensor of plan.optimizer) tensors.set(optimizerPrefix + tensor.name, tensor);
    return { tensors, counters: [...counters.keys()].map((name) => modelPrefix + name) };
  };
  const checkValues = (tensor: TensorPlan, values: unknown): Float32Array<ArrayBuffer> => {
    const size = elementCount(tensor);
    const isNumbers = values instanceof Float32Array || Array.isArray(values);
    if (!isNumbers || values.length !== size) {
      refuse(
        `${tensor.name} takes a Float32Array of ${formatShape(tensor.shape)} = ${size} values, found ${describeValue(values)}`,
      );
    }
    return Float32Array.from(values as ArrayLike<number>);
  };

  return {
    get step() {
      return step;
    },
    get seed() {
      return seed;
    },
    countStep(micros) {
      // Batch norm counts the batches that it has seen.
      for (const [name, count] of counters) counters.set(name, count + micros);
      return step++;
    },
    init(newSeed) {
      watched.check();
      if (!Number.isSafeInteger(newSeed)) refuse(`a seed is a whole number, found ${String(newSeed)}`);
      [seed, step] = [newSeed, 0];
      for (const name of counters.keys()) counters.set(name, 0);
      initialise(plan.parameters);
      initialise(plan.states);
      if (session.prepared("training") !== undefined) initialise(plan.optimizer);
    },
    initOptimizer() {
      watched.check();
      initialise(plan.optimizer);
    },
    access(name) {
      const tensor = weights.get(name);
      if (tensor === undefined) {
        return refuse(`${plan.name} has no parameter ${name}; it has ${[...weights.keys()].join(", ")}`);
      }
      return {
        name,
        shape: tensor.shape,
        read: async () => (await read([tensor]))[0] as Float32Array<ArrayBuffer>,
        write(values) {
          watched.check();
          write(tensor, checkValues(tensor, values));
        },
      };
    },
    stateDict: async () => Object.fromEntries(await readNamed(weights)),
    loadStateDict(values) {
      watched.check();
      checkNames([...weights.keys()], Object.keys(values), plan.name);
      const checked = [...weights].map(([name, tensor]) => [tensor, checkValues(tensor, values[name])] as const);
      for (const [tensor, numbers] of checked) write(tensor, numbers);
    },
    async save() {
      const counted = new Map(counters);
      return storeContents(contents, await readNamed(weights), counted, { format: "pt", ...imageFeed.notes() });
    },
    load(file) {
      watched.check();
      const loaded = loadContents(file, contents, plan.name);
      imageFeed.takeNotes(loaded.metadata);
      for (const [name, values] of loaded.tensors) write(weights.get(name) as TensorPlan, values);
      for (const [name, count] of loaded.counters) counters.set(name, count);
    },
    async saveCheckpoint(notes) {
      trainingOf(plan);
      const expected = checkpointContents();
      const counted = new Map([...counters].map(([name, count]) => [modelPrefix + name, count]));
      const settings = Object.fromEntries(uniforms.names.map((name) => [name, uniforms.get(name)]));
      const metadata: Record<string, string> = {
        format: "pt",
        kind: checkpointKind,
        network: plan.name,
        step: String(step),
        seed: String(seed),
        settings: JSON.stringify(settings),
        ...imageFeed.notes(),
      };
      for (const [key, text] of Object.entries(notes)) metadata[notePrefix + key] = text;
      return storeContents(expected, await readNamed(expected.tensors), counted, metadata);
    },
    loadCheckpoint(file) {
      watched.check();
      const expected = checkpointContents();
      const loaded = loadContents(file, expected, `a checkpoint of ${plan.name}`);
      const state = readProgress(loaded.metadata, uniforms.names);
      imageFeed.takeNotes(loaded.metadata);
      for (const [name, values] of loaded.tensors) write(expected.tensors.get(name) as TensorPlan, values);
      for (const [name, count] of loaded.counters) counters.set(name.slice(modelPrefix.length), count);
      for (const [name, value] of Object.entries(state.settings)) uniforms.set(name, value);
      [step, seed] = [state.step, state.seed];
      const notes = Object.entries(loaded.metadata).filter(([key]) => key.startsWith(notePrefix));
      return Object.fromEntries(notes.map(([key, text]) => [key.slice(notePrefix.length), text]));
    },
  };
}

interface Progress {
  readonly step: number;
  readonly seed: number;
  readonly settings: Readonly<Record<string, number>>;
}

/** A checkpoint's metadata, checked. */
function readProgress(metadata: Readonly<Record<string, string>>, names: readonly string[]): Progress {
  const [step, seed] = [Number(metadata["step"]), Number(metadata["seed"])];
  let settings: unknown;
  try {
    settings = JSON.parse(metadata["settings"] ?? "");
  } catch {
    settings = undefined;
  }
  const isSettings =
    typeof settings === "object" &&
    settings !== null &&
    Object.keys(settings).length === names.length &&
    names.every((name) => Number.isFinite((settings as Record<string, unknown>)[name]));
  if (!Number.isSafeInteger(step) || step < 0 || !Number.isSafeInteger(seed) || !isSettings) {
    throw new NetworkError(
      "weights",
      "this file is no checkpoint of this network: its step, seed or settings are missing",
    );
  }
  return { step, seed, settings: settings as Record<string, number> };
}
