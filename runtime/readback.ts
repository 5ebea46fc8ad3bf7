import type { Buffers } from "./buffers.ts";
import type { WatchedDevice } from "./device.ts";
import { segmentsOf } from "./places.ts";
import type { PlacePlan } from "./plan.ts";
import type { ReadbackSpec } from "./programs.ts";

/** A tensor in the plan's buffers, or its first `size` bytes: a multiple of 4. */
export interface BufferRange extends PlacePlan {
  readonly size: number;
}

/** Copies that a command encoder holds; `take`, called once they are submitted, waits for them and gives each range's numbers. */
export interface Readback {
  take(): Promise<Float32Array<ArrayBuffer>[]>;
}

/** A mappable buffer in use; whoever has it releases it. */
export interface Staging {
  readonly buffer: GPUBuffer;
  release(): void;
}

/** Mappable buffers that are made once and used in turn, so that reading back allocates nothing. */
export interface StagingPool {
  /** One that is free now. */
  take(): Staging | undefined;
  /** The next one that is free; who asks first gets it first. Then `use` runs at once; if it throws, nobody keeps the buffer. */
  wait<T>(use: (staging: Staging) => T): Promise<T>;
}

export function createStagingPool(buffers: Buffers, { count, sizeBytes }: ReadbackSpec): StagingPool {
  const idle = Array.from({ length: count }, () => buffers.createStaging(sizeBytes));
  const waiting: ((staging: Staging) => void)[] = [];
  const inUse = (buffer: GPUBuffer): Staging => ({
    buffer,
    release() {
      const next = waiting.shift();
      if (next === undefined) idle.push(buffer);
      else next(inUse(buffer));
    },
  });
  const take = (): Staging | undefined => {
    const buffer = idle.pop();
    return buffer && inUse(buffer);
  };
  const nextFree = (): Promise<Staging> => new Promise((resolve) => waiting.push(resolve));
  return {
    take,
    async wait(use) {
      const staging = take() ?? (await nextFree());
      try {
        return use(staging);
      } catch (error) {
        staging.release();
        throw error;
      }
    },
  };
}

/** A mappable buffer for one use, freed when it is released. */
export function oneStaging(buffers: Buffers, sizeBytes: number): Staging {
  const buffer = buffers.createStaging(sizeBytes);
  return {
    buffer,
    release() {
      buffers.discard(buffer);
    },
  };
}

/** Adds copies of ranges to the encoder, into a buffer that has room for them. The caller submits, then takes. */
export function copyInto(
  staging: Staging,
  watched: WatchedDevice,
  buffers: Buffers,
  encoder: GPUCommandEncoder,
  ranges: readonly BufferRange[],
): Readback {
  let size = 0;
  for (const range of ranges) {
    encoder.copyBufferToBuffer(buffers.get(range.buffer), range.offset, staging.buffer, size, range.size);
    size += range.size;
  }
  return { take: () => watched.wait(read(staging, size, ranges)) };
}

/** The same into buffers of their own, which are freed when they have been read. */
export function copyOut(
  watched: WatchedDevice,
  buffers: Buffers,
  encoder: GPUCommandEncoder,
  ranges: readonly BufferRange[],
): Readback {
  const segments = ranges.map((range) => segmentsOf(range, 0, range.size / 4));
  const parts = pack(segments.flat(), watched.device.limits.maxBufferSize).map((part) =>
    copyInto(oneStaging(buffers, part.size), watched, buffers, encoder, part.ranges),
  );
  return {
    async take() {
      // Every map is requested before the first is awaited: the queue is never waited for twice.
      const values = (await Promise.all(parts.map((part) => part.take()))).flat();
      return segments.map((of) => joined(values.splice(0, of.length)));
    },
  };
}

/** The segments of one tensor, one after another. */
export function joined(segments: readonly Float32Array<ArrayBuffer>[]): Float32Array<ArrayBuffer> {
  const [only] = segments;
  if (segments.length === 1 && only !== undefined) return only;
  const all = new Float32Array(segments.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const segment of segments) {
    all.set(segment, at);
    at += segment.length;
  }
  return all;
}

async function read(
  { buffer, release }: Staging,
  size: number,
  ranges: readonly BufferRange[],
): Promise<Float32Array<ArrayBuffer>[]> {
  try {
    await buffer.mapAsync(1, 0, size);
    const bytes = buffer.getMappedRange(0, size);
    let at = 0;
    const values = ranges.map((range) => {
      const own = new Float32Array(bytes.slice(at, at + range.size));
      at += range.size;
      return own;
    });
    buffer.unmap();
    return values;
  } finally {
    release();
  }
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
