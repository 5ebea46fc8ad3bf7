import type { Dataset } from "./dataset.ts";
import type { DeviceOptions } from "./device.ts";
import { NetworkError } from "./errors.ts";
import { fit } from "./fit.ts";
import type { FitOptions, History } from "./fit.ts";
import { classesOf, createPredictor, probabilitiesOf } from "./inference.ts";
import { toBatch } from "./images.ts";
import type { Images } from "./images.ts";
import { outputSize } from "./input.ts";
import type { Metrics, TrainingStep } from "./metrics.ts";
import type { NetworkPlan } from "./plan.ts";
import { createImageFeed } from "./preparation.ts";
import type { ImageReader } from "./preparation.ts";
import type { ProgramName } from "./programs.ts";
import { openSession } from "./session.ts";
import type { NetworkStats } from "./session.ts";
import { createTensorStore } from "./tensors.ts";
import type { TensorAccess } from "./tensors.ts";
import { createTrainer } from "./training.ts";
import type { Gradients, NotFinite, Targets } from "./training.ts";
import type { Notes } from "./weights.ts";

export interface NetworkOptions extends DeviceOptions {
  /** Seed of the first weights; the recipe's by default. */
  readonly seed?: number;
  /** What to compile at once; the rest is compiled at its first use. Default: training, where there is a recipe, and inference. */
  readonly programs?: readonly ProgramName[];
}

/**
 * A compiled network on a GPU. `Input` is the shape of an image that it reads, `Source` that of one which its recipe's data
 * lines prepare: see `Images` for what may be given. `Feature` are names of values that it can predict besides the logits.
 */
export interface Network<
  ParameterName extends string = string,
  StateName extends string = string,
  Input extends readonly number[] = readonly number[],
  Source extends readonly number[] = readonly number[],
  Feature extends string = never,
> {
  readonly plan: NetworkPlan;
  readonly device: GPUDevice;
  /** Training steps since `init`. */
  readonly steps: number;
  /** Compiles what a program needs, if it is not compiled yet. */
  prepare(program: ProgramName): Promise<void>;
  /** Draws new weights from a seed (default: the recipe's) and forgets what training has gathered. */
  init(seed?: number): void;
  /**
   * Gives the GPU one step on 1 to `plan.batch` images; returns at once. Bytes want `prepare("trainingBytes")` before. A network
   * that accumulates gradients takes that many times more: the gradients' mean over its micro-batches makes one update.
   */
  trainStep(images: Images<Input, Source>, labels: Targets): TrainingStep;
  /** Trains for some epochs; see FitOptions. */
  fit(dataset: Dataset<Input, Source>, options: FitOptions<Input, Source>): Promise<History>;
  /** The logits of any number of images, one row an image; or the value at an `as` name for which it was compiled (`--features`). */
  predict(images: Images<Input, Source>, at?: Feature): Promise<Float32Array<ArrayBuffer>>;
  /** The class of each image: its first greatest logit. */
  predictClasses(images: Images<Input, Source>): Promise<Uint32Array<ArrayBuffer>>;
  /** The softmax of each image's logits, one row an image. */
  predictProbabilities(images: Images<Input, Source>): Promise<Float32Array<ArrayBuffer>>;
  /** Mean cross-entropy and share of right answers. */
  evaluate(dataset: Dataset<Input, Source>): Promise<Metrics>;
  /**
   * What the network reads of up to `plan.batch` images, each in the shape of its input: as prediction reads them, or with
   * this step's augmentation.
   */
  preparedImages(images: Images<Input, Source>, reader?: ImageReader): Promise<Float32Array<ArrayBuffer>>;
  /**
   * Sets the mean of the training images, where the recipe subtracts one: `plan.preparation.mean` has its shape. Weights and
   * checkpoints are saved with it, and bring it back.
   */
  setImageMean(values: Float32Array): void;
  /** That mean; undefined until it was set or loaded. */
  readonly imageMean: Float32Array<ArrayBuffer> | undefined;
  /** The gradients of a batch's loss; changes nothing. */
  gradients(images: Images<Input, Source>, labels: Targets): Promise<Gradients<ParameterName, StateName>>;
  /**
   * The first kernel of a training step on these images that gives a value which is not finite; undefined where all are. Runs them
   * one by one and changes nothing. Inside a fused kernel a relu or a max pooling may make a number of a NaN again: in a module of
   * `cnnc compile --no-fuse` each op has a kernel of its own. A network whose step has failed before may still hold that step's values: use a fresh one.
   */
  firstNotFinite(images: Images<Input, Source>, labels: Targets): Promise<NotFinite | undefined>;
  /** Access to one parameter or running statistic. */
  parameter(name: ParameterName | StateName): TensorAccess;
  /** Every parameter and running statistic, by name. */
  stateDict(): Promise<Record<ParameterName | StateName, Float32Array<ArrayBuffer>>>;
  loadStateDict(values: Readonly<Record<ParameterName | StateName, Float32Array>>): void;
  /** A safetensors file that holds a PyTorch state dict. */
  save(): Promise<Uint8Array<ArrayBuffer>>;
  /** Loads such a file; when it does not fit, rejects and changes nothing. */
  load(file: Uint8Array | ArrayBuffer): Promise<void>;
  /**
   * A file from which training goes on exactly as it would have, after the steps taken so far; `notes`, which a function may give
   * at that moment, come back from `loadCheckpoint`.
   */
  saveCheckpoint(notes?: Notes | (() => Notes)): Promise<Uint8Array<ArrayBuffer>>;
  loadCheckpoint(file: Uint8Array | ArrayBuffer): Promise<Record<string, string>>;
  /** Sets a word of the optimizer by its name, from the next step on. */
  setUniform(name: string, value: number): void;
  uniform(name: string): number;
  /** Sets the learning rate from the next step on. */
  setRate(rate: number): void;
  stats(): NetworkStats;
  /** Frees the GPU's memory, and the device if the network asked for it itself. */
  destroy(): void;
}

/** The uniform word of the learning rate, as the optimizers name it. */
const rateName = "lr";

function checkMemory(noMemory: GPUError | null): void {
  if (noMemory !== null) throw new NetworkError("device", `the GPU has too little memory: ${noMemory.message}`);
}

/** Opens a device, compiles the plan's kernels and draws the first weights. */
export async function createNetwork<
  ParameterName extends string = string,
  StateName extends string = string,
  Input extends readonly number[] = readonly number[],
  Source extends readonly number[] = readonly number[],
  Feature extends string = never,
>(
  given: NetworkPlan,
  options: NetworkOptions = {},
): Promise<Network<ParameterName, StateName, Input, Source, Feature>> {
  const session = await openSession(given, options);
  const { plan, watched, uniforms } = session;
  const imageFeed = createImageFeed(session, (count) => {
    uniforms.setBuiltin("count", count);
    uniforms.setBuiltin("step", store.step);
    uniforms.setBuiltin("seed", store.seed);
    uniforms.write();
  });
  const store = createTensorStore(session, imageFeed);
  const trainer = createTrainer(session, store, imageFeed);
  const predictor = createPredictor(session, imageFeed);
  const prepared = new Map<ProgramName, Promise<void>>();
  const prepare = (name: ProgramName): Promise<void> => {
    watched.check();
    let ready = prepared.get(name);
    if (ready === undefined) {
      // Before the first step can be taken.
      if (name === "training") store.initOptimizer();
      ready = session.prepare(name).then(() => undefined);
      prepared.set(name, ready);
    }
    return ready;
  };
  const setRate = (rate: number): void => {
    watched.check();
    uniforms.set(rateName, rate);
  };

  const network: Network = {
    plan,
    device: watched.device,
    get steps() {
      return store.step;
    },
    prepare,
    init: (seed = plan.seed) => {
      store.init(seed);
    },
    trainStep: (images, labels) => trainer.trainStep(toBatch(plan, images), labels),
    fit: async (dataset, fitOptions) => {
      watched.check();
      const { trainStep } = trainer;
      return fit(
        {
          plan,
          seed: store.seed,
          prepare: () => prepare("training"),
          prepareImages: (images) => imageFeed.prepare("training", images),
          trainStep,
          evaluate: predictor.evaluateOpened,
          setRate,
          stateDict: store.stateDict,
        },
        dataset,
        fitOptions,
      );
    },
    predict: predictor.predict,
    predictClasses: async (images) => classesOf(await predictor.predict(images), outputSize(plan)),
    predictProbabilities: async (images) => probabilitiesOf(await predictor.predict(images), outputSize(plan)),
    evaluate: predictor.evaluate,
    preparedImages: async (images, reader = "inference") => imageFeed.read(reader, images),
    setImageMean: imageFeed.setMean,
    get imageMean() {
      return imageFeed.mean;
    },
    gradients: async (images, labels) => trainer.gradients(toBatch(plan, images), labels),
    firstNotFinite: async (images, labels) => trainer.firstNotFinite(toBatch(plan, images), labels),
    parameter: store.access,
    stateDict: store.stateDict,
    loadStateDict: store.loadStateDict,
    save: store.save,
    load: async (file) => {
      store.load(file);
      return Promise.resolve();
    },
    saveCheckpoint: async (notes = {}) => {
      await prepare("training");
      return store.saveCheckpoint(typeof notes === "function" ? notes() : notes);
    },
    loadCheckpoint: async (file) => {
      await prepare("training");
      return store.loadCheckpoint(file);
    },
    setUniform: (name, value) => {
      watched.check();
      uniforms.set(name, value);
    },
    uniform: uniforms.get,
    setRate,
    stats: session.stats,
    destroy: session.destroy,
  };

  try {
    const programs = options.programs ?? (plan.training === undefined ? ["inference"] : ["training", "inference"]);
    watched.device.pushErrorScope("out-of-memory");
    let noMemory: Promise<GPUError | null>;
    try {
      store.init(options.seed ?? plan.seed);
    } finally {
      noMemory = watched.device.popErrorScope();
    }
    await Promise.all([...programs.map(prepare), noMemory.then(checkMemory)]);
    watched.check();
  } catch (error) {
    session.destroy();
    throw error;
  }
  // The names are the plan's, which the caller knows; the code itself works with any.
  return network;
}
