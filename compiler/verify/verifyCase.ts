/** One conformance case from beginning to end: compile, run on this machine's adapter, measure. */
import { checkSource } from "../check.ts";
import { compile, type CompileOptions } from "../compile.ts";
import { holdsImageSets, readImageSet } from "../datasets/readImageSet.ts";
import { shippedFashionMnist } from "../datasets/openDataset.ts";
import type { ImageSet } from "../datasets/imageSet.ts";
import { UserError } from "../files/userError.ts";
import type { Diagnostic } from "../ir/diagnostic.ts";
import type { CompiledNetwork } from "../ir/output.ts";
import type { SourceFile } from "../ir/source.ts";
import { openNetwork } from "../training/openNetwork.ts";
import type { CaseImages, ComputationCase, ConformanceCase, TrainingCase } from "./caseFile.ts";
import { caseBatch, caseRecipeName, caseRecipeText } from "./caseRecipe.ts";
import type { CaseReport } from "./report.ts";
import { verifyComputation, verifyTraining } from "./verifyNetwork.ts";
import { verifyData, verifyFill } from "./verifyWithoutModel.ts";

export interface VerifyOptions {
  /** The spec; cases of kinds fill and data need none. */
  readonly source?: SourceFile;
  readonly readSource?: (path: string) => string | undefined;
  readonly model?: string;
  readonly settings?: Readonly<Record<string, string>>;
  /** Where the images are; by default the full set where it is installed and needed, else the shipped subset. */
  readonly imageDirectory?: string;
}

export interface Verification {
  readonly report: CaseReport;
  /** The adapter in words; absent where nothing ran on one. */
  readonly adapter?: string;
}

/** The spec of a case has errors; the diagnostics say which. */
export class CaseSpecErrors extends Error {
  override readonly name = "CaseSpecErrors";
  constructor(readonly diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map(({ code, message }) => `${code}: ${message}`).join("\n"));
  }
}

/** Verifies a case; throws `UserError` where the spec is another network's, `CaseSpecErrors` where it does not compile. */
export async function verifyCase(test: ConformanceCase, options: VerifyOptions = {}): Promise<Verification> {
  switch (test.kind) {
    case "fill":
      return { report: verifyFill(test) };
    case "data":
      return { report: verifyData(test, imageSource(options, [[test.data, test.data.end]])(test.data.split)) };
    case "op":
    case "block":
    case "network":
    case "training": {
      const { plan } = compileForCase(test, options);
      const opened = await openNetwork(plan, { programs: test.kind === "training" ? ["training"] : [] });
      try {
        const report =
          test.kind === "training"
            ? await verifyTraining(test, opened.network, imageSource(options, imagesNeeded(test)))
            : await verifyComputation(test, opened.network);
        return { report, adapter: opened.description };
      } finally {
        opened.close();
      }
    }
  }
}

/** The spec compiled with a case's batch, loss and optimizer. */
export function compileForCase(test: ComputationCase | TrainingCase, options: VerifyOptions): CompiledNetwork {
  const { source, readSource, settings } = options;
  if (source === undefined) throw new UserError(`case ${test.name} needs a spec`);
  const shared: CompileOptions = {
    anyOutput: true,
    ...(readSource === undefined ? {} : { readSource }),
    ...(settings === undefined ? {} : { settings }),
  };
  const run = (text: string, more: CompileOptions): CompiledNetwork => {
    const { network, diagnostics } = compile({ path: source.path, text }, { ...shared, ...more });
    if (network === undefined) throw new CaseSpecErrors(diagnostics);
    return network;
  };
  const model = options.model ?? modelName(source, shared);
  return run(source.text + caseRecipeText(model, test), {
    recipe: caseRecipeName,
    batch: caseBatch(test),
    loss: test.loss.kind === "dot" ? "dot" : "recipe",
    training: test.mode === "train",
    dropout: false,
    imageGradient: test.kind === "op" || test.kind === "block",
    keepLogits: test.kind !== "training",
  });
}

/** The model that a spec is about when none is named; the spec itself need not compile at its own batch. */
function modelName(source: SourceFile, options: CompileOptions): string {
  const { checked, diagnostics } = checkSource(source, options);
  if (checked === undefined) throw new CaseSpecErrors(diagnostics);
  return checked.graph.name;
}

/** What a training case reads: of each split, how many images from the start. */
function imagesNeeded(test: TrainingCase): readonly (readonly [Pick<CaseImages, "split">, number])[] {
  const last = Math.max(...test.data.batches.map(([, end]) => end));
  return [
    [test.data, last],
    ...(test.evaluation === undefined ? [] : [[test.evaluation, test.evaluation.end] as const]),
  ];
}

const installedFashionMnist = "/usr/share/datasets/fashion-mnist";

/** Reads splits of Fashion-MNIST, each once: the shipped subset where it holds enough of both, else the full set. */
function imageSource(
  { imageDirectory }: VerifyOptions,
  needed: readonly (readonly [Pick<CaseImages, "split">, number])[],
): (split: "train" | "test") => ImageSet {
  const classes = 10;
  const sets = new Map<string, ImageSet>();
  const candidates = imageDirectory !== undefined ? [imageDirectory] : [shippedFashionMnist(), installedFashionMnist];
  for (const [{ split }, end] of needed) {
    const found = candidates
      .filter((directory) => imageDirectory !== undefined || holdsImageSets(directory))
      .map((directory) => readImageSet(directory, split, classes))
      .find(({ count }) => count >= end);
    if (found === undefined) {
      throw new UserError(
        `the case reads ${split} images up to ${end - 1}: they need the full Fashion-MNIST, which Debian's dataset-fashion-mnist installs in ${installedFashionMnist}, or --data DIR`,
      );
    }
    sets.set(split, found);
  }
  return (split) => {
    const set = sets.get(split);
    if (set === undefined) throw new Error(`no images of split ${split} were asked for`);
    return set;
  };
}
