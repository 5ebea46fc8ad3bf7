/** evaluateClasses.ts: what `cnnc eval` tells of a network, for apps. */
import { openDataset } from "./dataset.ts";
import type { Dataset } from "./dataset.ts";
import { classFigures, createTally } from "./figures.ts";
import type { ClassFigures, Evaluation } from "./figures.ts";
import type { StopSignal } from "./fit.ts";
import type { ImageBatch, Images } from "./images.ts";
import { checkLabels, outputSize, refuse } from "./input.ts";
import type { NetworkPlan } from "./plan.ts";
import { ascending } from "./random.ts";

export interface ClassEvaluation extends Evaluation {
  /** Share of right answers. */
  readonly accuracy: number;
  /** Share of images whose class is among the five most likely; undefined where there are five classes or fewer. */
  readonly top5Accuracy: number | undefined;
  /** Precision, recall and F1 of each class. */
  readonly classes: readonly ClassFigures[];
}

/** What is needed of a network, of whatever names. */
export interface EvaluatedNetwork<
  Input extends readonly number[] = readonly number[],
  Source extends readonly number[] = readonly number[],
> {
  readonly plan: NetworkPlan;
  predict(images: Images<Input, Source>): Promise<Float32Array>;
}

export interface EvaluationOptions {
  /** Called with the images done, of `total`. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Stops after the images under way; the promise rejects then. */
  readonly signal?: StopSignal;
}

/** Batches that are predicted at once: the network has several under way. */
const batchesAtOnce = 4;

/** Mean loss, top-1 and top-5 accuracy, the confusion matrix, and precision and recall of each class, as `cnnc eval` has them. */
export async function evaluateClasses<Input extends readonly number[], Source extends readonly number[]>(
  network: EvaluatedNetwork<Input, Source>,
  dataset: Dataset<Input, Source>,
  { onProgress, signal }: EvaluationOptions = {},
): Promise<ClassEvaluation> {
  const { plan } = network;
  const outputs = outputSize(plan);
  const source = openDataset(plan, dataset);
  const tally = createTally(outputs);
  let done = 0;
  for await (const { images, labels } of source.batches(
    ascending(source.size),
    plan.batch * batchesAtOnce,
    undefined,
  )) {
    if (signal?.aborted === true) refuse(`the evaluation was stopped after ${done} of ${source.size} images`);
    const checked = checkLabels(plan, labels, images.count);
    // The shapes were checked when the dataset was opened or read.
    const logits = await network.predict(givenAs(images) as Images<Input, Source>);
    checked.forEach((label, index) => {
      tally.add(logits.subarray(index * outputs, (index + 1) * outputs), label);
    });
    done += images.count;
    onProgress?.(done, source.size);
  }
  const evaluation = tally.evaluation();
  const { correct, correctInTop5, count, confusion } = evaluation;
  return {
    ...evaluation,
    accuracy: correct / count,
    top5Accuracy: correctInTop5 === undefined ? undefined : correctInTop5 / count,
    classes: classFigures(confusion),
  };
}

/** A batch as `predict` takes it. */
function givenAs(images: ImageBatch): Images {
  if (images.kind === "values") return images.data;
  return { raw: images.data, ...(images.sizes !== undefined && { sizes: images.sizes }) };
}
