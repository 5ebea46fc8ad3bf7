/**
 * The adapter of the bench, wherever it runs: navigator.gpu in browsers and Deno; in Node Dawn, as cnnc/node opens it. Every library
 * then asks navigator.gpu for its device, as it does on a page.
 */

/** `openNodeAdapter` is `openAdapter` of cnnc/node, in Node alone. Throws where there is no adapter, and says what to do. */
export async function openGpu(openNodeAdapter) {
  if (openNodeAdapter !== undefined) {
    const { gpu, adapter, description, software } = await openNodeAdapter();
    Object.defineProperty(globalThis, "navigator", { value: { gpu, userAgent: "Node" }, configurable: true });
    return { gpu, adapter, description, software };
  }
  const { gpu } = globalThis.navigator;
  if (gpu === undefined) {
    throw new Error(
      globalThis.isSecureContext === false
        ? "WebGPU is for secure pages only: open this page by https, or on localhost"
        : "this browser has no WebGPU here: Chrome and Edge 113, Safari 26 and Firefox 141 have it on most systems",
    );
  }
  askForTheFastAdapter();
  const adapter = await gpu.requestAdapter();
  if (!adapter) {
    throw new Error(
      "Deno" in globalThis
        ? "Deno finds no WebGPU adapter: install a graphics driver (Vulkan on Linux)"
        : "WebGPU finds no adapter: update the graphics driver, or look whether the browser blocks this GPU (chrome://gpu)",
    );
  }
  return { gpu, adapter, ...describeAdapter(adapter.info) };
}

/** Where a machine has two GPUs, every library gets the same one. */
function askForTheFastAdapter() {
  const original = globalThis.GPU.prototype.requestAdapter;
  globalThis.GPU.prototype.requestAdapter = function (options) {
    return original.call(this, { ...options, powerPreference: "high-performance" });
  };
}

/** An adapter in words, and whether it computes on the CPU; browsers leave some of the names empty, Deno gives numbers for some. */
export function describeAdapter(info) {
  const names = [info.vendor, info.architecture, info.device, info.description].map((name) =>
    String(name ?? "").trim(),
  );
  const told = [...new Set(names.filter((name) => name !== "" && !/^\d+$/.test(name)))].join(" ");
  const software = info.isFallbackAdapter === true || /swiftshader|llvmpipe|lavapipe|basic render/i.test(told);
  return { description: `${told || "unnamed adapter"} (${software ? "software" : "hardware"})`, software };
}
