/** The format "cnn-conformance/1": one recorded computation and the numbers it must give. */
import { existsSync } from "node:fs";
import { readBytes, readText } from "../files/readText.ts";
import { UserError } from "../files/userError.ts";
import { readSafetensors, type StoredTensor } from "./readSafetensors.ts";
import type { FilledTensor } from "./fillTensor.ts";

export type CaseKind = "op" | "block" | "network" | "training" | "data" | "fill";

export interface CaseParameter extends FilledTensor {
  readonly role: "weight" | "bias" | "gamma" | "beta" | "running_mean" | "running_var";
  readonly layer: string;
}

export type CaseLoss =
  | { readonly kind: "dot"; readonly cotangent: FilledTensor }
  | {
      readonly kind: "cross_entropy";
      readonly label_smoothing: number;
      readonly weights?: Readonly<Record<string, number>>;
    }
  | { readonly kind: "nll" };

export type CaseOptimizer =
  | {
      readonly kind: "sgd";
      readonly lr: number;
      readonly momentum: number;
      readonly weight_decay: number;
      readonly nesterov: boolean;
    }
  | {
      readonly kind: "adam";
      readonly lr: number;
      readonly betas: readonly [number, number];
      readonly eps: number;
      readonly weight_decay: number;
    };

/** What a tensor must be: stored in full under a key, or statistics with 32 samples. */
export type Expected =
  | { readonly tensor: string; readonly shape: readonly number[] }
  | {
      readonly shape: readonly number[];
      readonly l2: number;
      readonly sum: number;
      readonly max_abs: number;
      readonly rms: number;
      readonly samples: readonly (readonly [number, number])[];
    };

export type ExpectedTensors = Readonly<Record<string, Expected>>;

export interface CaseImages {
  readonly split: "train" | "test";
  readonly resize: readonly [number, number] | null;
  readonly normalize: { readonly mean: number; readonly std: number } | null;
}

export interface CaseExpectations {
  readonly outputs?: ExpectedTensors;
  readonly loss?: number;
  readonly loss_scale?: number;
  readonly grads?: ExpectedTensors;
  readonly grad_floor?: number;
  readonly input_grads?: ExpectedTensors;
  readonly buffers_after?: ExpectedTensors;
  readonly losses?: readonly number[];
  readonly params_after?: ExpectedTensors;
  readonly eval_logits?: ExpectedTensors;
  readonly eval?: { readonly loss: number; readonly correct: number; readonly min_margin?: number };
}

interface CaseBase {
  readonly name: string;
  readonly summary: string;
  readonly measure: "max" | "rms";
  readonly tolerance: Readonly<Record<string, number>>;
  readonly expect: CaseExpectations;
  /** The expected tensors that are stored in full, by key. */
  readonly stored: ReadonlyMap<string, StoredTensor>;
}

interface ModelCase extends CaseBase {
  readonly mode: "train" | "eval";
  readonly architecture: readonly string[];
  readonly params: readonly CaseParameter[];
  readonly num_params: number;
  readonly loss: CaseLoss;
}

export interface ComputationCase extends ModelCase {
  readonly kind: "op" | "block" | "network";
  readonly inputs: readonly FilledTensor[];
  readonly labels?: readonly number[];
}

export interface TrainingCase extends ModelCase {
  readonly kind: "training";
  readonly optimizer: CaseOptimizer;
  readonly schedule?: { readonly kind: "step"; readonly step_size: number; readonly gamma: number };
  readonly data: CaseImages & { readonly batches: readonly (readonly [number, number])[] };
  readonly evaluation?: { readonly split: "train" | "test"; readonly start: number; readonly end: number };
}

export interface DataCase extends CaseBase {
  readonly kind: "data";
  readonly data: CaseImages & { readonly start: number; readonly end: number };
  readonly labels: readonly number[];
}

export interface FillCase extends Pick<CaseBase, "name" | "stored"> {
  readonly kind: "fill";
  readonly tensors: readonly FilledTensor[];
  readonly labels: { readonly classes: number; readonly values: readonly number[] };
}

/** The cases that have expectations with tolerances. */
export type MeasuredCase = ComputationCase | TrainingCase | DataCase;
export type ConformanceCase = ComputationCase | TrainingCase | DataCase | FillCase;

/** Reads a case and the tensors beside it; throws `UserError` where a file is missing or is not such a case. */
export function readCase(path: string): ConformanceCase {
  const text = readText(path);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${path} is not JSON: ${(error as Error).message}`);
  }
  const format = (parsed as { readonly format?: unknown } | null)?.format;
  if (format !== "cnn-conformance/1") {
    throw new UserError(
      `${path} is no conformance case: its "format" is ${JSON.stringify(format)}, expected "cnn-conformance/1"`,
    );
  }
  const fields = parsed as Omit<ConformanceCase, "stored"> & { readonly kind: unknown };
  if (!isCaseKind(fields.kind)) throw new UserError(`${path}: unknown kind ${JSON.stringify(fields.kind)}`);
  const missing = requiredFields[fields.kind].filter((field) => !(field in fields));
  if (missing.length > 0)
    throw new UserError(
      `${path}: a case of kind ${fields.kind} needs ${missing.map((field) => `"${field}"`).join(", ")}`,
    );
  const tensorPath = path.replace(/\.json$/, "") + ".safetensors";
  const stored = existsSync(tensorPath)
    ? readSafetensors(readBytes(tensorPath), tensorPath)
    : new Map<string, StoredTensor>();
  return { ...fields, stored } as ConformanceCase;
}

const modelFields = ["name", "mode", "architecture", "params", "loss", "expect", "measure", "tolerance"];
const requiredFields: Readonly<Record<CaseKind, readonly string[]>> = {
  op: [...modelFields, "inputs"],
  block: [...modelFields, "inputs"],
  network: [...modelFields, "inputs"],
  training: [...modelFields, "data", "optimizer"],
  data: ["name", "data", "labels", "expect", "measure", "tolerance"],
  fill: ["name", "tensors", "labels"],
};

function isCaseKind(kind: unknown): kind is CaseKind {
  return typeof kind === "string" && Object.hasOwn(requiredFields, kind);
}
