import { NetworkError } from "./errors.ts";
import type { NetworkPlan } from "./plan.ts";
import { uniformSize } from "./programs.ts";

/** WebGPU's usage bits; its named constants are absent where nothing defines WebGPU's globals. */
const usage = { mapRead: 1, copySource: 4, copyTarget: 8, uniform: 64, storage: 128 } as const;

/** What the GPU holds for a network. */
export interface MemoryStats {
  /** Bytes of all buffers now, those for reading back included. */
  readonly bytes: number;
  readonly peakBytes: number;
  /** Buffers made since the network was created. */
  readonly buffersCreated: number;
}

/** The buffers of a plan, each made once, and those that results are read back with. */
export interface Buffers {
  readonly uniforms: GPUBuffer;
  /** The plan's buffer of that index, made if it is not there yet. */
  get(index: number): GPUBuffer;
  write(index: number, offset: number, data: ArrayBufferView<ArrayBuffer>): void;
  /** Adds a copy of the whole buffer to one kept for that. */
  copyAside(encoder: GPUCommandEncoder, index: number): void;
  /** Adds the copy back. */
  copyBack(encoder: GPUCommandEncoder, index: number): void;
  /** A mappable buffer that copies can be written to. */
  createStaging(size: number): GPUBuffer;
  /** Frees a buffer of `createStaging`. */
  discard(buffer: GPUBuffer): void;
  stats(): MemoryStats;
  destroy(): void;
}

/** The rows that `runs` stand for: see `BufferPlan`. */
function tableOf(runs: readonly number[], sizeBytes: number): Uint32Array<ArrayBuffer> {
  const table = new Uint32Array(sizeBytes / 4);
  let at = 0;
  for (let run = 0; run < runs.length; run += 4) {
    const [rows = 0, first = 0, stride = 0, parts = 0] = runs.slice(run, run + 4);
    for (let row = 0; row < rows; row++, at += 4) table.set([first + 16 * row, stride, parts], at);
  }
  return table;
}

export function createBuffers(plan: NetworkPlan, device: GPUDevice): Buffers {
  const made = new Map<number, GPUBuffer>();
  const live = new Set<GPUBuffer>();
  const aside = new Map<number, GPUBuffer>();
  let [bytes, peakBytes, buffersCreated] = [0, 0, 0];

  const create = (label: string, size: number, bits: number): GPUBuffer => {
    if (size > device.limits.maxBufferSize) {
      throw new NetworkError(
        "device",
        `buffer ${label} of ${size} bytes is larger than the device allows (maxBufferSize ${device.limits.maxBufferSize})`,
      );
    }
    const buffer = device.createBuffer({ label, size, usage: bits });
    live.add(buffer);
    buffersCreated++;
    bytes += size;
    peakBytes = Math.max(peakBytes, bytes);
    return buffer;
  };
  const get = (index: number): GPUBuffer => {
    const existing = made.get(index);
    if (existing !== undefined) return existing;
    const spec = plan.buffers[index];
    if (spec === undefined) throw new NetworkError("plan", `${plan.name} has no buffer ${index}`);
    const buffer = create(spec.name, spec.size, usage.storage | usage.copySource | usage.copyTarget);
    if (spec.contents !== undefined) device.queue.writeBuffer(buffer, 0, new Uint32Array(spec.contents));
    if (spec.runs !== undefined) device.queue.writeBuffer(buffer, 0, tableOf(spec.runs, spec.size));
    made.set(index, buffer);
    return buffer;
  };

  return {
    uniforms: create("uniforms", uniformSize(plan), usage.uniform | usage.copyTarget),
    get,
    write(index, offset, data) {
      device.queue.writeBuffer(get(index), offset, data);
    },
    copyAside(encoder, index) {
      const from = get(index);
      const to = aside.get(index) ?? create(`${from.label} aside`, from.size, usage.copySource | usage.copyTarget);
      aside.set(index, to);
      encoder.copyBufferToBuffer(from, 0, to, 0, from.size);
    },
    copyBack(encoder, index) {
      const [from, to] = [aside.get(index), get(index)];
      if (from !== undefined) encoder.copyBufferToBuffer(from, 0, to, 0, to.size);
    },
    createStaging: (size) => create("staging", size, usage.mapRead | usage.copyTarget),
    discard(buffer) {
      // Destroying the network has freed it already.
      if (!live.delete(buffer)) return;
      bytes -= buffer.size;
      buffer.destroy();
    },
    stats: () => ({ bytes, peakBytes, buffersCreated }),
    destroy() {
      for (const buffer of live) buffer.destroy();
      live.clear();
      bytes = 0;
    },
  };
}
