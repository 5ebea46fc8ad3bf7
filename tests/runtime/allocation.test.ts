/** What the compiler says that a network allocates, against every GPUBuffer that the runtime makes on the real adapter. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { openDevice } from "../../compiler/node/adapter.ts";
import { createNetwork } from "../../runtime/index.ts";
import { compileText } from "../support/compileText.ts";
import { countBuffers } from "../support/countingDevice.ts";
import { testNumbers } from "../support/layerGraph.ts";
import { networkText } from "../support/randomSpec.ts";

function spec(name: string): string {
  return readFileSync(join(import.meta.dirname, `../../specs/${name}.cnn`), "utf8");
}

const normalised = networkText("2 x 6 x 6", "conv(3, kernel: 3) -> batch_norm -> relu\nflatten -> linear(3)");

/** Batch 1 suits every network but those with batch norm of 1x1 images. */
test.each([
  ["lenet", spec("lenet"), 1],
  ["mnist_cnn", spec("mnist_cnn"), 1],
  ["batch norm", normalised, 3],
] as const)("%s allocates to the byte what was foretold, on the default limits", async (_, text, batch) => {
  const { plan, peakBytes } = compileText(text, { batch });
  const size = plan.inputShape.reduce((product, each) => product * each, 1);
  const images = Float32Array.from(testNumbers(batch * size, 5));
  const labels = new Uint32Array(batch);
  const { device } = await openDevice({ descriptor: {} });
  const counted = countBuffers(device);

  const network = await createNetwork(plan, { device, programs: ["training"] });
  expect(counted.liveBytes()).toBe(peakBytes.training);
  for (let step = 0; step < 3; step++) await network.trainStep(images, labels).metrics();
  expect(counted.createdBytes()).toBe(peakBytes.training);
  network.destroy();
  expect(counted.liveBytes()).toBe(0);

  const before = counted.createdBytes();
  const inference = await createNetwork(plan, { device, programs: ["inference"] });
  await inference.predict(images);
  await inference.predict(images);
  expect(counted.createdBytes() - before).toBe(peakBytes.inference);
  inference.destroy();
  device.destroy();
});
