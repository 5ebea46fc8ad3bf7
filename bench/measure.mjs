/**
 * One process of the bench, in Node or in Deno: takes the steps of one entry on one workload, and writes what it saw to a file.
 * Arguments: one JSON object.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { cpuSeconds, openProcessGpu } from "./inProcess.mjs";
import { takeSteps } from "./takeSteps.mjs";
import { watchGpu } from "./watchGpu.mjs";

const { root, folder, entry, module, program, steps, seconds, result } = JSON.parse(process.argv[2]);
const network = JSON.parse(readFileSync(join(folder, "network.json"), "utf8"));
/** A file's bytes in a buffer of their own: small files share one. */
const read = (name) => Uint8Array.from(readFileSync(join(folder, name))).buffer;
const address = (path) => pathToFileURL(path).href;

const { gpu, description } = await openProcessGpu(root);
const report = await takeSteps({
  load: async () => (await import(address(module))).load({ generated: address(join(folder, entry, network.module)) }),
  network,
  data: {
    weights: new Float32Array(read("weights.bin")),
    images: new Float32Array(read("images.bin")),
    labels: new Uint32Array(read("labels.bin")),
  },
  program,
  watch: watchGpu(),
  gpu,
  steps,
  seconds,
  cpuSeconds,
});
writeFileSync(result, JSON.stringify({ ...report, adapter: description }));
// Libraries keep timers and devices open.
process.exit(0);
