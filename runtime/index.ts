/** What a generated module stands on: it runs a compiled network on WebGPU in browsers, Deno and Node. */
export { createNetwork } from "./network.ts";
export type { Network, NetworkOptions } from "./network.ts";
export { averageLogits, createEnsemble } from "./ensemble.ts";
export type { Ensemble } from "./ensemble.ts";
export { NetworkError } from "./errors.ts";
export type { NetworkErrorKind } from "./errors.ts";
export type {
  ArrayDataset, BatchStorage, Dataset, DatasetSource, RawBatchStorage, RawDatasetSource, Sample, StreamDataset,
} from "./dataset.ts"; // prettier-ignore
export { checkpointKind, meanKey, notePrefix, weightEntries } from "./fileFormat.ts";
export { planesOf } from "./images.ts";
export type { Images, NestedImage, PixelSource, RawImages, ShapedImages } from "./images.ts";
export type { ImageReader } from "./preparation.ts";
export { readAhead } from "./readAhead.ts";
export { resizeBytes } from "./resizeBytes.ts";
export type { DeviceOptions } from "./device.ts";
export type { EpochResult, FitOptions, History, Progress, StepMoment, StopSignal } from "./fit.ts";
export type { Labels } from "./input.ts";
export type { Metrics, TrainingStep } from "./metrics.ts";
export type { Gradients, NotFinite, Targets } from "./training.ts";
export type { NetworkStats } from "./session.ts";
export type { ProgramName } from "./programs.ts";
export type { TensorAccess } from "./tensors.ts";
export type { Notes } from "./weights.ts";
export { drawInitial, normal, randomStream, shuffledOrder, uniform } from "./random.ts";
export type { RandomStream } from "./random.ts";
export { parseSafetensors, writeSafetensors } from "./safetensors.ts";
export type { Dtype, StoredTensor, TensorEntry, TensorFile } from "./safetensors.ts";
export { unpackKernels } from "./unpackTexts.ts";
export type * from "./plan.ts";
