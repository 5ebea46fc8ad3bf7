import { messageOf } from "./describeValue.ts";
import { NetworkError } from "./errors.ts";
import type { NetworkPlan } from "./plan.ts";
import { planFor } from "./tunedPlan.ts";

/** Where a network runs: on a given device, or on one that it asks `gpu` (default: `navigator.gpu`) for. */
export interface DeviceOptions {
  readonly device?: GPUDevice;
  readonly gpu?: GPU;
  readonly powerPreference?: GPUPowerPreference;
}

/** A device with the first thing that went wrong on it. */
export interface WatchedDevice {
  readonly device: GPUDevice;
  /** The plan as this device runs it. */
  readonly plan: NetworkPlan;
  /** Throws when the device has failed or was released. */
  check(): void;
  /** Waits for GPU work; a failure of the device takes the place of the error that it leads to. */
  wait<T>(work: Promise<T>): Promise<T>;
  /** Stops watching; destroys the device if it was asked for here. */
  release(): void;
}

/** Opens or takes over a device that offers what the plan needs. */
export async function openDevice(given: NetworkPlan, options: DeviceOptions): Promise<WatchedDevice> {
  const { device } = options;
  if (device !== undefined) {
    const plan = planFor(given, device, device.adapterInfo);
    checkOffer(plan, device, "the given device");
    return watch(plan, device, false);
  }
  const gpu = options.gpu ?? (globalThis as { readonly navigator?: { readonly gpu?: GPU } }).navigator?.gpu;
  if (gpu === undefined) {
    throw new NetworkError(
      "device",
      'there is no WebGPU here (navigator.gpu is missing); in Node, pass a device: `openDevice` of "cnnc/node" gives one',
    );
  }
  const { powerPreference = "high-performance" } = options;
  const adapter = await gpu.requestAdapter({ powerPreference });
  if (adapter === null)
    throw new NetworkError("device", "no WebGPU adapter was found: WebGPU is off, or there is no GPU");
  const plan = planFor(given, adapter, adapter.info);
  checkOffer(plan, adapter, "the adapter");
  // What a plan requires has a descriptor's own names.
  return watch(plan, await adapter.requestDevice(plan as unknown as GPUDeviceDescriptor), true);
}

function checkOffer(plan: NetworkPlan, { limits, features }: GPUDevice | GPUAdapter, whose: string): void {
  for (const name of plan.requiredFeatures ?? []) {
    if (!features.has(name)) {
      const help = name === "shader-f16" ? "; leave out `precision f16`, or use another" : "";
      throw new NetworkError("device", `${plan.name} needs ${name}, and ${whose} offers none${help}`);
    }
  }
  const offered = limits as unknown as Readonly<Record<string, number | undefined>>;
  for (const [name, needed] of Object.entries(plan.requiredLimits)) {
    if ((offered[name] ?? 0) < needed) {
      throw new NetworkError(
        "device",
        `${plan.name} needs ${name} of ${needed}, and ${whose} offers ${offered[name] ?? "none"}`,
      );
    }
  }
}

function watch(plan: NetworkPlan, device: GPUDevice, owned: boolean): WatchedDevice {
  let failure: NetworkError | undefined;
  let released = false;
  const fail = (message: string): void => {
    failure ??= new NetworkError("device", message);
  };
  const onError = (event: GPUUncapturedErrorEvent): void => {
    fail(`the GPU reported an error: ${event.error.message}`);
  };
  device.addEventListener("uncapturederror", onError);
  void device.lost.then(({ reason, message }) => {
    if (!released) fail(`the GPU device was lost (${reason}): ${message || "no reason given"}`);
  });
  const check = (): void => {
    if (released) throw new NetworkError("destroyed", "the network was destroyed; create another one");
    if (failure !== undefined) throw failure;
  };
  return {
    device,
    plan,
    check,
    async wait(work) {
      try {
        const value = await work;
        // Work that failed validation ends like any other: what it left behind must not pass for a result.
        check();
        return value;
      } catch (error) {
        // A lost device rejects what waits on it before, or just after, it says that it is lost.
        if (failure === undefined && !released)
          await Promise.race([device.lost, Promise.resolve().then(() => undefined)]);
        check();
        if (error instanceof NetworkError) throw error;
        throw new NetworkError("device", `waiting for the GPU failed: ${messageOf(error)}`, { cause: error });
      }
    },
    release() {
      if (released) return;
      released = true;
      device.removeEventListener("uncapturederror", onError);
      if (owned) device.destroy();
    },
  };
}
