/**
 * TensorFlow.js on its WebGPU backend, in its own layout (NHWC) and with its own fused ops where training may use them.
 * Weights and images are turned into that layout beforehand, so that no step pays for it.
 */
export async function load() {
  const tf = await import("@tensorflow/tfjs-core");
  await import("@tensorflow/tfjs-core/dist/register_all_gradients");
  await import("@tensorflow/tfjs-backend-webgpu");
  return { create: (context) => createNetwork(tf, context) };
}

async function createNetwork(tf, { network, values }) {
  await tf.setBackend("webgpu");
  await tf.ready();
  const { batch, classes, nodes, parameters, states } = network;
  const shapeOf = new Map([[network.input, network.inputShape], ...nodes.map(({ output, shape }) => [output, shape])]);
  const flattenedFrom = new Map();
  for (const { op, inputs, output, shape } of nodes) {
    if (op === "reshape" && shape.length === 1) flattenedFrom.set(output, shapeOf.get(inputs.x));
  }
  const layouts = new Map();
  for (const { op, inputs } of nodes) {
    if (op === "conv") layouts.set(inputs.weight, { kind: "conv" });
    if (op === "linear") layouts.set(inputs.weight, { kind: "linear", image: flattenedFrom.get(inputs.x) });
  }

  const variables = new Map();
  for (const { name, value, shape, offset } of parameters) {
    const initial = tf.tidy(() => toNhwc(tf, tf.tensor(values(offset, shape), shape), layouts.get(value)));
    variables.set(value, tf.variable(initial, true, name));
    initial.dispose();
  }
  for (const { name, value, shape, offset } of states) {
    const initial = tf.tensor(values(offset, shape), shape);
    variables.set(value, tf.variable(initial, false, name));
    initial.dispose();
  }
  const optimizer = tf.train.momentum(network.rate, network.momentum);

  const forward = (images, training) => {
    const found = new Map([...variables, [network.input, images]]);
    for (const node of nodes) {
      const inputs = Object.fromEntries(Object.entries(node.inputs).map(([name, value]) => [name, found.get(value)]));
      const run = ops[node.op];
      if (run === undefined) throw new Error(`the tfjs entry has no ${node.op}`);
      found.set(node.output, run(tf, inputs, node, batch, training));
    }
    return found.get(network.output);
  };

  return {
    prepare: (images) => nchwToNhwc(images, batch, network.inputShape),
    async step({ images, labels }) {
      const [x, oneHot] = tf.tidy(() => [
        tf.tensor(images, inNhwc(batch, network.inputShape)),
        tf.cast(tf.oneHot(tf.tensor1d(Int32Array.from(labels), "int32"), classes), "float32"),
      ]);
      const loss = optimizer.minimize(() => tf.losses.softmaxCrossEntropy(oneHot, forward(x, true)), true);
      const [value] = await loss.data();
      tf.dispose([x, oneHot, loss]);
      return { loss: Promise.resolve(value) };
    },
    async infer({ images }) {
      const outputs = tf.tidy(() => forward(tf.tensor(images, inNhwc(batch, network.inputShape)), false));
      const values = await outputs.data();
      outputs.dispose();
      return values;
    },
  };
}

const ops = {
  conv(tf, { x, weight, bias }, { attrs }) {
    if (attrs.groups !== 1) throw new Error("the tfjs entry has no grouped convolution");
    const options = { x, filter: weight, strides: attrs.stride, pad: padding(attrs), dilations: attrs.dilation };
    // A fused activation would be dropped in training; a fused bias is not.
    return bias === undefined
      ? tf.conv2d(x, weight, options.strides, options.pad, "NHWC", options.dilations)
      : tf.fused.conv2d({ ...options, bias });
  },
  linear: (tf, { x, weight, bias }) => tf.fused.matMul({ a: x, b: weight, bias }),
  relu: (tf, { x }) => tf.relu(x),
  sigmoid: (tf, { x }) => tf.sigmoid(x),
  max_pool: (tf, { x }, { attrs }) => tf.maxPool(x, attrs.kernel, attrs.stride, padding(attrs)),
  avg_pool(tf, { x }, { attrs }) {
    const [vertical, horizontal] = attrs.padding;
    // tfjs leaves padding out of the mean; PyTorch and cnnc count it.
    const padded =
      vertical + horizontal > 0
        ? tf.pad(x, [[0, 0], [vertical, vertical], [horizontal, horizontal], [0, 0]]) // prettier-ignore
        : x;
    return tf.avgPool(padded, attrs.kernel, attrs.stride, "valid");
  },
  reshape: (tf, { x }, { shape }, batch) => tf.reshape(x, inNhwc(batch, shape)),
  concat: (tf, inputs) => tf.concat(inOrder(inputs), 3),
  add: (tf, inputs) => tf.addN(inOrder(inputs)),
  batch_norm(tf, { x, weight, bias, running_mean, running_var }, { attrs, shape }, batch, training) {
    if (!training) return tf.batchNorm(x, running_mean, running_var, bias, weight, attrs.eps);
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    const count = batch * shape[1] * shape[2];
    const follow = (running, batchValue, factor) =>
      running.assign(tf.add(tf.mul(running, 1 - attrs.momentum), tf.mul(batchValue, attrs.momentum * factor)));
    follow(running_mean, mean, 1);
    follow(running_var, variance, count / (count - 1));
    return tf.batchNorm(x, mean, variance, bias, weight, attrs.eps);
  },
};

const inOrder = (inputs) => Object.values(inputs);

function padding({ padding: [vertical, horizontal] }) {
  return [[0, 0], [vertical, vertical], [horizontal, horizontal], [0, 0]]; // prettier-ignore
}

function inNhwc(batch, shape) {
  return shape.length === 3 ? [batch, shape[1], shape[2], shape[0]] : [batch, ...shape];
}

function toNhwc(tf, tensor, layout) {
  if (layout?.kind === "conv") return tf.transpose(tensor, [2, 3, 1, 0]);
  if (layout?.kind !== "linear") return tensor;
  const [features] = tensor.shape;
  if (layout.image === undefined) return tf.transpose(tensor);
  const [channels, height, width] = layout.image;
  const spatial = tf.transpose(tf.reshape(tensor, [features, channels, height, width]), [2, 3, 1, 0]);
  return tf.reshape(spatial, [height * width * channels, features]);
}

function nchwToNhwc(images, batch, [channels, height, width]) {
  const size = height * width;
  const turned = new Float32Array(images.length);
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < size; i++) turned[(n * size + i) * channels + c] = images[(n * channels + c) * size + i];
    }
  }
  return turned;
}
