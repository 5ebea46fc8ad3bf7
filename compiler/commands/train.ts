import { createHash } from "node:crypto";
import { basename, extname, join } from "node:path";
import { emitModule } from "../6-emit/emitModule.ts";
import { UserError } from "../files/userError.ts";
import { makeFolder, writeAtomically } from "../files/writeAtomically.ts";
import { dumpGraph, elementCount, formatShape } from "../ir/graph.ts";
import type { CompiledNetwork } from "../ir/output.ts";
import type { Recipe } from "../ir/recipe.ts";
import { requireRecipe } from "../training/checkTrainable.ts";
import { checkpointNotes, identityDifferences, readCheckpoint, type RunIdentity } from "../training/checkpointFile.ts";
import { meanFile, provideMean } from "../training/imageMean.ts";
import { interruptedExitCode, listenForInterruption } from "../training/interruption.ts";
import { lossCurveSvg, lossCurveText } from "../training/lossCurve.ts";
import { openNetwork, type OpenNetwork } from "../training/openNetwork.ts";
import { barView, jsonView, percent, plainView, type ProgressView } from "../training/progressView.ts";
import { rateOf } from "../training/rateOf.ts";
import { appendLog, readLog, rewriteLog, type EpochEntry, type LogEntry } from "../training/trainingLog.ts";
import { startPosition, trainNetwork, type TrainingOutcome, type TrainingPosition } from "../training/trainNetwork.ts";
import { writeFiles } from "./compile.ts";
import { openData } from "./openData.ts";
import { compileSpec, type SpecOptions } from "./compileSpec.ts";
import { formatCount, type Terminal } from "./terminal.ts";

export interface TrainCommandOptions extends SpecOptions {
  readonly recipe?: string;
  readonly out?: string;
  readonly epochs?: number;
  readonly batch?: number;
  readonly seed?: number;
  readonly resume?: boolean;
  readonly data?: string;
}

/** Where a run keeps its files. */
interface RunFiles {
  readonly weights: string;
  readonly checkpoint: string;
  readonly log: string;
  readonly curve: string;
}

/** `cnnc train`: trains by the recipe, with everything about the run in one directory. */
export async function trainCommand(file: string, options: TrainCommandOptions, terminal: Terminal): Promise<number> {
  const more = {
    ...(options.recipe === undefined ? {} : { recipe: options.recipe }),
    ...(options.batch === undefined ? {} : { batch: options.batch }),
    ownImages: options.data !== undefined,
  };
  const { network: compiled, diagnostics } = compileSpec(file, options, terminal, more);
  if (options.json === true && diagnostics.length > 0) {
    terminal.out(`${JSON.stringify({ kind: "diagnostics", diagnostics })}\n`);
  }
  const recipe = requireRecipe(compiled, file);
  const { network, dataset } = openData(file, compiled, recipe, options, more);
  const epochs = options.epochs ?? recipe.epochs;
  const seed = options.seed ?? recipe.seed;
  const directory =
    options.out ?? join("out", `${network.name.toLowerCase()}${recipe.name === "" ? "" : `-${recipe.name}`}`);
  makeFolder(directory);
  const files: RunFiles = {
    weights: join(directory, "weights.safetensors"),
    checkpoint: join(directory, "checkpoint.safetensors"),
    log: join(directory, "log.jsonl"),
    curve: join(directory, "loss.svg"),
  };
  const view =
    options.json === true ? jsonView(terminal)
    : terminal.isInteractive ? barView(terminal, epochs)
    : plainView(terminal, epochs, () => performance.now()); // prettier-ignore
  const parameterCount = network.graph.parameters.reduce((sum, { type }) => sum + elementCount(type), 0);
  view.note(
    `${network.name}: ${formatCount(parameterCount)} parameters, batch ${network.plan.batch}, ${epochs} epochs, seed ${seed}`,
  );
  view.note(dataset.description);

  const fileName = options.model ?? basename(file, extname(file));
  const modulePath = writeFiles(directory, await emitModule(network, { language: "ts", fileName }))[0] ?? directory;
  const programs = ["training", "trainingBytes", "inference", "inferenceBytes"] as const;
  const opened = await openNetwork(network.plan, { seed, programs });
  const interruption = listenForInterruption(() =>
    view.note("stopping after the steps under way; Ctrl-C again stops at once"),
  );
  try {
    view.note(`adapter: ${opened.description}`);
    const identity = identityOf(network, recipe, { seed, epochs, images: dataset.train.count });
    await provideMean(opened, dataset, recipe.data, meanFile(files.weights), view.note);
    const start = options.resume === true ? await resume(opened, files, identity, view) : startPosition;
    const entries: LogEntry[] = readLog(files.log).filter((entry) => isBefore(entry, start));
    rewriteLog(files.log, entries);
    let unwritten: LogEntry[] = [];
    const flush = (): void => {
      appendLog(files.log, unwritten);
      unwritten = [];
      writeAtomically(files.curve, lossCurveSvg(`${network.name}: loss and accuracy`, entries));
    };
    const record = (entry: LogEntry): void => {
      entries.push(entry);
      unwritten.push(entry);
    };
    let lastFlush = performance.now();
    const outcome = await trainNetwork({
      network: opened,
      dataset,
      batch: network.plan.batch,
      epochs,
      seed,
      start,
      ...(recipe.earlyStopPatience === undefined ? {} : { earlyStopPatience: recipe.earlyStopPatience }),
      rateAt: rateOf(recipe, epochs),
      signal: interruption.signal,
      now: () => performance.now(),
      onStep: (entry, progress) => {
        record(entry);
        view.onStep(entry, progress);
        if (performance.now() - lastFlush > 10_000) {
          flush();
          lastFlush = performance.now();
        }
      },
      onEvaluation: view.onEvaluation,
      onEpoch: (entry) => {
        record(entry);
        view.onEpoch(entry);
      },
      onCheckpoint: async (position) => {
        writeAtomically(files.checkpoint, await opened.saveCheckpoint(checkpointNotes(identity, position)));
        flush();
      },
    });
    writeAtomically(files.weights, await opened.saveWeights());
    view.close();
    reportEnd(
      outcome,
      { network, entries, files, modulePath, description: opened.description, resumeCommand: file },
      options,
      terminal,
    );
    return outcome === "interrupted" ? interruptedExitCode : 0;
  } finally {
    view.close();
    interruption.release();
    opened.close();
  }
}

/** Takes up the run's checkpoint; throws `UserError` where it is of another spec or recipe. */
async function resume(
  opened: OpenNetwork,
  files: RunFiles,
  identity: RunIdentity,
  view: ProgressView,
): Promise<TrainingPosition> {
  const checkpoint = readCheckpoint(files.checkpoint);
  if (checkpoint === undefined) {
    view.note(`no checkpoint in ${files.checkpoint} yet: training starts anew`);
    return startPosition;
  }
  const differences = identityDifferences(checkpoint.identity, identity);
  if (differences.length > 0) {
    throw new UserError(
      `${files.checkpoint} is of another run and cannot be resumed:\n${differences.map((line) => `  - ${line}\n`).join("")}` +
        "train into another directory with --out, or start anew without --resume",
    );
  }
  await opened.loadCheckpoint(checkpoint.file);
  const { epoch, stepInEpoch } = checkpoint.position;
  view.note(`resuming after ${epoch} epochs${stepInEpoch > 0 ? ` and ${stepInEpoch} steps` : ""}`);
  return checkpoint.position;
}

/** Log entries that a checkpoint's position covers. */
function isBefore(entry: LogEntry, position: TrainingPosition): boolean {
  return entry.kind === "step" ? entry.step <= position.step : entry.epoch <= position.epoch;
}

function identityOf(
  network: CompiledNetwork,
  recipe: Recipe,
  { seed, epochs, images }: { readonly seed: number; readonly epochs: number; readonly images: number },
): RunIdentity {
  const text = (value: unknown): string => JSON.stringify(value);
  return {
    model: network.name,
    recipe: recipe.name,
    settings: Object.fromEntries(network.settings.map(({ name, value }) => [name, value])),
    parameters: Object.fromEntries(network.plan.parameters.map(({ name, shape }) => [name, formatShape(shape)])),
    seed,
    batch: network.plan.batch,
    images,
    graph: createHash("sha256").update(dumpGraph(network.graph)).digest("hex"),
    training: {
      optimizer: text(recipe.optimizer),
      schedule: text(recipe.schedule),
      // The rate of these depends on how long the whole run is.
      ...(["cosine", "one_cycle"].includes(recipe.schedule.name) && { epochs: String(epochs) }),
      loss: text(recipe.loss),
      data: text(recipe.data),
    },
  };
}

interface RunResult {
  readonly network: CompiledNetwork;
  readonly entries: readonly LogEntry[];
  readonly files: RunFiles;
  readonly modulePath: string;
  readonly description: string;
  readonly resumeCommand: string;
}

function reportEnd(
  outcome: TrainingOutcome,
  result: RunResult,
  options: TrainCommandOptions,
  terminal: Terminal,
): void {
  const { entries, files, modulePath, description } = result;
  const last = entries.findLast((entry): entry is EpochEntry => entry.kind === "epoch");
  if (options.json === true) {
    terminal.out(`${JSON.stringify({ kind: "end", outcome, adapter: description, module: modulePath, ...files })}\n`);
    return;
  }
  const lines: string[] = [];
  if (outcome === "interrupted")
    lines.push("interrupted; the checkpoint is saved, the same command with --resume goes on");
  else {
    const chart = lossCurveText(entries, terminal.columns);
    if (chart !== "") lines.push("training loss by step:", chart, "");
    if (outcome === "stoppedEarly") lines.push("stopped early: the test loss no longer improved");
    if (last !== undefined)
      lines.push(`test loss ${last.testLoss.toFixed(4)}`, `test accuracy ${percent(last.testAccuracy)}`);
  }
  lines.push(
    `module      ${modulePath}`,
    `weights     ${files.weights}`,
    `checkpoint  ${files.checkpoint}`,
    `log         ${files.log}`,
    `loss curve  ${files.curve}`,
    `adapter     ${description}`,
  );
  terminal.out(`${lines.join("\n")}\n`);
}
