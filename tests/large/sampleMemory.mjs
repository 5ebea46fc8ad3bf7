/** Loaded before the command line by memory.mjs: writes what the process and its GPU buffers hold, a line of JSON each time. */
import { appendFileSync } from "node:fs";
import { setInterval } from "node:timers";
import { globals } from "webgpu";
import { watchGpu } from "../../bench/watchGpu.mjs";

const { CNNC_MEMORY_FILE: file, CNNC_MEMORY_SECONDS: seconds } = process.env;
Object.assign(globalThis, globals);
const gpu = watchGpu();
const began = performance.now();
const sample = () => {
  const { rss } = process.memoryUsage();
  globalThis.gc();
  const { heapUsed } = process.memoryUsage();
  const { liveBytes } = gpu.snapshot();
  const minutes = (performance.now() - began) / 60_000;
  appendFileSync(file, `${JSON.stringify({ minutes, rss, heapUsed, liveBytes })}\n`);
};
setInterval(sample, Number(seconds) * 1000).unref();
