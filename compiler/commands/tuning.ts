/** Tables of `cnnc tune` as commands find and use them. */
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { existsSync } from "node:fs";
import { addTunedPlans, type PlanOfAdapter } from "../6-emit/addTunedPlans.ts";
import type { CompileOptions } from "../compile.ts";
import { dumpGraph } from "../ir/graph.ts";
import { knownChoices } from "../knownAdapters.ts";
import type { Choices } from "../ir/choices.ts";
import type { CompiledNetwork } from "../ir/output.ts";
import type { AdapterIdentity } from "../../runtime/plan.ts";
import { choicesOf, isSameAdapter, readTable, type TuningTable } from "../tune/tuningTable.ts";
import { compileFile, type SpecOptions } from "./compileSpec.ts";

/** Where a run of a network goes, and a table for it, unless the command line says where. */
export function runDirectory(out: string | undefined, network: CompiledNetwork): string {
  const recipe = network.recipe?.name ?? "";
  return out ?? join("out", `${network.name.toLowerCase()}${recipe === "" ? "" : `-${recipe}`}`);
}

/** The table of a module: beside it, in its directory. */
export function tablePath(directory: string, stem: string): string {
  return join(directory, `${stem}.tune.json`);
}

/** A table, and the file that it is from. */
export interface FoundTable {
  readonly path: string;
  readonly table: TuningTable;
}

/** The table beside a module, else the one beside its spec; undefined where there is none. Throws `UserError` where it is damaged. */
export function findTable(directory: string, stem: string, spec: string): FoundTable | undefined {
  const path = [directory, dirname(spec)].map((each) => tablePath(each, stem)).find((each) => existsSync(each));
  const table = path === undefined ? undefined : readTable(path);
  return path === undefined || table === undefined ? undefined : { path, table };
}

/** What names a network with its recipe and batch in a table: a short hash of what is computed. */
export function networkKey({ graph, trainingGraph, plan }: CompiledNetwork): string {
  const text = `${plan.batch}\n${dumpGraph(trainingGraph ?? graph)}`;
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/**
 * The network with a plan of its own for each adapter of a table that has something for it; the same network where none has. `more` is
 * what it was compiled with.
 */
export function withTuning(
  network: CompiledNetwork,
  { table }: FoundTable,
  file: string,
  options: SpecOptions,
  more: Partial<CompileOptions>,
): CompiledNetwork {
  return withTable(network, table, (choices) => compileFile(file, options, { ...more, choices }).network);
}

/** The same of a network that `compile` gives with other choices; what does not compile with them is left out. */
export function withTable(
  network: CompiledNetwork,
  table: TuningTable,
  compile: (choices: Choices) => CompiledNetwork | undefined,
): CompiledNetwork {
  const key = networkKey(network);
  const others = table.adapters.flatMap((each): readonly PlanOfAdapter[] => {
    const choices = choicesOf(each, key, knownChoices(network.plan, each.adapter));
    const tuned = choices && compile(choices);
    return tuned === undefined ? [] : [{ adapter: each.adapter, plan: tuned.plan }];
  });
  return { ...network, plan: addTunedPlans(network.plan, others) };
}

/** What of a found table goes into a module, in words. */
export function describeTuning({ plan }: CompiledNetwork, { path, table }: FoundTable): string {
  const isMeasured = (adapter: AdapterIdentity): boolean => table.adapters.some((each) => isSameAdapter(each.adapter, adapter)); // prettier-ignore
  const measured = (plan.tuned ?? []).filter(({ adapter }) => isMeasured(adapter));
  const names = measured.map(({ adapter }) => adapter.description || adapter.device || adapter.architecture);
  if (names.length === 0) return `${path} has nothing for this network`;
  return `tuned by ${path} for ${names.join(", ")}`;
}
