/** Ensembles and probabilities of logits against plain sums of exponentials. */
import { expect, test } from "@jest/globals";
import { createEnsemble, uniform, randomStream, type Network } from "../../../runtime/index.ts";
import { probabilitiesOf } from "../../../runtime/inference.ts";
import { linearPlan } from "../../support/linearPlan.ts";

type Pixels = readonly [1, 2, 2];
type Member = Pick<Network<string, string, Pixels, Pixels>, "plan" | "predict">;

/** A network whose answers are known. */
function member(logits: Float32Array<ArrayBuffer>, classes = 3): Member {
  return { plan: { ...linearPlan({ classes }), name: `Of${classes}` }, predict: () => Promise.resolve(logits) };
}
function drawLogits(count: number, name: string): Float32Array<ArrayBuffer> {
  const stream = randomStream(5, name);
  return Float32Array.from({ length: count }, (_, index) => 12 * uniform(stream, index) - 6);
}
/** The softmaxes of rows, in float64. */
function plainSoftmax(logits: Float32Array, classes: number): readonly number[] {
  return Array.from(logits, (logit, index) => {
    const start = index - (index % classes);
    const row = Array.from(logits.subarray(start, start + classes), Math.exp);
    return Math.exp(logit) / row.reduce((sum, value) => sum + value, 0);
  });
}
const images = new Float32Array(4);

test("an ensemble gives the plain average of its networks' probabilities", async () => {
  const all = ["a", "b", "c"].map((name) => drawLogits(15, name));
  const ensemble = createEnsemble(all.map((logits) => member(logits)));
  const softmaxes = all.map((logits) => plainSoftmax(logits, 3));
  const average = softmaxes[0]!.map((_, i) => softmaxes.reduce((sum, each) => sum + each[i]!, 0) / 3);
  const probabilities = await ensemble.predictProbabilities(images);
  // Rounded to float32 once.
  probabilities.forEach((value, i) =>
    expect(Math.abs(value - average[i]!)).toBeLessThanOrEqual(average[i]! * 2 ** -23),
  );
  const logarithms = await ensemble.predict(images);
  logarithms.forEach((value, i) => expect(value).toBeCloseTo(Math.log(average[i]!), 5));
  const classes = Array.from({ length: 5 }, (_, row) => {
    const own = average.slice(3 * row, 3 * row + 3);
    return own.indexOf(Math.max(...own));
  });
  expect([...(await ensemble.predictClasses(images))]).toEqual(classes);
});

test("one network alone keeps its probabilities, far from zero and one too", async () => {
  const logits = Float32Array.of(1000, 1000, -1000, 0, -400, -400);
  const alone = createEnsemble([member(logits)]);
  expect([...(await alone.predictProbabilities(images))]).toEqual([0.5, 0.5, 0, 1, 0, 0]);
  expect([...probabilitiesOf(logits, 3)]).toEqual([0.5, 0.5, 0, 1, 0, 0]);
  const [, second, third] = await alone.predict(images);
  expect([second, third]).toEqual([Math.fround(-Math.LN2), Math.fround(-2000 - Math.LN2)]);
});

test("networks of other class counts, and none, are refused", () => {
  const [three, four] = [member(new Float32Array(3)), member(new Float32Array(4), 4)];
  expect(() => createEnsemble([three, four])).toThrow("takes networks of as many classes; Of3 has 3, Of4 has 4");
  expect(() => createEnsemble([])).toThrow("none was given");
});

test("networks that read other images do not compile as one ensemble", () => {
  const colours = member as unknown as (
    logits: Float32Array,
  ) => Pick<Network<string, string, readonly [3, 2, 2], readonly [3, 2, 2]>, "plan" | "predict">;
  const ensemble = createEnsemble([member(new Float32Array(3))]);
  // @ts-expect-error three channels for one
  void ensemble.predict({ values: new Float32Array(12), shape: [1, 3, 2, 2] });
  // @ts-expect-error networks of one and of three channels
  expect(createEnsemble([member(new Float32Array(3)), colours(new Float32Array(3))])).toBeDefined();
});
