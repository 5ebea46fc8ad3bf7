import type { Buffers } from "./buffers.ts";
import type { WatchedDevice } from "./device.ts";

/** A range of one of the plan's buffers, in bytes: multiples of 4. */
export interface BufferRange {
  readonly buffer: number;
  readonly offset: number;
  readonly size: number;
}

/** Copies that a command encoder holds; `take` waits for them and gives each range's numbers. */
export interface Readback {
  take(): Promise<Float32Array<ArrayBuffer>[]>;
}

/**
 * Adds copies of ranges to the encoder. The caller submits, then takes. `capacity` makes the staging buffer at least that
 * large, so that requests of different sizes share it.
 */
export function copyOut(
  watched: WatchedDevice,
  buffers: Buffers,
  encoder: GPUCommandEncoder,
  ranges: readonly BufferRange[],
  capacity = 0,
): Readback {
  const parts = pack(ranges, watched.device.limits.maxBufferSize).map((part) => {
    const staging = buffers.acquireStaging(Math.max(part.size, capacity));
    let at = 0;
    for (const { buffer, offset, size } of part.ranges) {
      encoder.copyBufferToBuffer(buffers.get(buffer), offset, staging, at, size);
      at += size;
    }
    return { ...part, staging };
  });
  return {
    async take() {
      // Every map is requested before the first is awaited: the queue is never waited for twice.
      const maps = parts.map(async ({ staging, size, ranges: within }) => {
        await staging.mapAsync(1, 0, size);
        const bytes = staging.getMappedRange(0, size);
        let at = 0;
        const read = within.map((range) => {
          const values = new Float32Array(bytes.slice(at, at + range.size));
          at += range.size;
          return values;
        });
        staging.unmap();
        buffers.releaseStaging(staging);
        return read;
      });
      return (await watched.wait(Promise.all(maps))).flat();
    },
  };
}

/** Cuts a list of ranges in runs that each fit a staging buffer. */
function pack(ranges: readonly BufferRange[], limit: number): { size: number; ranges: BufferRange[] }[] {
  const parts: { size: number; ranges: BufferRange[] }[] = [];
  for (const range of ranges) {
    const last = parts.at(-1);
    if (last !== undefined && last.size + range.size <= limit) {
      last.ranges.push(range);
      last.size += range.size;
    } else parts.push({ size: range.size, ranges: [range] });
  }
  return parts;
}
