/**
 * The table that `cnnc tune` writes beside a module: for each adapter, the ways of computing that were measured to be faster there
 * than the cost model's. Everything in it is a hint: what does not fit a network is not taken.
 */
import { existsSync } from "node:fs";
import { isRecord } from "../files/isRecord.ts";
import { readText } from "../files/readText.ts";
import { UserError } from "../files/userError.ts";
import { writeAtomically } from "../files/writeAtomically.ts";
import { ways, type Choices, type Way } from "../ir/choices.ts";
import type { Schedule } from "../ir/kernel.ts";
import type { AdapterIdentity } from "../../runtime/plan.ts";

export interface TuningTable {
  readonly format: 1;
  readonly adapters: readonly AdapterTable[];
}

/** What was found on one adapter. */
export interface AdapterTable {
  readonly adapter: AdapterIdentity;
  /** By a hash of the network with its recipe and batch: see `networkKey`. */
  readonly networks: Readonly<Record<string, TunedNetwork>>;
  /** By `scheduleKey`, which equal kernels of any network share. */
  readonly kernels: Readonly<Record<string, TunedKernel>>;
}

/** Microseconds on the clock that the table names: of the cost model's way, and of the tuned one. */
export interface Gain {
  readonly before: number;
  readonly after: number;
}

export interface TunedNetwork {
  readonly model: string;
  readonly recipe: string;
  readonly batch: number;
  /** "CPU time", "GPU time" or "wall time". */
  readonly clock: string;
  readonly choices: Readonly<Partial<Record<Way, boolean>>>;
  /** The ways are the training step's alone: inference was slower by them. */
  readonly plainInference?: true;
  /** Of a whole training step, where there is a recipe; equal where the cost model's way was kept. */
  readonly step?: Gain;
  readonly inference: Gain;
}

export interface TunedKernel extends Gain {
  /** The layers, for people. */
  readonly label: string;
  readonly schedule: Schedule;
}

/** Reads a table; undefined where there is no file; throws `UserError` where it is none, saying what to do. */
export function readTable(path: string): TuningTable | undefined {
  if (!existsSync(path)) return undefined;
  return parseTable(readText(path), path);
}

/** A table from its text; throws `UserError` naming `path`. Entries in it that no version wrote are left out. */
export function parseTable(text: string, path: string): TuningTable {
  const remedy = "remove it, or measure again with `cnnc tune`";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${path} is not JSON: ${(error as Error).message}; ${remedy}`);
  }
  if (!isRecord(value) || !Array.isArray(value["adapters"])) {
    throw new UserError(`${path} is no table of \`cnnc tune\`; ${remedy}`);
  }
  if (value["format"] !== 1) {
    throw new UserError(`${path} is of format ${String(value["format"])}; this version reads format 1; ${remedy}`);
  }
  return { format: 1, adapters: value["adapters"].flatMap((each: unknown) => adapterTable(each) ?? []) };
}

export function writeTable(path: string, table: TuningTable): void {
  writeAtomically(path, `${JSON.stringify(table, null, 2)}\n`);
}

/**
 * The table with an adapter's new results: those of the same network, and the schedules of all `measured` kernels, take the place of
 * what was there.
 */
export function withResults(
  table: TuningTable | undefined,
  adapter: AdapterIdentity,
  network: { readonly key: string; readonly found: TunedNetwork },
  kernels: Readonly<Record<string, TunedKernel>>,
  measured: ReadonlySet<string>,
): TuningTable {
  const others = table?.adapters.filter((each) => !isSameAdapter(each.adapter, adapter)) ?? [];
  const before = table?.adapters.find((each) => isSameAdapter(each.adapter, adapter));
  const kept = Object.entries(before?.kernels ?? {}).filter(([key]) => !measured.has(key));
  return {
    format: 1,
    adapters: [
      ...others,
      {
        adapter,
        networks: { ...before?.networks, [network.key]: network.found },
        kernels: { ...Object.fromEntries(kept), ...kernels },
      },
    ],
  };
}

/**
 * What a table decides for a network on its adapter, where `known` are the ways that the compiler takes there; undefined where it has
 * nothing for it.
 */
export function choicesOf(
  { networks, kernels }: AdapterTable,
  networkKey: string,
  known: Choices,
): Choices | undefined {
  // A way for a whole network was measured with that network; a kernel's schedule goes with the kernel.
  const { choices, plainInference } = networks[networkKey] ?? { choices: known };
  const schedules = new Map(Object.entries(kernels).map(([key, { schedule }]) => [key, schedule]));
  if (schedules.size === 0 && JSON.stringify(choices) === JSON.stringify(known)) return undefined;
  return choicesWith(choices, schedules, plainInference === true ? known : undefined);
}

/** Ways for a whole network, its kernels' schedules with them; and those of inference, where it is left as it was. */
export function choicesWith(
  choices: Choices,
  schedules: ReadonlyMap<string, Schedule>,
  inference: Choices | undefined,
): Choices {
  return { ...choices, schedules, ...(inference !== undefined && { inference }) };
}

/** What tells adapters apart, of all that WebGPU says of one. */
export function identityOf({ vendor, architecture, device, description }: AdapterIdentity): AdapterIdentity {
  return { vendor, architecture, device, description };
}

export function isSameAdapter(a: AdapterIdentity, b: AdapterIdentity): boolean {
  return JSON.stringify(identityOf(a)) === JSON.stringify(identityOf(b));
}

function adapterTable(value: unknown): AdapterTable | undefined {
  if (!isRecord(value)) return undefined;
  const { adapter, networks, kernels } = value;
  if (!isRecord(adapter) || !isRecord(networks) || !isRecord(kernels)) return undefined;
  const word = (name: keyof AdapterIdentity): string => (typeof adapter[name] === "string" ? adapter[name] : "");
  return {
    adapter: {
      vendor: word("vendor"),
      architecture: word("architecture"),
      device: word("device"),
      description: word("description"),
    },
    networks: entriesOf(networks, tunedNetwork),
    kernels: entriesOf(kernels, tunedKernel),
  };
}

function entriesOf<T>(
  record: Readonly<Record<string, unknown>>,
  read: (value: Readonly<Record<string, unknown>>) => T | undefined,
): Readonly<Record<string, T>> {
  return Object.fromEntries(
    Object.entries(record).flatMap(([key, value]): readonly [string, T][] => {
      const found = isRecord(value) ? read(value) : undefined;
      return found === undefined ? [] : [[key, found]];
    }),
  );
}

function tunedNetwork(value: Readonly<Record<string, unknown>>): TunedNetwork | undefined {
  const { model, recipe, batch, clock, choices, plainInference, step, inference } = value;
  const given = isRecord(choices) ? choices : {};
  const taken = ways.filter((name) => typeof given[name] === "boolean");
  if (!isGain(inference)) return undefined;
  return {
    model: String(model),
    recipe: String(recipe),
    batch: Number(batch),
    clock: String(clock),
    choices: Object.fromEntries(taken.map((name) => [name, given[name] === true])),
    ...(plainInference === true && { plainInference }),
    ...(isGain(step) && { step: { before: step.before, after: step.after } }),
    inference: { before: inference.before, after: inference.after },
  };
}

function tunedKernel(value: Readonly<Record<string, unknown>>): TunedKernel | undefined {
  const { label, schedule } = value;
  if (!isGain(value) || !isRecord(schedule)) return undefined;
  const { tile, unroll, split, staged, quads, subgroups, workgroupSize } = schedule;
  // Quads that an earlier version laid along no axis of their own.
  if (subgroups !== undefined) return undefined;
  if (!isSizes(tile) || !isSizes(unroll) || typeof workgroupSize !== "number") return undefined;
  const cut = isRecord(split) ? split : undefined;
  if (cut !== undefined && (typeof cut["axis"] !== "string" || typeof cut["parts"] !== "number")) return undefined;
  const { group, chunk } = isRecord(staged) ? staged : {};
  const isStaged = isSizes(group) && isSizes(chunk);
  if (staged !== undefined && !isStaged) return undefined;
  return {
    label: String(label),
    before: value.before,
    after: value.after,
    schedule: {
      tile,
      unroll,
      ...(cut !== undefined && { split: { axis: String(cut["axis"]), parts: Number(cut["parts"]) } }),
      ...(isStaged && { staged: { group, chunk } }),
      ...(typeof quads === "string" && { quads }),
      workgroupSize,
    },
  };
}

function isSizes(value: unknown): value is Readonly<Record<string, number>> {
  return isRecord(value) && Object.values(value).every((size) => typeof size === "number");
}

function isGain(value: unknown): value is Gain {
  return isRecord(value) && typeof value["before"] === "number" && typeof value["after"] === "number";
}
