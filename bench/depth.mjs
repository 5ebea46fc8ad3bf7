/**
 * `node bench/depth.mjs [DEPTH ...]`: what depth costs. For ResNets on 3x64x64, batch 4: seconds of `cnnc compile` (a process), kernels,
 * dispatches of a training step, and the cold start: from a network's creation to its first training step done, in a fresh process
 * on the adapter that the tests use. Prints a table in markdown.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { root, run } from "../.ci/setup.mjs";
import { cpuSeconds, openProcessGpu } from "./inProcess.mjs";

const [only, folder] = process.argv.slice(2);
if (only === "--cold") await measureColdStart(folder);
else measureDepths(process.argv.slice(2));

function measureDepths(asked) {
  if (!run(process.execPath, [join(root, ".ci/setup.mjs")]) || !run(process.execPath, [join(root, ".ci/build.mjs")])) {
    process.exit(1);
  }
  const depths = asked.length > 0 ? asked.map(Number) : [18, 34, 50, 101, 152];
  console.log("| depth | compile, s | kernels | dispatches | cold start, s | its CPU, s |");
  console.log("| ----- | ---------- | ------- | ---------- | ------------- | ---------- |");
  for (const depth of depths) {
    const out = join(root, "out/bench/depth", String(depth));
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out, { recursive: true });
    const spec = ["specs/resnet.cnn", "--set", `depth=${depth}`, "--set", "size=64", "--batch", "4"];
    const began = performance.now();
    runNode([join(root, "compiler/bin.mjs"), "compile", ...spec, "--emit", "js", "--out", out]);
    const seconds = (performance.now() - began) / 1000;
    const cold = JSON.parse(runNode([fileURLToPath(import.meta.url), "--cold", out]));
    const cells = [depth, seconds.toFixed(1), cold.kernels, cold.dispatches, cold.wall.toFixed(1), cold.cpu.toFixed(1)];
    console.log(`| ${cells.join(" | ")} |`);
  }
}

/** What a program of Node's writes to its output; its mistakes end this one. */
function runNode(args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", cwd: root });
  if (status === 0) return stdout;
  console.error(stderr || stdout);
  process.exit(1);
}

async function measureColdStart(out) {
  const { gpu } = await openProcessGpu(root);
  const file = readdirSync(out).find((name) => name.endsWith(".js") && !name.startsWith("cnnc-"));
  const module = await import(pathToFileURL(join(out, file)).href);
  const create = Object.entries(module).find(([name]) => name.startsWith("create"))[1];
  const [wall, cpu] = [performance.now(), cpuSeconds()];
  const network = await create({ gpu, programs: ["training"] });
  const { batch, inputShape, training } = network.plan;
  const size = inputShape.reduce((product, each) => product * each, batch);
  const images = Float32Array.from({ length: size }, (_, i) => Math.sin(i));
  await network.trainStep(images, new Uint32Array(batch)).metrics();
  const used = new Set([...training.dispatches, ...training.update].map(({ kernel }) => kernel));
  const dispatches = training.dispatches.length + training.update.length;
  const seconds = (performance.now() - wall) / 1000;
  console.log(JSON.stringify({ kernels: used.size, dispatches, wall: seconds, cpu: cpuSeconds() - cpu }));
  process.exit(0);
}
