/** How many batches of images there are; steps go through them in turn. */
const batches = 4;

/**
 * The first weights of a workload as cnnc draws them from its recipe's seed, one tensor after another, and random images and labels.
 * `network` is of describeNetwork.ts, `runtime` is cnnc's: the same numbers wherever this runs.
 */
export function drawData(network, { drawInitial, randomStream }) {
  const tensors = [...network.parameters, ...network.states];
  const weights = new Float32Array(tensors.reduce((sum, { shape }) => sum + elements(shape), 0));
  for (const { name, shape, offset, initial } of tensors) {
    drawInitial(initial, randomStream(network.seed, name), weights.subarray(offset, offset + elements(shape)), 0);
  }
  const images = new Float32Array(batches * network.batch * elements(network.inputShape));
  drawInitial({ kind: "normal", mean: 0, std: 1 }, randomStream(0, "bench images"), images, 0);
  const stream = randomStream(0, "bench labels");
  const labels = Uint32Array.from({ length: batches * network.batch }, (_, i) => stream(i) % network.classes);
  return { weights, images, labels };
}

/** Numbers of a tensor of this shape. */
export function elements(shape) {
  return shape.reduce((product, size) => product * size, 1);
}
