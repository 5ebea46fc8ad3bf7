/**
 * `npm run test:memory [-- MINUTES]`: `cnnc train` for 20 minutes with all that it does on the way (images changed at random, an evaluation
 * after each epoch, checkpoints), its memory sampled thirty times: that of the process, which on a software adapter holds the GPU's
 * too; of its objects, after a collection; and the bytes of GPU buffers that exist. Exit code 1 where one of them grows.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "../../.ci/setup.mjs";

const minutes = Number(process.argv[2] ?? 20);
if (!(minutes > 0)) throw new Error(`${process.argv[2]} is no number of minutes`);
const samples = 30;
/** A process's memory goes up and down with the collector; between its second quarter and its last it may grow by so much. */
const mostGrowth = 1.05;

const folder = mkdtempSync(join(tmpdir(), "cnnc memory "));
const [spec, log, out] = ["memory.cnn", "memory.jsonl", "run"].map((name) => join(folder, name));
writeFileSync(
  spec,
  `import ${JSON.stringify(join(root, "specs/residual_net.cnn"))}

train ResidualNet as memory {
  data       fashion_mnist {
    normalize(mean: 0.2860, std: 0.3530)
    augment { random_crop(28, padding: 2) random_flip }
  }
  optimizer  adam(lr: 0.001)
  batch      64
  epochs     100000
}
`,
);
const child = spawn(
  process.execPath,
  [
    ...["--expose-gc", "--import", pathToFileURL(join(root, "tests/large/sampleMemory.mjs")).href],
    ...[join(root, "compiler/bin.mjs"), "train", spec, "--recipe", "memory", "--out", out, "--json"],
    ...["--data", join(root, "specs/data/fashion-mnist"), "--checkpoint-every", "20"],
  ],
  {
    env: { ...process.env, CNNC_MEMORY_FILE: log, CNNC_MEMORY_SECONDS: String((minutes * 60) / samples) },
    stdio: ["ignore", "pipe", "inherit"],
  },
);
let [steps, epochs, rest, said] = [0, 0, "", ""];
child.stdout.on("data", (text) => {
  const lines = `${rest}${text}`.split("\n");
  rest = lines.pop();
  said = `${said}${text}`.slice(-2000);
  for (const line of lines) {
    if (line.includes('"kind":"step"')) steps++;
    if (line.includes('"kind":"epoch"')) epochs++;
  }
});
const timer = setTimeout(() => child.kill("SIGINT"), minutes * 60_000 + 2000);
const code = await new Promise((resolve) => child.on("close", resolve));
clearTimeout(timer);
try {
  // Ctrl-C ends a run with this code.
  if (code !== 130) throw new Error(`the training ended with exit code ${code} before its time:\n${said}`);
  const taken = readFileSync(log, "utf8").trim().split("\n").map(JSON.parse); // prettier-ignore
  const megabytes = (bytes) => (bytes / 2 ** 20).toFixed(1);
  for (const { minutes: at, rss, heapUsed, liveBytes } of taken) {
    console.log(`${at.toFixed(1)} min: process ${megabytes(rss)} MB (objects in use ${megabytes(heapUsed)}), GPU buffers ${megabytes(liveBytes)} MB`); // prettier-ignore
  }
  const quarter = Math.floor(taken.length / 4);
  const [second, last] = [taken.slice(quarter, 2 * quarter), taken.slice(-quarter)];
  const greatest = (some, key) => Math.max(...some.map((sample) => sample[key]));
  console.log(`${steps} steps in ${epochs} epochs`);
  for (const [key, name, most] of [
    ["rss", "process", mostGrowth],
    ["heapUsed", "objects in use", mostGrowth],
    ["liveBytes", "GPU buffers", 1],
  ]) {
    const [before, after] = [greatest(second, key), greatest(last, key)];
    console.log(`${name}: at most ${megabytes(before)} MB in the second quarter, ${megabytes(after)} MB in the last`);
    if (after > before * most) throw new Error(`${name}: memory grew`);
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
