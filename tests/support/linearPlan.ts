import type { BindingPlan, DispatchPlan, NetworkPlan } from "../../runtime/plan.ts";

export interface LinearPlanOptions {
  /** Images are 1 x 2 x features / 2. */
  readonly features?: number;
  readonly classes?: number;
  readonly batch?: number;
  readonly slots?: number;
}

/**
 * A plan written by hand, to test the runtime without the compiler: a linear layer with softmax cross-entropy, SGD with
 * momentum, and a running mean of the images as its statistic (momentum 0.1).
 */
export function linearPlan(options: LinearPlanOptions = {}): NetworkPlan {
  const { features = 4, classes = 3, batch = 4, slots = 4 } = options;
  const align = (bytes: number): number => Math.ceil(bytes / 256) * 256;
  const [weightBytes, biasBytes] = [classes * features * 4, classes * 4];
  const [imageBytes, logitBytes] = [batch * features * 4, batch * classes * 4];
  const biasAt = align(weightBytes);
  const buffers = [
    { name: "parameters", size: biasAt + biasBytes, role: "parameters" },
    { name: "states", size: features * 4, role: "states" },
    { name: "momentum", size: biasAt + biasBytes, role: "optimizer" },
    { name: "inputs", size: align(imageBytes) + batch * 4, role: "training" },
    { name: "activations", size: align(logitBytes) + logitBytes, role: "training" },
    { name: "inference inputs", size: imageBytes, role: "inference" },
    { name: "inference logits", size: logitBytes, role: "inference" },
    { name: "gradients", size: biasAt + biasBytes, role: "gradients" },
    { name: "metrics", size: slots * batch * 8, role: "metrics" },
    { name: "one", size: 4, role: "constants", contents: [0x3f800000] },
  ] as const;
  const bind = (name: (typeof buffers)[number]["name"], offset: number, size: number, writes = false): BindingPlan => ({
    buffer: buffers.findIndex((buffer) => buffer.name === name),
    offset,
    size,
    writes,
  });
  const weight = (name: "parameters" | "momentum" | "gradients", writes = false): BindingPlan =>
    bind(name, 0, weightBytes, writes);
  const bias = (name: "parameters" | "momentum" | "gradients", writes = false): BindingPlan =>
    bind(name, biasAt, biasBytes, writes);
  const images = bind("inputs", 0, imageBytes);
  const deltas = bind("activations", align(logitBytes), logitBytes);
  const dispatch = (kernel: number, label: string, bindings: readonly BindingPlan[]): DispatchPlan => ({
    kernel,
    label,
    bindings,
    samplesPerTile: kernel < 2 ? 1 : 0,
    invocationsPerTile: [1, 1, features, classes * (features + 1), classes * (features + 1)][kernel] ?? 1,
  });

  const head = `
struct Step { count: u32, slot: u32, step: u32, seed: u32, lr: f32, momentum: f32 }
@group(0) @binding(0) var<uniform> step: Step;
const features = ${features}u;
const classes = ${classes}u;
const batch = ${batch}u;
`;
  const binding = (index: number, name: string, type: string, access = "read"): string =>
    `@group(0) @binding(${index}) var<storage, ${access}> ${name}: array<${type}>;\n`;
  const main = "@compute @workgroup_size(64)\nfn main(@builtin(global_invocation_id) id: vec3u) {\n  let i = id.x;\n";
  const logit = (target: string): string => `
  for (var c = 0u; c < classes; c++) {
    var sum = bias[c];
    for (var f = 0u; f < features; f++) { sum += weight[c * features + f] * images[i * features + f]; }
    ${target}[i * classes + c] = sum;
  }
`;
  const sharedInputs = binding(1, "weight", "f32") + binding(2, "bias", "f32") + binding(3, "images", "f32");
  const gradient = `
  if (i >= classes * (features + 1u)) { return; }
  let isBias = i >= classes * features;
  let c = select(i / features, i - classes * features, isBias);
  var gradient = 0.0;
  for (var n = 0u; n < step.count; n++) {
    gradient += deltas[n * classes + c] * select(images[n * features + i % features], 1.0, isBias);
  }
`;
  const kernels = [
    {
      name: "linear_inference",
      workgroupSize: 64,
      wgsl: `${head}${sharedInputs}${binding(4, "logits", "f32", "read_write")}${main}
  if (i >= step.count) { return; }${logit("logits")}}
`,
    },
    {
      name: "linear_loss",
      workgroupSize: 64,
      wgsl: `${head}${sharedInputs}${binding(4, "labels", "u32")}${binding(5, "activations", "f32", "read_write")}${binding(6, "metrics", "f32", "read_write")}${binding(7, "one", "f32")}
const deltasAt = ${align(logitBytes) / 4}u;
${main}
  if (i >= step.count) { return; }${logit("activations")}
  var best = 0u;
  var greatest = activations[i * classes];
  for (var c = 1u; c < classes; c++) {
    if (activations[i * classes + c] > greatest) { best = c; greatest = activations[i * classes + c]; }
  }
  var sum = 0.0;
  for (var c = 0u; c < classes; c++) { sum += exp(activations[i * classes + c] - greatest); }
  for (var c = 0u; c < classes; c++) {
    let p = exp(activations[i * classes + c] - greatest) / sum;
    activations[deltasAt + i * classes + c] = (p - select(0.0, one[0], c == labels[i])) / f32(step.count);
  }
  let row = (step.slot * batch + i) * 2u;
  metrics[row] = log(sum) + greatest - activations[i * classes + labels[i]];
  metrics[row + 1u] = select(0.0, 1.0, best == labels[i]);
}
`,
    },
    {
      name: "running_mean",
      workgroupSize: 64,
      wgsl: `${head}${binding(1, "images", "f32")}${binding(2, "mean", "f32", "read_write")}${main}
  if (i >= features) { return; }
  var sum = 0.0;
  for (var n = 0u; n < step.count; n++) { sum += images[n * features + i]; }
  mean[i] = 0.9 * mean[i] + 0.1 * sum / f32(step.count);
}
`,
    },
    {
      name: "sgd_update",
      workgroupSize: 64,
      wgsl: `${head}${binding(1, "images", "f32")}${binding(2, "deltas", "f32")}${binding(3, "weight", "f32", "read_write")}${binding(4, "bias", "f32", "read_write")}${binding(5, "weightMomentum", "f32", "read_write")}${binding(6, "biasMomentum", "f32", "read_write")}${main}${gradient}
  if (isBias) {
    biasMomentum[c] = step.momentum * biasMomentum[c] + gradient;
    bias[c] -= step.lr * biasMomentum[c];
  } else {
    weightMomentum[i] = step.momentum * weightMomentum[i] + gradient;
    weight[i] -= step.lr * weightMomentum[i];
  }
}
`,
    },
    {
      name: "collect_gradients",
      workgroupSize: 64,
      wgsl: `${head}${binding(1, "images", "f32")}${binding(2, "deltas", "f32")}${binding(3, "weight", "f32", "read_write")}${binding(4, "bias", "f32", "read_write")}${main}${gradient}
  if (isBias) { bias[c] = gradient; } else { weight[i] = gradient; }
}
`,
    },
  ];
  const parameterAt = (buffer: number, suffix: string, initial: boolean) => [
    {
      name: `fc.weight${suffix}`,
      shape: [classes, features],
      buffer,
      offset: 0,
      initial: initial ? ({ kind: "normal", mean: 0, std: 0.5 } as const) : ({ kind: "constant", value: 0 } as const),
    },
    {
      name: `fc.bias${suffix}`,
      shape: [classes],
      buffer,
      offset: biasAt,
      initial: initial
        ? ({ kind: "uniform", low: -0.5, high: 0.5 } as const)
        : ({ kind: "constant", value: 0 } as const),
    },
  ];
  return {
    format: 1,
    name: "Linear",
    inputShape: [1, 2, features / 2],
    outputShape: [classes],
    batch,
    seed: 0,
    parameters: parameterAt(0, "", true),
    states: [
      {
        name: "norm.running_mean",
        shape: [features],
        buffer: 1,
        offset: 0,
        initial: { kind: "constant", value: 0.25 },
      },
    ],
    counters: [{ name: "norm.num_batches_tracked" }],
    optimizer: parameterAt(2, "/momentum", false),
    buffers,
    uniforms: [
      { name: "count", type: "u32" },
      { name: "slot", type: "u32" },
      { name: "step", type: "u32" },
      { name: "seed", type: "u32" },
      { name: "lr", type: "f32", initial: 0.5 },
      { name: "momentum", type: "f32", initial: 0.9 },
    ],
    kernels,
    training: {
      images: { buffer: 3, offset: 0 },
      labels: { buffer: 3, offset: align(imageBytes) },
      labelType: "class",
      dispatches: [
        dispatch(1, "fc, loss", [
          weight("parameters"),
          bias("parameters"),
          images,
          bind("inputs", align(imageBytes), batch * 4),
          bind("activations", 0, align(logitBytes) + logitBytes, true),
          bind("metrics", 0, slots * batch * 8, true),
          bind("one", 0, 4),
        ]),
        dispatch(2, "norm", [images, bind("states", 0, features * 4, true)]),
      ],
      update: [
        dispatch(3, "update", [
          images,
          deltas,
          weight("parameters", true),
          bias("parameters", true),
          weight("momentum", true),
          bias("momentum", true),
        ]),
      ],
      collect: [dispatch(4, "gradients", [images, deltas, weight("gradients", true), bias("gradients", true)])],
      gradients: [
        { buffer: 7, offset: 0 },
        { buffer: 7, offset: biasAt },
      ],
      logits: { buffer: 4, offset: 0 },
      metrics: { buffer: 8, slots },
    },
    inference: {
      images: { buffer: 5, offset: 0 },
      logits: { buffer: 6, offset: 0 },
      dispatches: [
        dispatch(0, "fc", [
          weight("parameters"),
          bias("parameters"),
          bind("inference inputs", 0, imageBytes),
          bind("inference logits", 0, logitBytes, true),
        ]),
      ],
    },
    requiredLimits: {},
  };
}

/** The same network in plain loops, in float64. */
export class LinearReference {
  readonly weight: number[];
  readonly bias: number[];
  readonly weightMomentum: number[];
  readonly biasMomentum: number[];
  mean: number[];

  constructor(
    readonly features: number,
    readonly classes: number,
    weight: ArrayLike<number>,
    bias: ArrayLike<number>,
  ) {
    this.weight = Array.from(weight);
    this.bias = Array.from(bias);
    this.weightMomentum = this.weight.map(() => 0);
    this.biasMomentum = this.bias.map(() => 0);
    this.mean = Array.from({ length: features }, () => 0.25);
  }

  logits(image: ArrayLike<number>): number[] {
    return this.bias.map((bias, c) => {
      let sum = bias;
      for (let f = 0; f < this.features; f++) sum += (this.weight[c * this.features + f] ?? NaN) * (image[f] ?? NaN);
      return sum;
    });
  }

  /** Loss, accuracy and gradients of a batch. */
  gradients(images: Float32Array, labels: ArrayLike<number>) {
    const weight = this.weight.map(() => 0);
    const bias = this.bias.map(() => 0);
    let [loss, right] = [0, 0];
    for (let n = 0; n < labels.length; n++) {
      const image = images.subarray(n * this.features, (n + 1) * this.features);
      const logits = this.logits(image);
      const greatest = Math.max(...logits);
      const sum = logits.reduce((total, logit) => total + Math.exp(logit - greatest), 0);
      const label = labels[n] ?? NaN;
      loss += (Math.log(sum) + greatest - (logits[label] ?? NaN)) / labels.length;
      right += (logits.indexOf(greatest) === label ? 1 : 0) / labels.length;
      logits.forEach((logit, c) => {
        const delta = (Math.exp(logit - greatest) / sum - (c === label ? 1 : 0)) / labels.length;
        bias[c] = (bias[c] ?? NaN) + delta;
        image.forEach((x, f) => {
          weight[c * this.features + f] = (weight[c * this.features + f] ?? NaN) + delta * x;
        });
      });
    }
    return { loss, accuracy: right, weight, bias };
  }

  /** The running mean after a batch. */
  meanAfter(images: Float32Array): number[] {
    const count = images.length / this.features;
    return this.mean.map((mean, f) => {
      let sum = 0;
      for (let n = 0; n < count; n++) sum += images[n * this.features + f] ?? NaN;
      return 0.9 * mean + (0.1 * sum) / count;
    });
  }

  step(images: Float32Array, labels: ArrayLike<number>, lr = 0.5, momentum = 0.9): { loss: number; accuracy: number } {
    const gradients = this.gradients(images, labels);
    const update = (values: number[], state: number[], gradient: readonly number[]): void => {
      gradient.forEach((g, i) => {
        state[i] = momentum * (state[i] ?? NaN) + g;
        values[i] = (values[i] ?? NaN) - lr * (state[i] ?? NaN);
      });
    };
    update(this.weight, this.weightMomentum, gradients.weight);
    update(this.bias, this.biasMomentum, gradients.bias);
    this.mean = this.meanAfter(images);
    return gradients;
  }
}

/** Images with values in [0, 1) and labels, from a small generator. */
export function linearData(count: number, features = 4, classes = 3, seed = 1) {
  let state = seed;
  const next = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const images = Float32Array.from({ length: count * features }, next);
  const labels = Uint8Array.from({ length: count }, () => Math.floor(next() * classes));
  return { images, labels };
}
