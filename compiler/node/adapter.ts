import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { findSwiftShaderArchive, useSwiftShader } from "./swiftshader.ts";

/**
 * Which adapter to open. `auto`: a hardware one, else SwiftShader, else the system's own software adapter (Mesa's
 * lavapipe, say). `system`: the system's first one, whatever it is. `swiftshader`: SwiftShader even beside a GPU.
 */
export type AdapterChoice = "auto" | "system" | "swiftshader";

export interface AdapterOptions {
  /** Default: the environment's CNNC_ADAPTER, else `auto`. */
  readonly choice?: AdapterChoice;
  /** Dawn's options in the form `name=value`, such as `enable-dawn-features=allow_unsafe_apis`. */
  readonly dawnOptions?: readonly string[];
}

export interface OpenedAdapter {
  readonly gpu: GPU;
  readonly adapter: GPUAdapter;
  /** The adapter in words, such as `SwiftShader (software, from @sparticuz/chromium)`. */
  readonly description: string;
  readonly software: boolean;
}

export interface OpenedDevice extends OpenedAdapter {
  readonly device: GPUDevice;
}

export interface DeviceOptions extends AdapterOptions {
  /** Default: what the adapter has of the features that a tuned network may use, and the largest buffers that it allows. */
  readonly descriptor?: GPUDeviceDescriptor;
  /** Features that the device must have: a plan's `requiredFeatures`. */
  readonly requiredFeatures?: readonly string[] | undefined;
}

/** What `cnnc tune` may find faster where an adapter has it: a device without it runs a tuned module as the cost model has it. */
const usefulFeatures: readonly GPUFeatureName[] = ["subgroups"];

/** What the package `webgpu` exports. */
interface Dawn {
  create(options: string[]): GPU;
  readonly globals: Readonly<Record<string, unknown>>;
}

/** No WebGPU adapter could be opened; the message says how to get one. */
export class NoAdapterError extends Error {
  override readonly name = "NoAdapterError";
}

/** Opens a WebGPU adapter in Node, and defines WebGPU's global names (`GPUBufferUsage` …) where they are missing. */
export async function openAdapter(options: AdapterOptions = {}): Promise<OpenedAdapter> {
  const choice = options.choice ?? choiceFromEnvironment();
  const dawn = await loadDawn();
  for (const [name, value] of Object.entries(dawn.globals)) {
    if (!(name in globalThis)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }

  const system = choice === "swiftshader" ? undefined : await requestAdapter(dawn, "system", options);
  if (system && (choice === "system" || !system.software || isSwiftShader(system.adapter.info))) return system;
  const archive = choice === "system" ? undefined : findSwiftShaderArchive();
  if (archive) {
    await useSwiftShader(archive);
    const opened = await requestAdapter(dawn, "swiftshader", options);
    if (opened) return opened;
  }
  if (system) return system;
  throw new NoAdapterError(explainAbsence(choice, archive !== undefined));
}

/** Opens a WebGPU device in Node. Destroy it when done, so that its memory goes back at once. */
export async function openDevice(options: DeviceOptions = {}): Promise<OpenedDevice> {
  const { requiredFeatures = [] } = options;
  const opened = await openAdapter(options);
  refuseMissing(requiredFeatures, opened);
  const { limits } = opened.adapter;
  const descriptor: GPUDeviceDescriptor = options.descriptor ?? {
    requiredFeatures: usefulFeatures.filter((name) => opened.adapter.features.has(name)),
    requiredLimits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    },
  };
  const features = [...(descriptor.requiredFeatures ?? []), ...(requiredFeatures as readonly GPUFeatureName[])];
  const device = await opened.adapter.requestDevice({ ...descriptor, requiredFeatures: features });
  return { ...opened, device };
}

/** Throws `NoAdapterError` where the adapter that would be opened lacks a feature; opens none where none is asked for. */
export async function checkFeatures(requiredFeatures: readonly string[] = []): Promise<void> {
  if (requiredFeatures.length > 0) refuseMissing(requiredFeatures, await openAdapter());
}

function refuseMissing(requiredFeatures: readonly string[], { adapter, description }: OpenedAdapter): void {
  const missing = requiredFeatures.find((name) => !adapter.features.has(name));
  if (missing === undefined) return;
  const without = missing === "shader-f16" ? "remove `precision f16` from the recipe, or " : "";
  throw new NoAdapterError(
    `the network needs the feature ${missing}, which this adapter lacks (${description}): ${without}use another adapter`,
  );
}

function choiceFromEnvironment(): AdapterChoice {
  const value = process.env["CNNC_ADAPTER"] || "auto";
  if (value === "auto" || value === "system" || value === "swiftshader") return value;
  throw new NoAdapterError(`CNNC_ADAPTER is \`${value}\`; it can be auto, system or swiftshader`);
}

/** One Dawn instance per driver and set of options: it must outlive its devices, and each costs memory and threads. */
const instances = new Map<string, GPU>();

async function requestAdapter(
  dawn: Dawn,
  driver: "system" | "swiftshader",
  options: AdapterOptions,
): Promise<OpenedAdapter | undefined> {
  const dawnOptions = [...(options.dawnOptions ?? [])];
  const key = JSON.stringify([driver, ...dawnOptions]);
  const gpu = instances.get(key) ?? dawn.create(dawnOptions);
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return undefined;
  instances.set(key, gpu);
  const software = isSoftware(adapter.info);
  return { gpu, adapter, software, description: describe(adapter.info, software) };
}

function isSwiftShader(info: GPUAdapterInfo): boolean {
  return /swiftshader/i.test(`${info.architecture} ${info.device} ${info.description}`);
}

function isSoftware(info: GPUAdapterInfo): boolean {
  const words = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`;
  return info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test(words);
}

function describe(info: GPUAdapterInfo, software: boolean): string {
  if (isSwiftShader(info)) return "SwiftShader (software, no GPU used)";
  const name = info.device || info.description || info.architecture || info.vendor || "unnamed adapter";
  const driver = info.description && info.description !== name ? `, ${info.description}` : "";
  return `${name} (${software ? "software" : "hardware"}${driver})`;
}

/** Loads the optional package `webgpu`, beside this package or in the project that the command was called in. */
async function loadDawn(): Promise<Dawn> {
  try {
    return (await import("webgpu")) as unknown as Dawn;
  } catch (error) {
    if (!isMissing(error)) throw new NoAdapterError("the package `webgpu` does not load", { cause: error });
  }
  try {
    const entry = createRequire(join(process.cwd(), "package.json")).resolve("webgpu");
    return (await import(pathToFileURL(entry).href)) as Dawn;
  } catch (error) {
    if (!isMissing(error)) throw new NoAdapterError("the package `webgpu` does not load", { cause: error });
    throw new NoAdapterError("WebGPU in Node needs the package `webgpu`: run `npm install webgpu`");
  }
}

function isMissing(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND";
}

function explainAbsence(choice: AdapterChoice, triedSwiftShader: boolean): string {
  if (choice === "system") return "the system offers no WebGPU adapter: install a GPU driver (Vulkan on Linux)";
  const absent = choice === "auto" ? "no GPU was found, and " : "";
  if (triedSwiftShader)
    return `${absent}SwiftShader did not start; in a worker thread, open an adapter in the main thread first`;
  if (process.platform === "linux" && process.arch === "x64") {
    return `${absent}SwiftShader is not installed: run \`npm install @sparticuz/chromium\` for a software adapter`;
  }
  return `${absent}SwiftShader can be had on Linux x64 only: install a GPU driver`;
}
