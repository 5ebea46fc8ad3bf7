/** The functions of expressions as WGSL text, and folded when their arguments are known. */
import type { Comparison, ScalarExpr } from "../ir/expression.ts";

export const comparisonText: Readonly<Record<Comparison, string>> = {
  lt: "<",
  le: "<=",
  gt: ">",
  ge: ">=",
  eq: "==",
  ne: "!=",
};

/**
 * Between two conditions that must hold, each in parentheses or a name. `&&` would be a branch around its second operand: SwiftShader
 * compiled a max pool's gradient with 48 of them for minutes, in all the memory there was, and with this in 0.3 s.
 */
export const both = " & ";

export function compareNumbers(fn: Comparison, left: number, right: number): boolean {
  switch (fn) {
    case "lt":
      return left < right;
    case "le":
      return left <= right;
    case "gt":
      return left > right;
    case "ge":
      return left >= right;
    case "eq":
      return left === right;
    case "ne":
      return left !== right;
  }
}

export function foldBinary(fn: "add" | "sub" | "mul" | "div" | "max" | "min", left: number, right: number): number {
  switch (fn) {
    case "add":
      return left + right;
    case "sub":
      return left - right;
    case "mul":
      return left * right;
    case "div":
      return left / right;
    case "max":
      return Math.max(left, right);
    case "min":
      return Math.min(left, right);
  }
}

/** A function of one number as WGSL; the helper functions that it calls are added to `helpers`. */
export function unaryText(
  fn: Extract<ScalarExpr, { kind: "unary" }>["fn"],
  of: string,
  helpers: Map<string, string>,
): string {
  switch (fn) {
    case "neg":
      return `(-${of})`;
    case "sigmoid":
      // exp is kept finite: WGSL may assume that infinities do not occur.
      return `1.0 / (1.0 + exp(min(-${of}, 88.0)))`;
    case "inverseSqrt":
      return `inverseSqrt(${of})`;
    case "log1p":
      return `log(1.0 + ${of})`;
    case "tanh":
      return `tanh(clamp(${of}, -15.0, 15.0))`;
    case "erf":
      helpers.set("erf", erfFunction);
      return `erf(${of})`;
    default:
      return `${fn}(${of})`;
  }
}

/** A byte of words that hold four each, the first in the lowest bits, as a number. */
export function byteText(words: string, index: string): string {
  return `f32(extractBits(${words}[${index} / 4], u32(${index} % 4) * 8u, 8u))`;
}

/** Abramowitz and Stegun 7.1.26: error below 1.5e-7. */
const erfFunction = `fn erf(x: f32) -> f32 {
  let a = abs(x);
  let t = 1.0 / (1.0 + 0.3275911 * a);
  let y = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return sign(x) * (1.0 - y * exp(-min(a * a, 80.0)));
}`;

/** PCG (Jarzynski and Olano 2020, "Hash Functions for GPU Rendering"), keyed by seed, step and stream. */
export const drawFunction = `fn pcg(input: u32) -> u32 {
  let state = input * 747796405u + 2891336453u;
  let word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
  return (word >> 22u) ^ word;
}

fn draw(stream: u32, counter: u32) -> f32 {
  let bits = pcg(counter + pcg(stream + pcg(step.step + pcg(step.seed))));
  return f32(bits >> 8u) * 5.9604644775390625e-8;
}`;
