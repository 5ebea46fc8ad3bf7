/**
 * jax-js on WebGPU: the whole training step, gradients and momentum update included, is one jitted function. Arrays are owned: each
 * use but the last takes a reference, so values that several nodes read are counted beforehand.
 */
export async function load() {
  const jax = await import("@jax-js/jax");
  return { create: (context) => createNetwork(jax, context) };
}

async function createNetwork(jax, { network, values }) {
  const { numpy: np, nn, jit, valueAndGrad } = jax;
  await jax.init("webgpu");
  jax.defaultDevice("webgpu");
  const { batch, classes, nodes, parameters, states, rate, momentum } = network;
  const place = ({ offset, shape }) => np.array(values(offset, shape)).reshape([...shape]);
  const tensors = {
    weights: parameters.map(place),
    velocities: parameters.map(({ shape }) => np.zeros([...shape])),
    states: states.map(place),
  };

  /** How often a forward pass reads each value. */
  const countUses = (training) => {
    const uses = new Map([[network.output, 1]]);
    for (const { op, inputs } of nodes) {
      for (const [name, value] of Object.entries(inputs)) {
        // Batch norm in training mode reads its input thrice.
        uses.set(value, (uses.get(value) ?? 0) + (training && op === "batch_norm" && name === "x" ? 3 : 1));
      }
    }
    return uses;
  };

  /** The logits, and the running statistics after the step by the value that they replace. */
  const forward = (weights, running, images, training) => {
    const left = countUses(training);
    const found = new Map([[network.input, images]]);
    parameters.forEach(({ value }, i) => found.set(value, weights[i]));
    states.forEach(({ value }, i) => found.set(value, running[i]));
    const take = (value) => {
      left.set(value, left.get(value) - 1);
      return left.get(value) > 0 ? found.get(value).ref : found.get(value);
    };
    const updated = new Map();
    for (const node of nodes) {
      const run = ops[node.op];
      if (run === undefined) throw new Error(`the jax-js entry has no ${node.op}`);
      found.set(node.output, run({ jax, node, batch, training, updated, read: (name) => take(node.inputs[name]) }));
    }
    return [take(network.output), updated];
  };

  /** The mean loss, and the running statistics after the step. */
  const lossOf = (weights, running, images, oneHot) => {
    const [logits, updated] = forward(weights, running, images, true);
    const loss = np.sum(nn.logSoftmax(logits, -1).mul(oneHot)).mul(-1 / batch);
    return [loss, states.map(({ value }) => updated.get(value))];
  };

  const predict = jit((weights, running, images) => forward(weights, running, images, false)[0]);

  const trainStep = jit((weights, velocities, running, images, oneHot) => {
    const [[loss, newStates], gradients] = valueAndGrad(lossOf, { hasAux: true })(
      weights.map((weight) => weight.ref),
      running,
      images,
      oneHot,
    );
    const newVelocities = velocities.map((velocity, i) => velocity.mul(momentum).add(gradients[i]));
    const newWeights = weights.map((weight, i) => weight.sub(newVelocities[i].ref.mul(rate)));
    return [loss, newWeights, newVelocities, newStates];
  });

  return {
    async step({ images, labels }) {
      const oneHot = new Float32Array(batch * classes);
      labels.forEach((label, n) => (oneHot[n * classes + label] = 1));
      const [loss, weights, velocities, running] = trainStep(
        tensors.weights,
        tensors.velocities,
        tensors.states,
        np.array(images).reshape([batch, ...network.inputShape]),
        np.array(oneHot).reshape([batch, classes]),
      );
      Object.assign(tensors, { weights, velocities, states: running });
      const [value] = await loss.data();
      return { loss: Promise.resolve(value) };
    },
    infer: ({ images }) =>
      predict(
        tensors.weights.map((weight) => weight.ref),
        tensors.states.map((state) => state.ref),
        np.array(images).reshape([batch, ...network.inputShape]),
      ).data(),
  };
}

const ops = {
  conv({ jax, node, read }) {
    const { stride, padding, dilation, groups } = node.attrs;
    const y = jax.lax.convGeneralDilated(read("x"), read("weight"), [...stride], pairs(padding), {
      rhsDilation: [...dilation],
      featureGroupCount: groups,
    });
    return node.inputs.bias === undefined ? y : y.add(read("bias").reshape([1, -1, 1, 1]));
  },
  linear({ jax, node, read }) {
    const y = jax.numpy.matmul(read("x"), read("weight").transpose());
    return node.inputs.bias === undefined ? y : y.add(read("bias"));
  },
  relu: ({ jax, read }) => jax.nn.relu(read("x")),
  sigmoid: ({ jax, read }) => jax.nn.sigmoid(read("x")),
  max_pool: ({ jax, node, read }) => pool(jax, read("x"), node.attrs, -Infinity, (x) => jax.numpy.max(x)),
  avg_pool: ({ jax, node, read }) => pool(jax, read("x"), node.attrs, 0, (x) => jax.numpy.mean(x)),
  reshape: ({ node, batch, read }) => read("x").reshape([batch, ...node.shape]),
  concat: ({ jax, node, read }) => jax.numpy.concatenate(Object.keys(node.inputs).map(read), 1),
  add: ({ node, read }) =>
    Object.keys(node.inputs)
      .map(read)
      .reduce((sum, term) => sum.add(term)),
  batch_norm({ jax, node, batch, training, updated, read }) {
    const { numpy: np, lax } = jax;
    const { eps, momentum } = node.attrs;
    const channels = [1, -1, 1, 1];
    const apply = (mean, variance) => {
      const scale = read("weight").mul(np.reciprocal(np.sqrt(variance.add(eps))));
      const shift = read("bias").sub(mean.mul(scale.ref));
      return read("x").mul(scale.reshape(channels)).add(shift.reshape(channels));
    };
    if (!training) return apply(read("running_mean"), read("running_var"));
    const count = batch * node.shape[1] * node.shape[2];
    const mean = np.mean(read("x"), [0, 2, 3]);
    const centred = read("x").sub(mean.ref.reshape(channels));
    const variance = np.mean(np.square(centred), [0, 2, 3]);
    const follow = (name, value, factor) =>
      updated.set(node.inputs[name], read(name).mul(1 - momentum).add(lax.stopGradient(value).mul(momentum * factor))); // prettier-ignore
    follow("running_mean", mean.ref, 1);
    follow("running_var", variance.ref, count / (count - 1));
    return apply(mean, variance);
  },
};

const pairs = ([vertical, horizontal]) => [
  [vertical, vertical],
  [horizontal, horizontal],
];

function pool(jax, x, { kernel, stride, padding }, fill, reduce) {
  const padded =
    padding[0] + padding[1] === 0
      ? x
      : jax.numpy.pad(x, [[0, 0], [0, 0], ...pairs(padding)], "constant", { constantValues: fill });
  return jax.lax.reduceWindow(padded, reduce, [...kernel], [...stride]);
}
