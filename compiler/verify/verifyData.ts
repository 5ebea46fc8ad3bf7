/** Data cases: images as the adapter prepares them of bytes, by a network made for nothing else. */
import { compile } from "../compile.ts";
import { readImages, type ImageSet } from "../datasets/imageSet.ts";
import { InternalCompilerError } from "../ir/diagnostic.ts";
import { openNetwork } from "../training/openNetwork.ts";
import type { CaseImages, DataCase } from "./caseFile.ts";
import { exactQuantity, reportOf, tensorQuantities, type CaseReport } from "./report.ts";

/** Prepared images by value, labels exactly. `set` holds at least the images that the case names. */
export async function verifyData(
  test: DataCase,
  set: ImageSet,
): Promise<{ readonly report: CaseReport; readonly adapter: string }> {
  const { start, end } = test.data;
  const indices = Uint32Array.from({ length: end - start }, (_, index) => start + index);
  const { network, diagnostics } = compile(
    { path: "data.cnn", text: specText(test.data, set) },
    { batch: indices.length, imageSource: { shape: [set.channels, set.height, set.width], dtype: set.elements } },
  );
  if (network === undefined) throw new InternalCompilerError("verifyData", `${test.name}: ${diagnostics[0]?.message}`);
  const opened = await openNetwork(network.plan, { programs: ["inferenceBytes"] });
  try {
    const images = await opened.network.preparedImages(await readImages(set, indices));
    const outputs = new Map([["images", { shape: [indices.length, ...network.plan.inputShape], values: images }]]);
    const wrong = test.labels.filter((label, index) => label !== set.labels[start + index]).length;
    const quantities = [...tensorQuantities(test, "outputs", outputs), exactQuantity("labels", wrong)];
    return { report: reportOf(test.name, quantities), adapter: opened.description };
  } finally {
    opened.close();
  }
}

function specText({ resize, normalize }: CaseImages, { channels, height, width }: ImageSet): string {
  const [rows, columns] = resize ?? [height, width];
  const scaling = normalize === null ? "" : `normalize(mean: ${normalize.mean}, std: ${normalize.std})`;
  return `model Prepared { input ${channels} x ${rows} x ${columns}  global_avg_pool -> flatten -> linear(2) }
train Prepared { data images(".") { resize (${rows}, ${columns})  ${scaling} }  optimizer sgd(lr: 1) }`;
}
