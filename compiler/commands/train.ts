import { existsSync, rmSync } from "node:fs";
import { basename } from "node:path";
import { emitModule } from "../6-emit/emitModule.ts";
import { moduleInWorker } from "../node/moduleInWorker.ts";
import { UserError } from "../files/userError.ts";
import { makeFolder } from "../files/writeAtomically.ts";
import { elementCount } from "../ir/graph.ts";
import { standardLibrary } from "../standardLibrary.ts";
import { requireRecipe } from "../training/checkTrainable.ts";
import { openCheckpointStore } from "../training/checkpointStore.ts";
import { meanFile, provideMean } from "../training/imageMean.ts";
import { interruptedExitCode, listenForInterruption } from "../training/interruption.ts";
import { lossCurveText } from "../training/lossCurve.ts";
import { checkFeatures } from "../node/adapter.ts";
import { openNetwork } from "../training/openNetwork.ts";
import { barView, jsonView, percent, plainView } from "../training/progressView.ts";
import { readInitial, loadInitial } from "../training/initialWeights.ts";
import { runFiles, writeRun, type RunDescription, type RunFiles } from "../training/runFiles.ts";
import { identityOf } from "../training/runIdentity.ts";
import { trainRun, type RunOutcome } from "../training/trainRun.ts";
import { isEpoch, skippedPictures } from "../training/trainingLog.ts";
import { writeFiles } from "./compile.ts";
import { warnOfByteNumbers } from "../datasets/byteNumbers.ts";
import type { Dataset } from "../datasets/imageSet.ts";
import { compileFor, openData, sourceOf } from "./openData.ts";
import { compileSpec, moduleStem, type SpecOptions } from "./compileSpec.ts";
import { counted, type Terminal } from "./terminal.ts";
import { describeTuning, findTable, runDirectory, withTuning } from "./tuning.ts";

export interface TrainCommandOptions extends SpecOptions {
  readonly out?: string;
  readonly epochs?: number;
  readonly seed?: number;
  readonly resume?: boolean;
  /** Resume although numbers of the recipe, or the data, have changed. */
  readonly acceptChanges?: boolean;
  /** Start anew where a run is. */
  readonly overwrite?: boolean;
  /** How many of the last checkpoints stay. */
  readonly keep?: number;
  /** Steps between checkpoints inside an epoch. */
  readonly checkpointEvery?: number;
  /** Weights to start from, as far as they fit. */
  readonly initFrom?: string;
  /** How their tensors are named: "torchvision", or a JSON file of names. */
  readonly names?: string;
  readonly data?: string;
}

/** Checkpoints that stay besides the best epoch's. */
const keptCheckpoints = 3;

/** `cnnc train`: trains by the recipe, with everything about the run in one directory. */
export async function trainCommand(file: string, options: TrainCommandOptions, terminal: Terminal): Promise<number> {
  const { print, pack, ...watchers } = moduleInWorker("ts");
  const more = { ownImages: options.data !== undefined };
  const {
    network: compiled,
    diagnostics,
    files: sources,
  } = compileSpec(file, options, terminal, { ...more, ...watchers });
  if (options.json === true && diagnostics.length > 0) {
    terminal.out(`${JSON.stringify({ kind: "diagnostics", diagnostics })}\n`);
  }
  const recipe = requireRecipe(compiled, file);
  await checkFeatures(compiled.plan.requiredFeatures);
  const { network: plain, dataset } = openData(file, compiled, recipe, options, more);
  if (options.names !== undefined && options.initFrom === undefined) {
    throw new UserError("--names says how the tensors of --init-from are named; give that file too", 2);
  }
  if (options.acceptChanges === true && options.resume !== true) {
    throw new UserError("--accept-changes says that --resume may go on by another recipe; give --resume too", 2);
  }
  const initial = options.initFrom === undefined ? undefined : readInitial(options.initFrom, options.names);
  const epochs = options.epochs ?? recipe.epochs;
  const seed = options.seed ?? recipe.seed;
  const directory = runDirectory(options.out, compiled);
  const fileName = moduleStem(file, options);
  const tuning = findTable(directory, fileName, file);
  const imageSource = sourceOf(dataset.train);
  const network = tuning === undefined ? plain : withTuning(plain, tuning, file, options, { ...more, imageSource });
  makeFolder(directory);
  const files = runFiles(directory);
  if (options.resume !== true && options.overwrite !== true) {
    const held = openCheckpointStore(files, keptCheckpoints).newest(() => undefined);
    if (held !== undefined && held.position.step > 0) {
      throw new UserError(
        `${directory} holds a run of ${counted(held.position.step, "step")} already: --resume goes on with it, --out DIR trains elsewhere, --overwrite starts anew`,
      );
    }
    const kept = [files.best, files.weights].find((path) => existsSync(path));
    if (kept !== undefined) {
      throw new UserError(
        `${kept} holds the weights of a run without checkpoints: --out DIR trains elsewhere, --overwrite starts anew`,
      );
    }
  }
  const view =
    options.json === true ? jsonView(terminal)
    : terminal.isInteractive ? barView(terminal, epochs)
    : plainView(terminal, epochs, () => performance.now()); // prettier-ignore
  const parameterCount = network.graph.parameters.reduce((sum, { type }) => sum + elementCount(type), 0);
  view.note(
    `${network.name}: ${counted(parameterCount, "parameter")}, batch ${network.plan.batch}, ${counted(epochs, "epoch")}, seed ${seed}`,
  );
  view.note(dataset.description);
  const unscaled = await warnOfByteNumbers(dataset.train, recipe.data);
  if (unscaled !== undefined) view.note(unscaled);
  if (tuning !== undefined) view.note(describeTuning(network, tuning));
  const [classes = 0] = network.plan.outputShape;
  const known = classesOf(dataset);
  if (classes > known) {
    view.note(`warning: ${network.name} has ${classes} classes, and the labels of the data are 0 to ${known - 1}`);
  }

  const emitted = await emitModule(network, { language: "ts", fileName, print, pack });
  let modulePath = directory;
  const programs = ["training", "trainingBytes", "inference", "inferenceBytes"] as const;
  if (options.resume !== true) rmSync(meanFile(files.weights), { force: true });
  const interruption = listenForInterruption(() =>
    view.note("stopping after the steps under way; Ctrl-C again stops at once"),
  );
  const { batch } = network.plan;
  const describe = (adapter: string): RunDescription => ({
    format: 1,
    model: network.name,
    recipe: recipe.name,
    settings: Object.fromEntries(network.settings.map(({ name, value }) => [name, value])),
    file,
    sources: sources.flatMap(({ path, text }) => (path === standardLibrary.path ? [] : [{ path, text }])),
    parameters: parameterCount,
    batch,
    accumulate: recipe.accumulate,
    epochs,
    seed,
    optimizer: recipe.optimizer,
    schedule: recipe.schedule,
    loss: recipe.loss,
    init: recipe.init,
    freeze: recipe.freeze,
    precision: recipe.precision,
    ...(recipe.clipNorm !== undefined && { clipNorm: recipe.clipNorm }),
    ...(recipe.earlyStopPatience !== undefined && { earlyStopPatience: recipe.earlyStopPatience }),
    ...(recipe.memory !== undefined && { memory: { share: recipe.memory.share } }),
    data: recipe.data,
    dataDirectory: options.data ?? null,
    dataset: {
      description: dataset.description,
      trainImages: dataset.train.count,
      testImages: dataset.test.count,
      classNames: dataset.classNames,
    },
    module: basename(modulePath),
    adapter,
    started: new Date().toISOString(),
  });
  try {
    const result = await trainRun({
      files,
      identity: await identityOf(network, recipe, dataset, { seed, epochs }),
      recipe,
      dataset,
      batch: batch * recipe.accumulate,
      epochs,
      seed,
      resume: options.resume === true,
      acceptChanges: options.acceptChanges === true,
      keep: options.keep ?? keptCheckpoints,
      ...(options.checkpointEvery === undefined ? {} : { checkpointSteps: options.checkpointEvery }),
      title: `${network.name}: loss and accuracy`,
      open: async () => {
        // Not before: a run that another spec may not resume keeps its own module.
        modulePath = writeFiles(directory, emitted)[0] ?? directory;
        const opened = await openNetwork(network.plan, { seed, programs });
        await provideMean(opened, {
          dataset: () => dataset,
          data: recipe.data,
          file: meanFile(files.weights),
          note: view.note,
        });
        if (initial !== undefined) loadInitial(opened, initial, view);
        writeRun(files, describe(opened.description));
        return opened;
      },
      openUnfused: () => {
        const { plan } = compileFor(file, network, sourceOf(dataset.train), options, { ...more, fuse: false });
        return openNetwork(plan, { seed, programs: ["training"] });
      },
      view,
      signal: interruption.signal,
      now: () => performance.now(),
    });
    view.close();
    reportEnd(result, { files, modulePath }, options, terminal);
    return result.outcome === "interrupted" ? interruptedExitCode : 0;
  } finally {
    view.close();
    interruption.release();
  }
}

/** Classes that the labels know: one more than the highest. */
function classesOf({ train, test }: Dataset): number {
  let highest = -1;
  for (const { labels, count } of [train, test]) {
    for (let i = 0; i < count; i++) highest = Math.max(highest, labels[i] ?? 0);
  }
  return highest + 1;
}

interface ReportedRun {
  readonly files: RunFiles;
  readonly modulePath: string;
}

function reportEnd(
  { outcome, entries, checkpoint, adapter }: RunOutcome,
  { files, modulePath }: ReportedRun,
  options: TrainCommandOptions,
  terminal: Terminal,
): void {
  const last = entries.findLast(isEpoch);
  const { weights, best, log, curve } = files;
  const skipped = skippedPictures(entries).length;
  if (options.json === true) {
    terminal.out(
      `${JSON.stringify({ kind: "end", outcome, skipped, adapter, module: modulePath, weights, best, checkpoint, log, curve })}\n`,
    );
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
  if (skipped > 0) lines.push(`${counted(skipped, "damaged picture")} skipped: ${log} names each`);
  lines.push(
    `module      ${modulePath}`,
    `weights     ${weights}`,
    `best        ${best}`,
    `checkpoint  ${checkpoint}`,
    `log         ${log}`,
    `loss curve  ${curve}`,
    `adapter     ${adapter}`,
  );
  terminal.out(`${lines.join("\n")}\n`);
}
