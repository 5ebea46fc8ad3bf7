/** How numbers lie in a binding: f32 as they are, f16 multiplied by a power of two. Kernels compute with f32 alone. */
import type { TensorType } from "../ir/graph.ts";
import { floatLiteral } from "./wgslWriter.ts";

export interface StoredAs {
  readonly dtype: TensorType["dtype"];
  /** What an f16 has been multiplied by. */
  readonly scale: number;
}

export function storedAs({ dtype, scale = 1 }: Pick<TensorType, "dtype" | "scale">): StoredAs {
  return { dtype, scale };
}

/** An element of a binding, or a vector of four, as the numbers that it stands for. */
export function loadedText(element: string, { dtype, scale }: StoredAs, as: "f32" | "vec4f"): string {
  if (dtype === "f32") return element;
  return scale === 1 ? `${as}(${element})` : `(${as}(${element}) * ${floatLiteral(1 / scale)})`;
}

/** A number as it is stored. */
export function storedText(value: string, { dtype, scale }: StoredAs): string {
  if (dtype !== "f16") return value;
  return scale === 1 ? `half(${value})` : `half(${value} * ${floatLiteral(scale)})`;
}

/** The type of four neighbouring elements. */
export function vectorType({ dtype }: StoredAs): string {
  return dtype === "f16" ? "vec4h" : "vec4f";
}

/** Numbers beyond f16's range become its largest, so that one of them does not end a run; those that are not finite stay so. */
export const halfFunction = `fn half(x: f32) -> f16 {
  let is_finite = (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
  return f16(select(x, clamp(x, -65504.0, 65504.0), is_finite));
}`;
