/**
 * A GPUDevice that computes nothing: it implements what the runtime calls, counts the bytes of every buffer, and holds the
 * runtime to what WebGPU asks of buffers (ranges, usage, nothing submitted that is mapped or destroyed).
 */
export interface CountingDevice {
  readonly device: GPUDevice;
  readonly liveBytes: () => number;
  readonly peakBytes: () => number;
  /** Since the device was made, destroyed buffers included. */
  readonly createdBytes: () => number;
  /** What was done wrong, a line each. */
  readonly problems: readonly string[];
}

/** The limits that every adapter offers. */
const defaultLimits = {
  maxBufferSize: 256 * 2 ** 20,
  maxStorageBufferBindingSize: 128 * 2 ** 20,
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupsPerDimension: 65_535,
};

interface CountedBuffer {
  readonly label: string;
  readonly size: number;
  readonly usage: number;
  state: "free" | "mapping" | "mapped" | "destroyed";
  mapAsync(mode: number, offset: number, size: number): Promise<void>;
  getMappedRange(offset: number, size: number): ArrayBuffer;
  unmap(): void;
  destroy(): void;
}

interface Binding {
  readonly buffer: CountedBuffer;
  readonly offset?: number;
  readonly size?: number;
}

const usageBits = { mapRead: 1, copySource: 4, copyTarget: 8, uniform: 64, storage: 128 } as const;

export function createCountingDevice(limits: Readonly<Record<string, number>> = {}): CountingDevice {
  const allowed = { ...defaultLimits, ...limits };
  const problems: string[] = [];
  let [live, peak, created] = [0, 0, 0];
  const need = (holds: boolean, problem: string): void => {
    if (!holds) problems.push(problem);
  };
  const needUsage = (buffer: CountedBuffer, usage: keyof typeof usageBits): void => {
    need((buffer.usage & usageBits[usage]) !== 0, `${buffer.label} lacks the usage ${usage}`);
  };
  const needRange = (buffer: CountedBuffer, offset: number, size: number, what: string): void => {
    const inside = offset >= 0 && size >= 0 && offset + size <= buffer.size;
    need(inside && offset % 4 === 0 && size % 4 === 0, `${what} of ${offset} + ${size} in ${buffer.label} of ${buffer.size} bytes`); // prettier-ignore
    need(buffer.state !== "destroyed", `${what} of ${buffer.label}, which was destroyed`);
  };

  const createBuffer = ({ label, size, usage }: GPUBufferDescriptor): CountedBuffer => {
    need(size > 0 && size <= allowed.maxBufferSize, `buffer ${label} of ${size} bytes`);
    live += size;
    created += size;
    peak = Math.max(peak, live);
    const buffer: CountedBuffer = {
      label: label ?? "",
      size,
      usage,
      state: "free",
      async mapAsync(_mode, offset, bytes) {
        needUsage(buffer, "mapRead");
        needRange(buffer, offset, bytes, "map");
        need(buffer.state === "free", `${buffer.label} is mapped while it is ${buffer.state}`);
        buffer.state = "mapping";
        await new Promise((resolve) => setImmediate(resolve));
        if (buffer.state !== "mapping") throw new Error("the buffer was destroyed while it was being mapped");
        buffer.state = "mapped";
      },
      getMappedRange(_offset, bytes) {
        need(buffer.state === "mapped", `${buffer.label} is read while it is ${buffer.state}`);
        return new ArrayBuffer(bytes);
      },
      unmap() {
        if (buffer.state !== "destroyed") buffer.state = "free";
      },
      destroy() {
        if (buffer.state === "destroyed") return;
        buffer.state = "destroyed";
        live -= size;
      },
    };
    return buffer;
  };

  /** What commands use must be free when they are submitted. */
  const createCommandEncoder = () => {
    const used = new Set<CountedBuffer>();
    return {
      beginComputePass: () => ({
        setPipeline: () => undefined,
        setBindGroup(_index: number, group: readonly Binding[]) {
          for (const { buffer } of group) used.add(buffer);
        },
        dispatchWorkgroups(x: number, y = 1, z = 1) {
          const most = Math.max(x, y, z);
          need(most <= allowed.maxComputeWorkgroupsPerDimension, `${most} workgroups in one dimension`);
        },
        end: () => undefined,
      }),
      copyBufferToBuffer(from: CountedBuffer, at: number, to: CountedBuffer, toAt: number, size: number) {
        needUsage(from, "copySource");
        needUsage(to, "copyTarget");
        needRange(from, at, size, "copy");
        needRange(to, toAt, size, "copy");
        used.add(from).add(to);
      },
      finish: () => used,
    };
  };

  const device = {
    limits: allowed,
    lost: new Promise(() => undefined),
    queue: {
      writeBuffer(buffer: CountedBuffer, offset: number, data: ArrayBufferView) {
        needUsage(buffer, "copyTarget");
        needRange(buffer, offset, data.byteLength, "write");
        need(buffer.state === "free", `${buffer.label} is written while it is ${buffer.state}`);
      },
      submit(commands: readonly ReadonlySet<CountedBuffer>[]) {
        for (const buffer of commands.flatMap((each) => [...each])) {
          need(buffer.state === "free", `${buffer.label} is submitted while it is ${buffer.state}`);
        }
      },
    },
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
    pushErrorScope: () => undefined,
    popErrorScope: () => Promise.resolve(null),
    createBuffer,
    createShaderModule: () => ({}),
    createBindGroupLayout: ({ entries }: { readonly entries: readonly GPUBindGroupLayoutEntry[] }) => entries,
    createPipelineLayout: () => ({}),
    createComputePipelineAsync: () => Promise.resolve({}),
    createBindGroup({ layout, entries }: { layout: readonly GPUBindGroupLayoutEntry[]; entries: readonly { resource: Binding }[] }) {
      need(entries.length === layout.length, `${entries.length} bindings for a layout of ${layout.length}`);
      need(entries.length - 1 <= allowed.maxStorageBuffersPerShaderStage, `${entries.length - 1} storage buffers`);
      return entries.map(({ resource }, index) => {
        const { buffer, offset = 0, size = buffer.size } = resource;
        const isUniform = layout[index]?.buffer?.type === "uniform";
        needUsage(buffer, isUniform ? "uniform" : "storage");
        needRange(buffer, offset, size, "binding");
        need(offset % 256 === 0 && size > 0, `binding of ${buffer.label} at ${offset}, ${size} bytes`);
        need(size <= allowed.maxStorageBufferBindingSize, `binding of ${size} bytes of ${buffer.label}`);
        return resource;
      });
    },
    createCommandEncoder,
    destroy: () => undefined,
  }; // prettier-ignore
  return {
    device: device as unknown as GPUDevice,
    liveBytes: () => live,
    peakBytes: () => peak,
    createdBytes: () => created,
    problems,
  };
}

/** Counts the bytes of buffers that are made on a device from now on; what was counted ends with the device. */
export function countBuffers(device: GPUDevice): Omit<CountingDevice, "problems"> {
  let [live, peak, created] = [0, 0, 0];
  const original = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = original(descriptor);
    const { size } = buffer;
    live += size;
    created += size;
    peak = Math.max(peak, live);
    const destroy = buffer.destroy.bind(buffer);
    let isLive = true;
    buffer.destroy = () => {
      if (isLive) live -= size;
      isLive = false;
      return destroy();
    };
    return buffer;
  };
  return { device, liveBytes: () => live, peakBytes: () => peak, createdBytes: () => created };
}
