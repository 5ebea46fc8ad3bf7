/**
 * Counts what any library asks of WebGPU, by wrapping the methods of WebGPU's own classes. Call it before the library opens its
 * device. Works on the classes of a browser and on Dawn's in Node alike.
 */
export function watchGpu() {
  const totals = { dispatches: 0, submits: 0, createdBytes: 0, liveBytes: 0, peakBytes: 0 };
  const sizes = new WeakMap();
  const devices = [];
  /** Resolved and unresolved waits; a wait that ends while a step is under way held that step up. */
  const waits = { ended: 0 };

  const wrap = (owner, name, around) => {
    const original = owner.prototype[name];
    owner.prototype[name] = function (...args) {
      return around(this, (...given) => original.apply(this, given), args);
    };
    return original;
  };
  const countWait = (_self, original, args) => {
    const waited = original(...args);
    waited.then(
      () => waits.ended++,
      () => undefined,
    );
    return waited;
  };
  const dispatch = (_self, original, args) => {
    totals.dispatches++;
    return original(...args);
  };

  wrap(globalThis.GPUAdapter, "requestDevice", async (_self, original, args) => {
    const device = await original(...args);
    devices.push(device);
    return device;
  });
  wrap(globalThis.GPUComputePassEncoder, "dispatchWorkgroups", dispatch);
  wrap(globalThis.GPUComputePassEncoder, "dispatchWorkgroupsIndirect", dispatch);
  wrap(globalThis.GPUBuffer, "mapAsync", countWait);
  const submittedWorkDone = wrap(globalThis.GPUQueue, "onSubmittedWorkDone", countWait);
  wrap(globalThis.GPUQueue, "submit", (_self, original, args) => {
    totals.submits++;
    return original(...args);
  });
  wrap(globalThis.GPUDevice, "createBuffer", (_self, original, args) => {
    const buffer = original(...args);
    sizes.set(buffer, buffer.size);
    totals.createdBytes += buffer.size;
    totals.liveBytes += buffer.size;
    totals.peakBytes = Math.max(totals.peakBytes, totals.liveBytes);
    return buffer;
  });
  wrap(globalThis.GPUBuffer, "destroy", (self, original, args) => {
    totals.liveBytes -= sizes.get(self) ?? 0;
    sizes.delete(self);
    return original(...args);
  });

  return {
    devices,
    snapshot: () => ({ ...totals, hostWaits: waits.ended }),
    /** Waits until every device is idle, without counting. */
    drain: () => Promise.all(devices.map((device) => submittedWorkDone.call(device.queue))),
  };
}
