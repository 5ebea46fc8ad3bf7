/** One conformance case from beginning to end: compile, run on this machine's adapter, measure. */
import { checkSource } from "../check.ts";
import { compile, compileProgram, type CompileOptions } from "../compile.ts";
import { holdsImageSets, readImageSet } from "../datasets/readImageSet.ts";
import { shippedFashionMnist } from "../datasets/openDataset.ts";
import type { ImageSet } from "../datasets/imageSet.ts";
import { UserError } from "../files/userError.ts";
import type { CheckedProgram } from "../ir/checked.ts";
import type { Choices } from "../ir/choices.ts";
import type { Diagnostic } from "../ir/diagnostic.ts";
import type { Compilation, CompiledNetwork } from "../ir/output.ts";
import type { SourceFile } from "../ir/source.ts";
import type { NetworkPlan } from "../../runtime/plan.ts";
import { openNetwork } from "../training/openNetwork.ts";
import type { CaseImages, ComputationCase, ConformanceCase, TrainingCase } from "./caseFile.ts";
import { caseProgram } from "./caseGraph.ts";
import { caseBatch, caseRecipeName, caseRecipeText } from "./caseRecipe.ts";
import type { CaseReport } from "./report.ts";
import { verifyComputation, verifyTraining } from "./verifyNetwork.ts";
import { verifyData } from "./verifyData.ts";
import { verifyFill } from "./verifyWithoutModel.ts";

export interface VerifyOptions {
  /** The spec; cases of kinds fill and data need none, and those of several inputs can do without. */
  readonly source?: SourceFile;
  readonly readSource?: (path: string) => string | undefined;
  readonly model?: string;
  readonly settings?: Readonly<Record<string, string>>;
  /** Also take one training step of a network, and hold its loss and its update against the case's loss and gradients. */
  readonly step?: boolean;
  /** Ways of computing to hold against the case instead of the cost model's; or what gives them where the network can be compiled with others first. */
  readonly choices?: Choices | ((compileWith: (choices: Choices) => CompiledNetwork) => Choices);
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
      return verifyData(test, imageSource(options, [[test.data, test.data.end]])(test.data.split));
    case "op":
    case "block":
    case "network":
    case "training": {
      const plan = withoutInitials(compileForCase(test, options).plan);
      // No limit is raised: a network that needs more than every adapter has is not what was asked for.
      const opened = await openNetwork(plan, {
        programs: test.kind === "training" ? ["training"] : [],
        descriptor: {},
      });
      try {
        const report =
          test.kind === "training"
            ? await verifyTraining(test, opened.network, imageSource(options, imagesNeeded(test)))
            : await verifyComputation(test, opened.network, { step: options.step === true && test.kind === "network" });
        return { report, adapter: `${opened.description}, ${limitsText(opened.network.device)}` };
      } finally {
        opened.close();
      }
    }
  }
}

/** "default limits: 128 MiB a binding, 256 MiB a buffer": what the device said that it was given. */
function limitsText({ limits }: GPUDevice): string {
  const mebibytes = (bytes: number): string => `${bytes / 2 ** 20} MiB`;
  const { maxStorageBufferBindingSize: binding, maxBufferSize: buffer } = limits;
  return `default limits: ${mebibytes(binding)} a binding, ${mebibytes(buffer)} a buffer`;
}

/** The plan with zeros for first weights: the case's own come right after, and drawing millions in vain takes long. */
function withoutInitials(plan: NetworkPlan): NetworkPlan {
  const initial = { kind: "constant", value: 0 } as const;
  return { ...plan, parameters: plan.parameters.map((parameter) => ({ ...parameter, initial })) };
}

/** The spec compiled with a case's batch, loss and optimizer. */
export function compileForCase(test: ComputationCase | TrainingCase, options: VerifyOptions): CompiledNetwork {
  const { source, readSource, settings, choices } = options;
  const shared: CompileOptions = {
    anyOutput: true,
    ...(readSource === undefined ? {} : { readSource }),
    ...(settings === undefined ? {} : { settings }),
  };
  const asked: CompileOptions = {
    ...shared,
    recipe: caseRecipeName,
    batch: caseBatch(test),
    loss: test.loss.kind === "dot" ? "dot" : "recipe",
    training: test.mode === "train",
    dropout: false,
    imageGradient: test.kind === "op" || test.kind === "block",
    keepLogits: test.kind !== "training",
  };
  const compileWith = (own: CompileOptions): CompiledNetwork => {
    const { network, diagnostics } = source === undefined ? compileProgram(programOf(test), own) : compileSource(source, own); // prettier-ignore
    if (network === undefined) throw new CaseSpecErrors(diagnostics);
    return network;
  };
  const compileSource = (spec: SourceFile, own: CompileOptions): Omit<Compilation, "files"> => {
    const recipe = caseRecipeText(options.model ?? modelName(spec, shared), test);
    return compile({ path: spec.path, text: spec.text + recipe }, own);
  };
  if (choices === undefined) return compileWith(asked);
  const given = typeof choices === "function" ? choices((ways) => compileWith({ ...asked, choices: ways })) : choices;
  return compileWith({ ...asked, choices: given });
}

/** What stands for the spec of a case that is given none; throws `UserError` where it needs one. */
function programOf(test: ComputationCase | TrainingCase): CheckedProgram {
  if (test.kind === "training" || test.inputs.length < 2)
    throw new UserError(`case ${test.name} needs a spec: name its .cnn file`);
  return caseProgram(test);
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
