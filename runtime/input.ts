import { describeValue } from "./describeValue.ts";
import { NetworkError } from "./errors.ts";
import type { NetworkPlan } from "./plan.ts";
import { sizeOf } from "./shapes.ts";

/** Class indices, one an image. */
export type Labels = Uint8Array | Uint16Array | Uint32Array | Int32Array | readonly number[];

/** Numbers of one image: channels x height x width. */
export function imageSize(plan: NetworkPlan): number {
  return sizeOf(plan.inputShape);
}

/** Numbers of one sample's output: the classes of a classifier. */
export function outputSize(plan: NetworkPlan): number {
  return sizeOf(plan.outputShape);
}

/** Labels of `count` images as the GPU takes them. */
export function checkLabels(plan: NetworkPlan, labels: unknown, count: number): Uint32Array<ArrayBuffer> {
  const classes = outputSize(plan);
  const isList =
    Array.isArray(labels) ||
    (ArrayBuffer.isView(labels) && /^(Uint(8|8Clamped|16|32)|Int(8|16|32))Array$/.test(labels.constructor.name));
  if (!isList) refuse(`labels must be whole numbers, one an image (a Uint8Array, say), found ${describeValue(labels)}`);
  const list = labels as ArrayLike<unknown>;
  if (list.length !== count) refuse(`there are ${count} images and ${list.length} labels`);
  const checked = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const label = list[i];
    if (typeof label !== "number" || !Number.isInteger(label) || label < 0 || label >= classes) {
      refuse(`label ${i} is ${String(label)}; a class of ${plan.name} is a whole number from 0 to ${classes - 1}`);
    }
    checked[i] = label;
  }
  return checked;
}

/** Gradients of the output, for a network compiled with a dot product in place of a loss. */
export function checkCotangent(plan: NetworkPlan, cotangent: unknown, count: number): Float32Array<ArrayBuffer> {
  const size = outputSize(plan);
  if (!(cotangent instanceof Float32Array) || cotangent.length !== count * size) {
    refuse(`the cotangent must be a Float32Array of ${count} x ${size} values, found ${describeValue(cotangent)}`);
  }
  return cotangent as Float32Array<ArrayBuffer>;
}

/** The most images of one step: the compiled batch, times the micro-batches whose gradients are accumulated. */
export function stepSize(plan: NetworkPlan): number {
  return plan.batch * (plan.training?.accumulate ?? 1);
}

/** A step takes from 1 image to `most`, the compiled batch unless gradients are accumulated. */
export function checkCount(plan: NetworkPlan, count: number, most = plan.batch): void {
  if (count < 1) refuse("there are no images");
  if (count > most) refuse(`${count} images are more than ${batchText(plan, most)}`);
}

/** What a count of images was measured by, in words. */
export function batchText(plan: NetworkPlan, most: number): string {
  const micros = most === plan.batch ? "" : ` times the ${most / plan.batch} that accumulate`;
  return `the batch of ${plan.batch}${micros} that ${plan.name} was compiled for`;
}

export function refuse(message: string): never {
  throw new NetworkError("input", message);
}

/** Throws: a program is asked for before it is compiled. */
export function refuseUnprepared(program: string): never {
  refuse(`${program} is not compiled yet: \`await network.prepare("${program}")\` first`);
}
