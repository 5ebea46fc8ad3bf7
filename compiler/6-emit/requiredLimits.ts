import type { BufferPlan } from "../../runtime/plan.ts";

/** maxStorageBufferBindingSize and maxBufferSize of every adapter. */
export const defaultBindingBytes = 128 * 1024 * 1024;
export const defaultBufferBytes = 256 * 1024 * 1024;

/** What of the WebGPU defaults the buffers exceed. */
export function requiredLimits(buffers: readonly BufferPlan[]): Readonly<Record<string, number>> {
  const largest = buffers.reduce((size, buffer) => Math.max(size, buffer.size), 0);
  return {
    ...(largest > defaultBindingBytes && { maxStorageBufferBindingSize: largest }),
    ...(largest > defaultBufferBytes && { maxBufferSize: largest }),
  };
}
