/**
 * plan.ts: what a compiled network tells the runtime: the contract between generated modules and this folder. Everything
 * is plain data; the only code of a network is its WGSL. All offsets and sizes are bytes unless a name says otherwise.
 */

/** How a parameter starts; drawn on the host from the seed, so the same on every adapter. */
export type InitialPlan =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "uniform"; readonly low: number; readonly high: number }
  | { readonly kind: "normal"; readonly mean: number; readonly std: number };

/** A trainable tensor, or a running statistic: a range of a persistent buffer, under its name in a state dict. */
export interface TensorPlan extends PlacePlan {
  readonly name: string;
  readonly shape: readonly number[];
  readonly initial: InitialPlan;
}

/** A step counter kept on the host that a state dict holds as a whole number: batch norm's `num_batches_tracked`. */
export interface CounterPlan {
  readonly name: string;
}

/**
 * One GPUBuffer. `role` decides when it is made and how it is used: "parameters", "states" and "optimizer" persist
 * (optimizer state only where training runs); "training", "inference" and "gradients" belong to that program and are made at
 * its first use, and so do those of "preparation"; "metrics" is the ring of per-sample losses; "constants" holds `contents`, written once.
 */
export interface BufferPlan {
  readonly name: string;
  readonly size: number;
  readonly role:
    | "parameters"
    | "states"
    | "optimizer"
    | "training"
    | "inference"
    | "gradients"
    | "metrics"
    | "constants"
    | "preparation";
  readonly contents?: readonly number[]; // u32 words, for "constants" only
  /**
   * Instead of `contents`, for a table of where gradients lie: four numbers a run, [rows, first, stride, parts]; its rows are
   * [first + 16 * i, stride, parts, 0] for i = 0 … rows - 1.
   */
  readonly runs?: readonly number[];
}

export interface BindingPlan {
  /** Index into `buffers`. */
  readonly buffer: number;
  readonly offset: number;
  readonly size: number;
  /** True when the kernel writes it. */
  readonly writes: boolean;
  /** Its elements are f16, two in a word. */
  readonly half?: true;
  /** From one slab of the batch to the next, where each has its own: so many buffers and bytes further. */
  readonly slabStep?: SlabRange;
}

/**
 * One dispatch. Binding 0 of group 0 is always the uniform block of the step; storage bindings follow from 1 in order.
 * The number of workgroups for a batch of `count` samples is ceil(ceil(count / samplesPerTile) * invocationsPerTile /
 * workgroupSize) when samplesPerTile > 0, else ceil(invocationsPerTile / workgroupSize); beyond 65,535 they are laid out as rows
 * of 65,535 in y, and the kernel puts them together again.
 */
export interface DispatchPlan {
  /** Index into `kernels`. */
  readonly kernel: number;
  /** For people: the layers that this dispatch computes. */
  readonly label: string;
  readonly bindings: readonly BindingPlan[];
  readonly samplesPerTile: number;
  readonly invocationsPerTile: number;
  /** It runs once for each slab of the batch, with that slab's count and bindings; see `NetworkPlan.batchSlabs`. */
  readonly inSlabs?: true;
  /** What stands before it is submitted first, so that no submit keeps a slow adapter busy for seconds. */
  readonly beginsSubmit?: true;
  /** So many of its slabs are submitted at a time, for the same reason; all unless given. */
  readonly slabsPerSubmit?: number;
}

export interface KernelPlan {
  readonly name: string;
  readonly wgsl: string;
  readonly workgroupSize: number;
}

/** A 32-bit word of the uniform block. */
export interface UniformPlan {
  readonly name: string;
  readonly type: "u32" | "f32";
  /** What the optimizer's recipe gives; the built-in words (count, slot, step, seed) have none. */
  readonly initial?: number;
}

/** Where a tensor lies. */
export interface PlacePlan {
  /** Index into `buffers`. */
  readonly buffer: number;
  readonly offset: number;
  /** Of a tensor too large for one binding: the ranges that hold it, in order; the first is `buffer` and `offset`. */
  readonly slabs?: readonly SlabPlan[];
}

/** Where a slab begins. */
export interface SlabRange {
  /** Index into `buffers`. */
  readonly buffer: number;
  readonly offset: number;
}

/** A run of a tensor's elements. */
export interface SlabPlan extends SlabRange {
  readonly elements: number;
}

/** Where a head other than the main one leaves its logits in training mode. */
export interface HeadPlan extends PlacePlan {
  /** As the spec calls the head. */
  readonly name: string;
  /** Of one sample. */
  readonly shape: readonly number[];
}

/** Where prediction leaves a value besides the logits. */
export interface FeaturePlan extends PlacePlan {
  /** Of one sample. */
  readonly shape: readonly number[];
}

export interface TrainingPlan {
  readonly images: PlacePlan;
  /** u32 class indices, or f32 cotangents where the loss is a dot product (conformance cases only). */
  readonly labels: PlacePlan;
  readonly labelType: "class" | "cotangent";
  /** How much each class counts in the loss: written with each batch. */
  readonly classWeights?: PlacePlan & { readonly values: readonly number[] };
  /** Forward, loss and backward. */
  readonly dispatches: readonly DispatchPlan[];
  /** Sums the gradients and updates every parameter. */
  readonly update: readonly DispatchPlan[];
  /**
   * Where the recipe clips or accumulates gradients: follows every micro-batch's dispatches and adds its gradients to those before
   * (the word `micro` counts them from 0); `update` follows the last one and works on their mean.
   */
  readonly gather?: readonly DispatchPlan[];
  /** The most micro-batches of `batch` samples that one step has; 1 unless given. */
  readonly accumulate?: number;
  /** Instead of `update`: sums the gradients into the "gradients" buffers, for `gradients()`. */
  readonly collect: readonly DispatchPlan[];
  /** Where `collect` leaves each parameter's gradient, in the order of `parameters`. */
  readonly gradients: readonly PlacePlan[];
  /** The gradient with respect to the images, where it was asked for at compile time. */
  readonly imageGradient?: PlacePlan;
  /** The main head's logits in training mode, where they were asked to be kept. */
  readonly logits?: PlacePlan;
  /** Those of the other heads, in the order of the spec, where they were asked to be kept and there are any. */
  readonly auxiliaryLogits?: readonly HeadPlan[];
  /**
   * The ring: `slots` rows of `batch` pairs of f32 [loss, 1 if right else 0], written at row `step mod slots`. The loss of a
   * step is the mean over its samples.
   */
  readonly metrics: { readonly buffer: number; readonly slots: number };
  /** How the recipe goes about a whole training; `startTraining` goes by it. */
  readonly course?: CoursePlan;
}

/** What a recipe says of a whole training. */
export interface CoursePlan {
  readonly epochs: number;
  /** Absent where the rate stays as it is. */
  readonly schedule?: SchedulePlan;
  /** Epochs without a lower validation loss after which training ends. */
  readonly earlyStop?: number;
}

/** A schedule of the language by its name, with its arguments: a `Schedule` of `cnnc/app`. */
export interface SchedulePlan {
  readonly name: string;
  readonly [argument: string]: number | boolean | string | readonly number[];
}

export interface InferencePlan {
  readonly images: PlacePlan;
  readonly logits: PlacePlan;
  /** Other values that can be predicted, by their `as` names, where they were asked for. */
  readonly features?: Readonly<Record<string, FeaturePlan>>;
  readonly dispatches: readonly DispatchPlan[];
}

/**
 * How images become what the network reads, from bytes on: a program that runs before a step, in the same commands. It is
 * made at its first use; a network that is fed numbers never has its buffers.
 */
export interface PreparationPlan {
  /** Of one image as the host sends it: [channels, height, width], row-major. */
  readonly sourceShape: readonly number[];
  /** "u8": bytes from 0 to 255, four in a word. "f32": numbers. */
  readonly sourceType: "u8" | "f32";
  readonly source: PlacePlan;
  /** Where images are smaller than `sourceShape`: two u32 an image, its height and width. */
  readonly sizes?: PlacePlan;
  /** The mean of the training images that is subtracted, which the host must give. */
  readonly mean?: PlacePlan & { readonly shape: readonly number[] };
  /** Into the training step's images, with augmentation. */
  readonly training?: readonly DispatchPlan[];
  /** Into inference's images. */
  readonly inference: readonly DispatchPlan[];
}

/** What tells one kind of adapter from another: of WebGPU's GPUAdapterInfo. Browsers leave the last two empty; an empty word is any. */
export interface AdapterIdentity {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
}

/** What of a plan differs on one kind of adapter, where it is faster. */
export interface TunedPlan {
  readonly adapter: AdapterIdentity;
  readonly plan: Partial<NetworkPlan>;
}

export interface NetworkPlan {
  readonly format: 1;
  readonly name: string;
  /** Of one image: [channels, height, width], or [features]. */
  readonly inputShape: readonly number[];
  /** Shape of one sample's output; [classes] for a classifier. */
  readonly outputShape: readonly number[];
  /** The most samples a step takes. */
  readonly batch: number;
  /**
   * Where a batch is too large for one binding, or for one run of a kernel: it is computed `rows` samples at a time. Each slab has a
   * uniform block of its own, whose `count` is that of its samples, `samples` that of all, and `first` the number of its first.
   */
  readonly batchSlabs?: { readonly count: number; readonly rows: number };
  readonly seed: number;
  readonly parameters: readonly TensorPlan[];
  readonly states: readonly TensorPlan[];
  readonly counters: readonly CounterPlan[];
  /** State of the optimizer, one tensor a parameter and kind: "conv1.weight/momentum". */
  readonly optimizer: readonly TensorPlan[];
  readonly buffers: readonly BufferPlan[];
  /** The uniform block; at most 16 words. */
  readonly uniforms: readonly UniformPlan[];
  readonly kernels: readonly KernelPlan[];
  /** Absent when the spec has no recipe. */
  readonly training?: TrainingPlan;
  readonly inference: InferencePlan;
  /** Absent when the spec has no recipe, or its data does not give what the network reads. */
  readonly preparation?: PreparationPlan;
  /** Limits that the adapter must offer beyond the WebGPU defaults. */
  readonly requiredLimits: Readonly<Record<string, number>>;
  /** WebGPU features that the kernels need, such as "shader-f16". */
  readonly requiredFeatures?: readonly string[];
  /** For adapters that the network was tuned on, or that the compiler knows: the first that fits. All others run the plan as it is. */
  readonly tuned?: readonly TunedPlan[];
}
