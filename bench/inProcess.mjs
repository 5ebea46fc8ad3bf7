/** What the bench's processes need of Node or Deno. */
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { openGpu } from "./openGpu.mjs";

/** Dawn in Node; what Deno brings in Deno. */
export async function openProcessGpu(root) {
  if ("Deno" in globalThis) return openGpu();
  const { openAdapter } = await import(pathToFileURL(join(root, "dist/compiler/node/index.js")).href);
  return openGpu(openAdapter);
}

/** CPU seconds of this process so far, in all of its threads, the driver's included. */
export function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
