import { openAdapter } from "../node/adapter.ts";
import { knownChoices } from "../knownAdapters.ts";
import type { Way } from "../ir/choices.ts";
import type { CompiledNetwork } from "../ir/output.ts";
import { interruptedExitCode, listenForInterruption } from "../training/interruption.ts";
import { DifferentResults } from "../tune/compareSteps.ts";
import { foundKernels, tuneNetwork, type Outcome, type TuningResult } from "../tune/tuneNetwork.ts";
import {
  identityOf,
  readTable,
  withResults,
  writeTable,
  type TunedKernel,
  type TunedNetwork,
} from "../tune/tuningTable.ts";
import { UserError } from "../files/userError.ts";
import { moduleStem, compileFile, compileSpec, type SpecOptions } from "./compileSpec.ts";
import { formatSeconds, table, type Terminal } from "./terminal.ts";
import { networkKey, runDirectory, tablePath } from "./tuning.ts";
import { tuningView } from "./tuningView.ts";

export interface TuneCommandOptions extends SpecOptions {
  readonly out?: string;
  /** Seconds. */
  readonly budget: number;
  /** What the cost model's kernels are written for. */
  readonly adapter: "cpu" | "gpu";
  /** The ways for the whole network that are tried; all unless given. */
  readonly ways?: readonly Way[];
}

/** `cnnc tune`: measures ways of computing on the adapter at hand, and writes the faster ones to the module's table. */
export async function tuneCommand(file: string, options: TuneCommandOptions, terminal: Terminal): Promise<number> {
  const more = { adapterClass: options.adapter };
  const { network, diagnostics } = compileSpec(file, options, terminal, more);
  const path = tablePath(runDirectory(options.out, network), moduleStem(file, options));
  // A damaged table is told of before minutes of measuring.
  const known = readTable(path);
  const { adapter, software, description } = await openAdapter();
  const device = await adapter.requestDevice(descriptorFor(adapter));
  const view = tuningView(terminal, options.budget, options.json === true);
  const interruption = listenForInterruption(() => {
    view.note("comparing what was found so far; Ctrl-C again stops at once");
  });
  try {
    view.note(
      `${network.name}, batch ${network.plan.batch}, on ${description}: about ${formatSeconds(options.budget)}`,
    );
    const result = await tuneNetwork({
      compile: (choices) => {
        const { network: compiled } = compileFile(file, options, { ...more, choices });
        if (compiled === undefined) throw new UserError(`${file} does not compile any more`);
        return compiled;
      },
      device,
      software,
      adapterClass: options.adapter,
      known: knownChoices(network.plan, adapter.info, device.features),
      ...(options.ways !== undefined && { ways: options.ways }),
      budgetSeconds: options.budget,
      signal: interruption.signal,
      now: () => performance.now(),
      onProgress: view.onProgress,
    });
    view.close();
    const found = tunedNetwork(network, result);
    const measured = new Set(result.units.map(({ unit }) => unit.key));
    const entry = { key: networkKey(network), found };
    writeTable(path, withResults(known, identityOf(adapter.info), entry, tunedKernels(result), measured));
    const report = { adapter: description, path, result, network };
    if (options.json === true)
      terminal.out(`${JSON.stringify({ ok: true, diagnostics, ...jsonReport(report) }, null, 2)}\n`);
    else terminal.out(textReport(report));
    return interruption.signal.aborted ? interruptedExitCode : 0;
  } catch (error) {
    if (!(error instanceof DifferentResults)) throw error;
    throw new UserError(
      `${network.name} gives ${error.message} with tuned kernels: nothing is written. Please report this with the file`,
      1,
      { cause: error },
    );
  } finally {
    view.close();
    interruption.release();
    device.destroy();
  }
}

/** All that the adapter offers of what kernels and clocks may need. */
function descriptorFor({ features, limits }: GPUAdapter): GPUDeviceDescriptor {
  const wanted: readonly GPUFeatureName[] = ["timestamp-query", "subgroups", "shader-f16"];
  const { maxBufferSize, maxStorageBufferBindingSize } = limits;
  return {
    requiredFeatures: wanted.filter((name) => features.has(name)),
    requiredLimits: { maxBufferSize, maxStorageBufferBindingSize },
  };
}

/** The network's entry in the table. */
function tunedNetwork({ name, recipe, plan }: CompiledNetwork, result: TuningResult): TunedNetwork {
  const { step, inference, choices, plainInference, stepClock } = result;
  const gain = ({ comparison, kept }: Outcome): { before: number; after: number } => {
    const before = Math.round(comparison?.before ?? 0);
    return { before, after: kept ? Math.round(comparison?.after ?? 0) : before };
  };
  return {
    model: name,
    recipe: recipe?.name ?? "",
    batch: plan.batch,
    clock: stepClock,
    choices,
    ...(plainInference && { plainInference }),
    ...(step !== undefined && { step: gain(step) }),
    inference: gain(inference),
  };
}

function tunedKernels({ units }: TuningResult): Readonly<Record<string, TunedKernel>> {
  return Object.fromEntries(
    [...foundKernels(units)].map(([key, kernel]): readonly [string, TunedKernel] => [
      key,
      { ...kernel, before: Math.round(kernel.before), after: Math.round(kernel.after) },
    ]),
  );
}

interface Report {
  readonly adapter: string;
  readonly path: string;
  readonly result: TuningResult;
  readonly network: CompiledNetwork;
}

function jsonReport({ adapter, path, result, network }: Report): object {
  const { units, step, inference, tried, ways, choices, kernelClock, stepClock } = result;
  return {
    name: network.name,
    adapter,
    table: path,
    tried,
    kernelClock,
    stepClock,
    ways: ways.map(({ name, value, comparison, taken }) => ({ name, value, taken, ...comparison })),
    choices,
    kernels: units.map(({ unit, micros, share, found }) => ({
      key: unit.key,
      program: unit.program,
      label: unit.label,
      uses: unit.uses,
      share,
      before: found?.before ?? micros,
      ...(found !== undefined && { after: found.after, schedule: found.schedule }),
    })),
    ...(step !== undefined && { step }),
    inference,
  };
}

/** Kernels with less than this part of their program's time are not shown unless they were tuned. */
const leastShown = 0.01;
const labelWidth = 56;

function textReport({ path, result }: Report): string {
  const { units, step, inference, tried, kernelClock, stepClock, ways } = result;
  const lines: string[] = [];
  for (const program of ["training", "inference"] as const) {
    const shown = units.filter(({ unit, share, found }) => unit.program === program && (share >= leastShown || found !== undefined)); // prettier-ignore
    if (shown.length === 0) continue;
    const rows = shown.map(({ unit, micros, share, found }) => [
      cut(unit.label),
      `${(share * 100).toFixed(1)} %`,
      unit.uses === 1 ? "" : `${unit.uses} x`,
      duration(found?.before ?? micros),
      found === undefined ? "-" : duration(found.after),
      found === undefined ? "" : `${(found.before / found.after).toFixed(2)}x`,
    ]);
    const head = [`${program}, by ${kernelClock}`, "share", "", "before", "after", "gain"];
    lines.push(table([head, ...rows], ["left", "right", "right", "right", "right", "right"]));
  }
  for (const { name, value, comparison, taken } of ways) {
    const way = `${name} ${value ? "everywhere" : "nowhere"}`;
    lines.push(`${way}: ${(1 / comparison.ratio).toFixed(2)}x${taken ? "" : ", not taken"}\n`);
  }
  if (step !== undefined) lines.push(`training step  ${outcomeText(step, stepClock)}\n`);
  lines.push(`inference      ${outcomeText(inference, stepClock)}\n`);
  lines.push(`table          ${path} (${tried} candidates measured)\n`);
  return lines.join("");
}

function outcomeText({ comparison, kept }: Outcome, clock: string): string {
  if (comparison === undefined) return "the cost model's kernels stay: nothing faster was found";
  const { before, after, ratio, rounds } = comparison;
  const figures = `${duration(before)} -> ${duration(after)} of ${clock}, ${(1 / ratio).toFixed(2)}x over ${rounds} rounds`;
  return kept ? figures : `the cost model's kernels stay: together the others were no faster (${figures})`;
}

function cut(label: string): string {
  return label.length > labelWidth ? `${label.slice(0, labelWidth - 1)}…` : label;
}

/** "129 ms", "0.42 ms". */
function duration(micros: number): string {
  return `${(micros / 1000).toPrecision(3)} ms`;
}
