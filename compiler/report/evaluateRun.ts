import { readImages, type ImageSet, type RawBatch } from "../datasets/imageSet.ts";
import { evaluateNetwork, type ClassifyingNetwork, type EvaluationListener } from "../training/evaluateNetwork.ts";
import { className, crossEntropy, firstMaximum, softmax, type Evaluation } from "../training/metrics.ts";
import type { Mistake, Picture } from "./reportData.ts";

/** Classifies all images of a set; besides the figures, the `most` wrong answers of the greatest loss, as pictures. */
export async function evaluateRun(
  network: ClassifyingNetwork,
  set: ImageSet,
  classNames: readonly string[],
  most: number,
  onSkip?: EvaluationListener["onSkip"],
): Promise<{ readonly evaluation: Evaluation; readonly mistakes: readonly Mistake[] }> {
  let worst: Omit<Mistake, "picture">[] = [];
  const keepWorst = (): void => {
    worst = worst.sort((a, b) => b.loss - a.loss || a.image - b.image).slice(0, most);
  };
  const onImage = (image: number, logits: Float32Array | Float64Array, label: number): void => {
    const answer = firstMaximum(logits);
    if (answer === label) return;
    const probabilities = softmax(logits);
    const of = (index: number): Mistake["label"] => ({
      name: className(classNames, index),
      probability: probabilities[index] as number,
    });
    worst.push({ image, loss: crossEntropy(logits, label), label: of(label), predicted: of(answer) });
    if (worst.length > 8 * most + 1000) keepWorst();
  };
  const evaluation = await evaluateNetwork(network, set, { onImage, ...(onSkip !== undefined && { onSkip }) });
  keepWorst();
  const mistakes: Mistake[] = [];
  for (const mistake of worst) {
    mistakes.push({ ...mistake, picture: pictureOf(set, await readImages(set, [mistake.image])) });
  }
  return { evaluation, mistakes };
}

/** The first image of a batch as it lies in the file; numbers that are no bytes are stretched from black to white. */
export function pictureOf(room: Pick<ImageSet, "channels" | "height" | "width">, { raw, sizes }: RawBatch): Picture {
  const [height = room.height, width = room.width] = sizes;
  const channels = room.channels >= 3 ? 3 : 1;
  const plane = room.height * room.width;
  const valueAt = (c: number, y: number, x: number): number => raw[c * plane + y * room.width + x] as number;
  const values: number[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) for (let c = 0; c < channels; c++) values.push(valueAt(c, y, x));
  }
  if (raw instanceof Uint8Array) return { width, height, channels, pixels: Uint8Array.from(values) };
  const [least, greatest] = values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]); // prettier-ignore
  const scale = greatest > least ? 255 / (greatest - least) : 0;
  return { width, height, channels, pixels: Uint8Array.from(values, (value) => Math.round((value - least) * scale)) };
}
