/**
 * The kernels between a micro-batch's backward pass and the update, where a recipe accumulates gradients or clips them by
 * their norm. All sums have a fixed order, and the host waits for none of them:
 *
 *   gather    gathered = the gradient of the first micro-batch, then gathered + gradient
 *   squares   squares[group] = sum of gathered^2 over the group's elements
 *   clip      scale = min(1, clip_norm / (norm + 1e-6)) / micro-batches, norm = sqrt(sum of squares) / micro-batches
 */
import { kernelText, updateWorkgroup } from "./emitUpdate.ts";
import type { UpdateSizes } from "./emitUpdate.ts";
import { uniformBlock } from "./uniforms.ts";
import type { UniformWord } from "./uniforms.ts";
import { groupIndex, workgroupsPerDimension } from "./wgslWriter.ts";

/** Vectors of four whose squares one invocation adds. */
const vectorsPerInvocation = 16;
const vectorsPerGroup = vectorsPerInvocation * updateWorkgroup;

/** Workgroups that square a slot of so many elements. */
export function squaresGroups(elements: number): number {
  return Math.ceil(elements / 4 / vectorsPerGroup);
}

/** Adds the gradients of one slot to those of the micro-batches before. Bindings: the sums, gradients, table. */
export function emitGatherKernel(sizes: UpdateSizes, uniforms: readonly UniformWord[]): string {
  const gathered = `@group(0) @binding(1) var<storage, read_write> gathered: array<vec4f, ${sizes.parameterElements / 4}>;`;
  const body = ["gathered[item] = select(gathered[item] + gradient, gradient, step.micro == 0u);"];
  return kernelText([gathered], [], body, sizes, uniforms);
}

/** Adds the squares of one slot, workgroup by workgroup. Bindings: the squares of all slots, the gathered gradients. */
export function emitSquaresKernel(elements: number, firstGroup: number, groupCount: number): string {
  const vectors = elements / 4;
  const groups = squaresGroups(elements);
  const group = groupIndex(groups);
  return [
    `@group(0) @binding(1) var<storage, read_write> squares: array<f32, ${groupCount}>;`,
    `@group(0) @binding(2) var<storage, read> gathered: array<vec4f, ${vectors}>;`,
    "",
    `var<workgroup> sums: array<f32, ${updateWorkgroup}>;`,
    "",
    `@compute @workgroup_size(${updateWorkgroup})`,
    "fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {",
    `  let index = ${group};`,
    "  var sum = 0.0;",
    `  for (var i = 0u; i < ${vectorsPerInvocation}u; i++) {`,
    `    let item = index * ${vectorsPerGroup}u + i * ${updateWorkgroup}u + lane;`,
    `    if (item < ${vectors}u) {`,
    "      let value = gathered[item];",
    "      sum += dot(value, value);",
    "    }",
    "  }",
    ...treeSum,
    ...(groups > workgroupsPerDimension ? [`  if (lane == 0u && index < ${groups}u) {`] : ["  if (lane == 0u) {"]),
    `    squares[${firstGroup}u + index] = sums[0];`,
    "  }",
    "}",
    "",
  ].join("\n");
}

/** What gradients are multiplied by. Bindings: it, the squares of all slots. */
export function emitClipKernel(groupCount: number, uniforms: readonly UniformWord[]): string {
  return [
    uniformBlock(uniforms),
    "@group(0) @binding(1) var<storage, read_write> scale: array<f32, 4>;",
    `@group(0) @binding(2) var<storage, read> squares: array<f32, ${groupCount}>;`,
    "",
    `var<workgroup> sums: array<f32, ${updateWorkgroup}>;`,
    "",
    `@compute @workgroup_size(${updateWorkgroup})`,
    "fn main(@builtin(local_invocation_index) lane: u32) {",
    "  var sum = 0.0;",
    `  for (var i = lane; i < ${groupCount}u; i += ${updateWorkgroup}u) {`,
    "    sum += squares[i];",
    "  }",
    ...treeSum,
    "  if (lane == 0u) {",
    "    // The mean over the micro-batches is clipped, as PyTorch clips what `(loss / n).backward()` has added up.",
    "    let micros = f32(step.micro + 1u);",
    "    let norm = sqrt(sums[0]) / micros;",
    "    scale[0] = min(1.0, step.clip_norm / (norm + 1e-6)) / micros;",
    "  }",
    "}",
    "",
  ].join("\n");
}

/** Adds the lanes' `sum` up to `sums[0]`, always in the same order. */
const treeSum: readonly string[] = [
  "  sums[lane] = sum;",
  "  workgroupBarrier();",
  `  for (var half = ${updateWorkgroup / 2}u; half > 0u; half /= 2u) {`,
  "    if (lane < half) {",
  "      sums[lane] += sums[lane + half];",
  "    }",
  "    workgroupBarrier();",
  "  }",
];
