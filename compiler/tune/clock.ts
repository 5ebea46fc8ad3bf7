/**
 * How long the device works on something. On a software adapter the process's own CPU time: it is all the work there is, and other
 * programs on the machine hardly change it. On hardware the GPU's own clock where the adapter has it ("timestamp-query"), else the
 * time from the submit until the work is done.
 */

/** Microseconds that encoded work takes on the device. */
export interface DeviceClock {
  /** What passes are timed by, and what other work is, in words. */
  readonly name: string;
  readonly workName: string;
  /** Runs one compute pass by itself. */
  timePass(encode: (pass: GPUComputePassEncoder) => void): Promise<number>;
  /** Times whatever a function gives the device. */
  timeWork(work: () => Promise<unknown>): Promise<number>;
  destroy(): void;
}

/** WebGPU's usage bits. */
const usage = { mapRead: 1, copySource: 4, copyTarget: 8, queryResolve: 512 } as const;

/** GPUMapMode.READ. */
const mapForReading = 1;

export function createClock(device: GPUDevice, software: boolean): DeviceClock {
  const { queue } = device;
  const done = (): Promise<undefined> => queue.onSubmittedWorkDone();
  const submitPass = (
    encode: (pass: GPUComputePassEncoder) => void,
    timestampWrites?: GPUComputePassTimestampWrites,
    after?: (encoder: GPUCommandEncoder) => void,
  ): void => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass(timestampWrites === undefined ? {} : { timestampWrites });
    encode(pass);
    pass.end();
    after?.(encoder);
    queue.submit([encoder.finish()]);
  };
  const timeWork = async (work: () => Promise<unknown>): Promise<number> => {
    await done();
    const cpu = process.cpuUsage();
    const wall = performance.now();
    await work();
    await done();
    const { user, system } = process.cpuUsage(cpu);
    return software ? user + system : (performance.now() - wall) * 1000;
  };
  const workName = software ? "CPU time" : "wall time";
  if (software || !device.features.has("timestamp-query")) {
    return {
      name: workName,
      workName,
      timeWork,
      timePass: (encode) =>
        timeWork(() => {
          submitPass(encode);
          return Promise.resolve();
        }),
      destroy: () => undefined,
    };
  }
  const querySet = device.createQuerySet({ type: "timestamp", count: 2 });
  const resolved = device.createBuffer({ size: 16, usage: usage.queryResolve | usage.copySource });
  const mapped = device.createBuffer({ size: 16, usage: usage.mapRead | usage.copyTarget });
  return {
    name: "GPU time",
    workName,
    timeWork,
    timePass: async (encode) => {
      await done();
      submitPass(encode, { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 }, (encoder) => {
        encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
        encoder.copyBufferToBuffer(resolved, 0, mapped, 0, 16);
      });
      await mapped.mapAsync(mapForReading);
      const [begin = 0n, end = 0n] = new BigUint64Array(mapped.getMappedRange());
      mapped.unmap();
      return Number(end - begin) / 1000;
    },
    destroy() {
      querySet.destroy();
      resolved.destroy();
      mapped.destroy();
    },
  };
}
