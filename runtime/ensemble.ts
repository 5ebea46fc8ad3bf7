import type { Images } from "./images.ts";
import { classesOf, logProbabilitiesOf, logSum, probabilitiesOf } from "./inference.ts";
import { outputSize, refuse } from "./input.ts";
import type { Network } from "./network.ts";

/** Networks that answer together: the probabilities that they give are averaged. */
export type Ensemble<Input extends readonly number[], Source extends readonly number[]> = Pick<
  Network<string, string, Input, Source>,
  "predict" | "predictClasses" | "predictProbabilities"
>;

/** What an ensemble needs of each network. */
type Member<Input extends readonly number[], Source extends readonly number[]> = Pick<
  Network<string, string, Input, Source>,
  "plan" | "predict"
>;

/**
 * Predicts with several networks of as many classes, on one device or several; `predict` gives the logarithms of the averaged
 * probabilities. The networks stay the caller's, to be changed and destroyed.
 */
export function createEnsemble<Input extends readonly number[], Source extends readonly number[]>(
  networks: readonly Member<Input, Source>[],
): Ensemble<Input, Source> {
  const counts = networks.map(({ plan }) => outputSize(plan));
  const [classes] = counts;
  if (classes === undefined || counts.some((count) => count !== classes)) {
    const found = networks.map(({ plan }, index) => `${plan.name} has ${counts[index]}`).join(", ");
    refuse(`an ensemble takes networks of as many classes; ${found || "none was given"}`);
  }
  const average = async (images: Images<Input, Source>): Promise<Float64Array> =>
    averageLogits(await Promise.all(networks.map((network) => network.predict(images))), classes);
  return {
    predict: async (images) => Float32Array.from(await average(images)),
    predictClasses: async (images) => classesOf(await average(images), classes),
    predictProbabilities: async (images) => probabilitiesOf(await average(images), classes),
  };
}

/** The logarithms of the averaged softmaxes of several networks' logits, rows of `classes`: logits of the ensemble. */
export function averageLogits(logits: readonly Float32Array[], classes: number): Float64Array<ArrayBuffer> {
  const all = logits.map((each) => logProbabilitiesOf(each, classes));
  return Float64Array.from(
    all[0] ?? [],
    (_, index) => logSum(all.map((each) => each[index] as number)) - Math.log(all.length),
  );
}
