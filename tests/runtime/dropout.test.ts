/** Dropout on the adapter draws the bits that the interpreter draws: seed, step and place decide, and nothing else. */
import { expect, test } from "@jest/globals";
import { createNetwork } from "../../runtime/index.ts";
import { compileText } from "../support/compileText.ts";
import { draw } from "../support/interpret.ts";
import { testNumbers } from "../support/layerGraph.ts";
import { networkText } from "../support/randomSpec.ts";
import { openForSuite } from "../support/openForSuite.ts";

const opened = openForSuite();

const [channels, positions, batch, count] = [3, 4 * 5, 4, 3];

test.each([
  ["dropout", (n: number, c: number, at: number) => (n * channels + c) * positions + at],
  ["spatial_dropout", (n: number, c: number) => n * channels + c],
  ["drop_path", (n: number) => n],
])("%s", async (layer, counterOf) => {
  const body = `conv(${channels}, kernel: 1, bias: false)\n${layer}(0.4)\nflatten\nlinear(2)`;
  const { plan, training } = compileText(networkText("3 x 4 x 5", body), { batch, imageGradient: true });
  const stream = training.graph.nodes.find(({ op }) => op === "random_drop")?.attrs["stream"] as number;
  const images = Float32Array.from(testNumbers(count * channels * positions, 4));
  // The first convolution passes every channel on as it is, so that an image's gradient is 0 where its value was dropped.
  const identity = Float32Array.from({ length: channels * channels }, (_, i) => (i % (channels + 1) === 0 ? 1 : 0));
  for (const seed of [0, 4_000_000_001]) {
    const network = await createNetwork(plan, { device: opened.device, seed, programs: ["training"] });
    network.parameter("conv1.weight").write(identity);
    for (const step of [0, 1, 2]) {
      const { images: gradient } = await network.gradients(images, [0, 1, 1]);
      const dropped = Array.from(gradient ?? [], (value) => value === 0);
      const expected = Array.from({ length: count * channels * positions }, (_, i) => {
        const [n, c, at] = [
          Math.floor(i / (channels * positions)),
          Math.floor(i / positions) % channels,
          i % positions,
        ];
        return draw(stream, counterOf(n, c, at), step, seed) < Math.fround(0.4);
      });
      expect(dropped).toEqual(expected);
      // Weights change with a step; the convolution's must not.
      network.trainStep(images, [0, 1, 1]);
      network.parameter("conv1.weight").write(identity);
    }
    network.destroy();
  }
});
