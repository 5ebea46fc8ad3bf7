import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { emitModule } from "../6-emit/emitModule.ts";
import { moduleInWorker, type ModuleWork } from "../node/moduleInWorker.ts";
import { UserError } from "../files/userError.ts";
import { writeAtomically } from "../files/writeAtomically.ts";
import { dumpGraph } from "../ir/graph.ts";
import { dumpKernels } from "../ir/kernel.ts";
import { dumpMemory } from "../ir/memory.ts";
import type { CompiledNetwork, EmittedFile } from "../ir/output.ts";
import { readRuntimeBundle } from "../node/runtimeBundle.ts";
import { checkValue } from "./checkValue.ts";
import { moduleStem, checkFile, compileSpec, type SpecOptions } from "./compileSpec.ts";
import { parseLimits } from "./limitOptions.ts";
import { formatCount, type Terminal } from "./terminal.ts";
import { describeTuning, findTable, withTuning } from "./tuning.ts";

export interface CompileCommandOptions extends SpecOptions {
  readonly out?: string;
  readonly emit: "ts" | "js";
  readonly dump?: readonly string[];
  /** The `as` name or path whose value the module predicts in place of the logits. */
  readonly value?: string;
  /** `as` names or paths whose values the module can predict besides the logits. */
  readonly features?: readonly string[];
  /** False: each op has a kernel of its own. */
  readonly fuse?: boolean;
  readonly adapter: "cpu" | "gpu";
  /** Texts `name=value`, each a limit that differs from WebGPU's default. */
  readonly limit: readonly string[];
}

/** `cnnc compile`: the module and its kernels in a directory, the stages asked for on the output. */
export async function compileCommand(
  file: string,
  options: CompileCommandOptions,
  terminal: Terminal,
): Promise<number> {
  if (options.out === undefined && options.dump === undefined) {
    throw new UserError("say where to write with --out DIR, or what to show with --dump graph,kernels,memory", 2);
  }
  const { value, features = [] } = options;
  if (value !== undefined && features.length > 0) {
    throw new UserError(
      "--value makes a module of one value alone, --features one that predicts the logits too; give one of them",
      2,
    );
  }
  if (value !== undefined || features.length > 0) {
    const { checked } = checkFile(file, options);
    for (const name of value === undefined ? features : [value]) {
      if (checked !== undefined) checkValue(checked.graph, name, value === undefined ? "--features" : "--value");
    }
  }
  const more = {
    adapterClass: options.adapter,
    limits: parseLimits(options.limit),
    ...(value !== undefined && { value }),
    ...(features.length > 0 && { features }),
    ...(options.fuse === false && { fuse: false }),
  };
  const work: Partial<ModuleWork> = options.out === undefined ? {} : moduleInWorker(options.emit);
  const { print, pack, ...watchers } = work;
  const { network, diagnostics } = compileSpec(file, options, terminal, { ...more, ...watchers });
  const stages = (options.dump ?? []).map((stage) => [stage, dumpStage(network, stage)] as const);
  const dump = options.dump === undefined ? {} : { dump: Object.fromEntries(stages) };
  // One JSON object and nothing beside it, so that a script can parse what it gets.
  if (options.json !== true) for (const [, text] of stages) terminal.out(text);
  if (options.out === undefined) {
    if (options.json === true) terminal.out(json({ ok: true, name: network.name, diagnostics, ...dump }));
    return 0;
  }
  const stem = moduleStem(file, options);
  // A table is of fused kernels.
  const found = options.fuse === false ? undefined : findTable(options.out, stem, file);
  const tuned = found === undefined ? network : withTuning(network, found, file, options, more);
  // Beside the network's own module, under names of its own.
  const parts = [...(value === undefined ? [] : [value]), ...(options.fuse === false ? ["unfused"] : [])];
  const source = { ...tuned, name: [network.name, ...parts].join(" ") };
  const fileName = [stem, ...parts].join("-");
  const files = [
    ...(await emitModule(source, { language: options.emit, fileName, ...(print && { print }), ...(pack && { pack }) })),
    ...(options.emit === "js" ? readRuntimeBundle() : []),
  ];
  const paths = writeFiles(options.out, files);
  if (options.json === true) {
    const tuning = found === undefined ? {} : { tuning: found.path };
    terminal.out(json({ ok: true, name: network.name, files: paths, diagnostics, ...tuning, ...dump }));
  } else {
    const main = paths.find((path) => /\.[tj]s$/.test(path) && !path.endsWith(".d.ts")) ?? options.out;
    const kernels = paths.filter((path) => path.endsWith(".wgsl")).length;
    terminal.error(`${main}: ${source.name}, ${formatCount(kernels)} kernels beside it\n`);
    if (found !== undefined) terminal.error(`${describeTuning(tuned, found)}\n`);
  }
  return 0;
}

function json(result: object): string {
  return `${JSON.stringify(result, null, 2)}\n`;
}

/** Writes generated files below a directory and returns their paths. */
export function writeFiles(directory: string, files: readonly EmittedFile[]): readonly string[] {
  return files.map(({ path, text }) => {
    const target = join(directory, path);
    // A kernel's text seldom changes: what is there already costs a read and no new file.
    if (!holds(target, text)) writeAtomically(target, text, { isLasting: false });
    return target;
  });
}

/** Whether a file has exactly this text; where it cannot be read, writing it says why. */
function holds(path: string, text: string): boolean {
  try {
    return existsSync(path) && readFileSync(path, "utf8") === text;
  } catch {
    return false;
  }
}

/** A stage's text, for training where there is a recipe, and for inference. */
function dumpStage(network: CompiledNetwork, stage: string): string {
  if (stage === "graph") return dumpGraph(network.trainingGraph ?? network.graph);
  const programs = [
    ...(network.training === undefined ? [] : [["training", network.training] as const]),
    ["inference", network.inference] as const,
  ];
  return programs
    .map(
      ([name, program]) =>
        `# ${name}\n${stage === "kernels" ? dumpKernels(program.kernels) : dumpMemory(program.memory)}`,
    )
    .join("\n");
}
