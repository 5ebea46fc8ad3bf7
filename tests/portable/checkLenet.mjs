// Runs a generated LeNet module on the cases `lenet` and `train_lenet_sgd`. Only what browsers, Deno and Node all have is
// used: the same file runs in each of them.

/** Runs both cases. `read(name)` gives a file's bytes; the result is one line a quantity, and whether all of them hold. */
export async function checkLenet({ createLeNet, parseSafetensors, read, gpu }) {
  const results = [];
  const network = await createLeNet(gpu === undefined ? {} : { gpu });
  try {
    const recorded = async (name) => {
      const test = JSON.parse(new TextDecoder().decode(await read(`${name}.json`)));
      const { tensors } = parseSafetensors(await read(`${name}.safetensors`));
      const stored = ({ tensor }) => {
        if (tensor === undefined) throw new Error(`case ${name} holds only samples of a tensor that is needed here`);
        return new Float32Array(tensors.get(tensor).bytes.slice().buffer);
      };
      return { test, stored };
    };
    await checkNetwork(network, await recorded("lenet"), results);
    await checkTraining(network, await recorded("train_lenet_sgd"), await readImages(read), results);
  } finally {
    network.destroy();
  }
  return results;
}

/** One forward and one backward pass on filled weights and images. */
async function checkNetwork(network, { test, stored }, results) {
  loadFills(network, test);
  const report = reporter(test, results);
  const images = fill(test.inputs[0]);
  report("outputs", [[await network.predict(images), stored(test.expect.outputs.output)]]);
  const { loss, gradients } = await network.gradients(images, test.labels);
  report.error("loss", Math.abs(loss - test.expect.loss) / test.expect.loss_scale);
  report.gradients(namesOf(network, test), gradients, stored);
}

/** Twenty steps on real images. */
async function checkTraining(network, { test, stored }, images, results) {
  loadFills(network, test);
  network.setRate(test.optimizer.lr);
  const report = reporter(test, results);
  const names = namesOf(network, test);
  const batches = test.data.batches.map(([start, end]) => images.range(start, end));
  const first = await network.gradients(batches[0].images, batches[0].labels);
  report.gradients(names, first.gradients, stored);
  const steps = batches.map((batch) => network.trainStep(batch.images, batch.labels));
  const losses = await Promise.all(steps.map(async (step) => (await step.metrics()).loss));
  const errors = losses.map((loss, i) => Math.abs(loss - test.expect.losses[i]) / Math.abs(test.expect.losses[i]));
  report.error("losses", Math.max(...errors));
  const after = await network.stateDict();
  report(
    "params_after",
    [...names].map(([own, recorded]) => [after[own], stored(test.expect.params_after[recorded])]),
  );
}

/** Parameters are matched in the order of definition. */
function namesOf(network, test) {
  const own = network.plan.parameters.map(({ name }) => name);
  const recorded = test.params.map(({ name }) => name);
  if (own.length !== recorded.length) throw new Error(`${own.length} parameters, the case has ${recorded.length}`);
  return new Map(own.map((name, index) => [name, recorded[index]]));
}

function loadFills(network, test) {
  network.init(0);
  network.loadStateDict(
    Object.fromEntries(network.plan.parameters.map(({ name }, index) => [name, fill(test.params[index])])),
  );
}

function reporter(test, results) {
  const error = (quantity, value) => {
    const tolerance = test.tolerance[quantity];
    // NaN is a miss.
    results.push({ name: test.name, quantity, error: value, tolerance, passed: value <= tolerance });
  };
  const report = (quantity, pairs) => {
    error(quantity, pairs.map(([actual, expected]) => rmsError(actual, expected, 0)).reduce(worse));
  };
  report.error = error;
  report.gradients = (names, gradients, stored) => {
    const errors = [...names].map(([own, recorded]) =>
      rmsError(gradients[own], stored(test.expect.grads[recorded]), test.expect.grad_floor),
    );
    error("grads", errors.reduce(worse));
    error("grads_median", errors.sort((a, b) => a - b)[Math.floor((errors.length - 1) / 2)]);
  };
  return report;
}

function worse(a, b) {
  return Number.isNaN(a) || a > b ? a : b;
}

function rmsError(actual, expected, floor) {
  if (actual.length !== expected.length) return NaN;
  const rms = (values) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
  const differences = Float64Array.from(expected, (value, i) => actual[i] - value);
  return rms(differences) / Math.max(rms(Float64Array.from(expected)), floor);
}

/** The conformance cases' fill: see tests/conformance/cases/README.md. */
function fill({ shape, fill: { seed, scale, offset, levels } }) {
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  for (let i = 0; i < values.length; i++) {
    let x = (Math.imul(i, 2654435761) + seed) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    let u = ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
    if (levels) u = Math.floor(u * levels) / levels;
    values[i] = offset + scale * (u * 2 - 1);
  }
  return values;
}

/** The shipped training images, pixels as byte / 255; the files are IDX, already decompressed. */
async function readImages(read) {
  const [pixels, labels] = [await read("train-images.idx"), await read("train-labels.idx")];
  const size = 28 * 28;
  return {
    range: (start, end) => ({
      images: Float32Array.from(pixels.subarray(16 + start * size, 16 + end * size), (byte) => byte / 255),
      labels: labels.slice(8 + start, 8 + end),
    }),
  };
}
