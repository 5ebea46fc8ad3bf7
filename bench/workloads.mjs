/** The workloads: specs of this folder, each with a recipe called `bench`. */
export const workloads = ["lenet", "mnist_cnn", "residual_net", "inception_net", "bn_block", "resnet18"];

/** What a step is: a training step, or the prediction of one batch from images on the host to outputs on the host. */
export const programs = ["training", "inference"];

/**
 * The entries. `module` is what the process imports for it; `peer` is true where it needs the packages of this folder
 * (such an entry is bundled first, as an app that uses the library would be: tfjs has no other form with gradients in Node);
 * `options` are those that cnnc's module is compiled with: `fuse: false` gives each op a kernel; `tuned` lets it carry what `cnnc tune`
 * measured (specs/NAME.tune.json).
 */
export const entries = {
  cnnc: { module: "./entries/cnnc.mjs", options: {} },
  "cnnc-tuned": { module: "./entries/cnnc.mjs", options: { tuned: true } },
  "cnnc-unfused": { module: "./entries/cnnc.mjs", options: { fuse: false } },
  tfjs: { module: "./entries/tfjs.mjs", peer: true },
  "jax-js": { module: "./entries/jaxJs.mjs", peer: true },
  torch: { python: "entries/torch_cpu.py" },
};

/**
 * The ways for a whole network that `--tune` tries. Winograd's convolutions are left out: each takes three more dispatches, and room for
 * its tiles, which the figures that the bench is for would not show.
 */
export const tunedWays = ["packed", "implicitGemm", "subgroups"];
