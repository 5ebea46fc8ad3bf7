/**
 * One process of the bench: opens one entry on one workload, takes one cold step, one that is not counted, and then timed ones,
 * and writes what it saw to a file. Arguments: one JSON object.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { watchGpu } from "./watchGpu.mjs";

const { root, folder, entry, module, steps, seconds, result } = JSON.parse(process.argv[2]);
const { openAdapter } = await import(pathToFileURL(join(root, "dist/compiler/node/index.js")).href);
const network = JSON.parse(readFileSync(join(folder, "network.json"), "utf8"));
/** A file's bytes in a buffer of their own: small files share one. */
const read = (name) => Uint8Array.from(readFileSync(join(folder, name))).buffer;

const { gpu, description } = await openAdapter();
// Every library asks for its device as it does in a browser.
Object.defineProperty(globalThis, "navigator", { value: { gpu, userAgent: "Node" }, configurable: true });
const watch = watchGpu();

const clock = () => ({ wall: performance.now(), cpu: process.cpuUsage() });
const since = (begin) => {
  const { user, system } = process.cpuUsage(begin.cpu);
  return { wallSeconds: (performance.now() - begin.wall) / 1000, cpuSeconds: (user + system) / 1e6 };
};

const begun = clock();
const library = await (await import(pathToFileURL(module).href)).load({ folder, entry });
const { wallSeconds: loadSeconds } = since(begun);

const weights = new Float32Array(read("weights.bin"));
const images = new Float32Array(read("images.bin"));
const labels = new Uint32Array(read("labels.bin"));
const imageSize = network.inputShape.reduce((product, size) => product * size, 1);
const batches = Array.from({ length: labels.length / network.batch }, (_, i) => ({
  images: images.slice(i * network.batch * imageSize, (i + 1) * network.batch * imageSize),
  labels: labels.slice(i * network.batch, (i + 1) * network.batch),
}));

const coldBegin = clock();
const trained = await library.create({
  gpu,
  network,
  values: (offset, shape) => weights.slice(offset, offset + shape.reduce((product, size) => product * size, 1)),
});
for (const batch of trained.prepare === undefined ? [] : batches) batch.images = trained.prepare(batch.images);

const losses = [];
let taken = 0;
/** A step as an app takes it, then (uncounted) the wait until the GPU is through with it. */
async function step(begin) {
  const before = watch.snapshot();
  let pending = trained.step(batches[taken++ % batches.length]);
  // Only a step that has to wait for something returns a promise.
  if (typeof pending.then === "function") pending = await pending;
  const after = watch.snapshot();
  await watch.drain();
  const time = since(begin);
  losses.push(await pending.loss);
  const counts = ["dispatches", "submits", "hostWaits", "createdBytes"];
  return { ...time, ...Object.fromEntries(counts.map((name) => [name, after[name] - before[name]])) };
}

const { wallSeconds, cpuSeconds } = await step(coldBegin);
await step(clock());
const samples = [];
const deadline = performance.now() + seconds * 1000;
while (samples.length < steps && (samples.length < 2 || performance.now() < deadline))
  samples.push(await step(clock()));

const report = {
  loadSeconds,
  cold: { wallSeconds, cpuSeconds },
  steps: samples,
  peakBytes: watch.snapshot().peakBytes,
  losses: losses.slice(0, 4),
  adapter: description,
};
writeFileSync(result, JSON.stringify(report));
// Libraries keep timers and devices open.
process.exit(0);
