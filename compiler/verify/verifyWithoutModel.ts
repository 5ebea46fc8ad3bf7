/** What cases need no network for: the fill itself, and images prepared on the host. */
import { prepareImages, type Preparation } from "../datasets/prepareImages.ts";
import { imageShape, type ImageSet } from "../datasets/imageSet.ts";
import { preparedShape } from "../ir/preparedShape.ts";
import type { CaseImages, FillCase } from "./caseFile.ts";
import { fillTensor, fnv1a, formulaLabels } from "./fillTensor.ts";
import { exactQuantity, reportOf, type CaseReport } from "./report.ts";

/** Every value of a fill case, bit for bit: the quantities count the values that differ. */
export function verifyFill(test: FillCase): CaseReport {
  const quantities = test.tensors.map((tensor) => {
    const expected = test.stored.get(tensor.name)?.values;
    if (expected === undefined) throw new Error(`${test.name}: no stored values of ${tensor.name}`);
    const seedDiffers = tensor.fill.seed !== fnv1a(`${test.name}/${tensor.name}`) ? 1 : 0;
    const [mine, theirs] = [fillTensor(tensor), expected].map((values) => new Uint32Array(values.buffer)) as [
      Uint32Array,
      Uint32Array,
    ];
    const length = Math.max(mine.length, theirs.length);
    let different = seedDiffers;
    for (let i = 0; i < length; i++) if (mine[i] !== theirs[i]) different++;
    return exactQuantity(tensor.name, different);
  });
  const labels = formulaLabels(test.labels.values.length, test.labels.classes);
  const wrong = test.labels.values.filter((label, index) => label !== labels[index]).length;
  return reportOf(test.name, [...quantities, exactQuantity("labels", wrong)]);
}

/** Images `start` to `end` (exclusive) as a case wants them. */
export async function imagesOf(
  data: CaseImages,
  set: ImageSet,
  start: number,
  end: number,
): Promise<{
  readonly images: Float32Array<ArrayBuffer>;
  readonly shape: readonly number[];
  readonly labels: Uint32Array<ArrayBuffer>;
}> {
  const preparation: Preparation = {
    ...(data.resize !== null && { resize: data.resize }),
    ...(data.normalize !== null && { normalize: { mean: [data.normalize.mean], std: [data.normalize.std] } }),
  };
  const indices = Array.from({ length: end - start }, (_, index) => start + index);
  return {
    images: await prepareImages(set, indices, preparation),
    shape: preparedShape(imageShape(set), preparation),
    labels: Uint32Array.from(indices, (index) => set.labels[index] as number),
  };
}
