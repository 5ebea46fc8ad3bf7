/**
 * `npm run bench`: the same training step by each entry, each in processes of its own that take turns, on one adapter. Sets up
 * what it needs itself. README.md says what the figures mean.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { root, run } from "../.ci/setup.mjs";
import { entries, workloads } from "./workloads.mjs";

const bench = join(root, "bench");
const out = join(root, "out/bench");
const signals = ["SIGINT", "SIGTERM"];
const usage = `npm run bench [-- options]
  --workload NAMES   of ${workloads.join(", ")}; or all (default: lenet)
  --entry NAMES      of ${Object.keys(entries).join(", ")}; or all (default: cnnc,tfjs)
  --rounds N         processes of each entry, in turn (default: 2)
  --steps N          timed steps of each process, at most (default: 10)
  --seconds N        no new step after so many, once two are taken (default: 15)
  --json             the results as JSON, and nothing else, on the output`;

const { values: asked } = parseArgs({
  options: {
    workload: { type: "string", default: "lenet" },
    entry: { type: "string", default: "cnnc,tfjs" },
    rounds: { type: "string", default: "2" },
    steps: { type: "string", default: "10" },
    seconds: { type: "string", default: "15" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
// With --json the output belongs to the results; what is said on the way goes to the error output.
const say = asked.json ? console.error : console.log;
const stdio = asked.json ? ["ignore", 2, 2] : "inherit";

if (asked.help) {
  console.log(usage);
} else {
  const names = choose("workload", asked.workload, workloads);
  const chosen = choose("entry", asked.entry, Object.keys(entries));
  const counts = Object.fromEntries(["rounds", "steps", "seconds"].map((name) => [name, wholeNumber(name)]));
  if (!setUp() || (chosen.some((entry) => entries[entry].peer) && !installPeers())) process.exit(1);
  await main(names, chosen, counts);
}

function choose(option, text, known) {
  const wanted = text === "all" ? known : text.split(",").map((name) => name.trim());
  const strange = wanted.filter((name) => !known.includes(name));
  if (strange.length > 0) fail(`--${option} ${strange.join(", ")}: it can be all, or ${known.join(", ")}`);
  return wanted;
}

function wholeNumber(name) {
  const value = Number(asked[name]);
  if (!Number.isInteger(value) || value < 1) fail(`--${name} takes a whole number from 1, found ${asked[name]}`);
  return value;
}

function fail(message) {
  console.error(`${message}\n\n${usage}`);
  process.exit(2);
}

function setUp() {
  return run(process.execPath, [join(root, ".ci/setup.mjs")], { stdio });
}

/** Installs the peers into bench/node_modules, unless they are there as the lockfile has them. */
function installPeers() {
  const stampFile = join(bench, "node_modules/.cnnc-setup");
  const stamp = createHash("sha256")
    .update(readFileSync(join(bench, "package-lock.json")))
    .digest("hex");
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return true;
  say("== Installing what cnnc is compared with, into bench/node_modules");
  const install = () => run("npm", ["ci"], { cwd: bench, stdio });
  if (!install() && !install()) return false;
  writeFileSync(stampFile, stamp);
  return true;
}

async function main(names, chosen, { rounds, steps, seconds }) {
  const parts = await loadParts();
  await bundlePeers(chosen.filter((entry) => entries[entry].peer));
  const usable = chosen.filter((entry) => entries[entry].python === undefined || hasTorch());
  for (const entry of chosen) if (!usable.includes(entry)) say(`${entry} is passed by: ${findPython()} has no torch`);
  const results = [];
  let matmul = [];
  for (const name of names) {
    const folder = join(out, name);
    const network = await prepare(name, folder, parts);
    say(`\n== ${name}: ${network.name}, batch ${network.batch}, ${network.multiplyAdds} multiply-adds an image`);
    const runs = new Map(usable.map((entry) => [entry, []]));
    const failures = new Map();
    for (let round = 0; round < rounds; round++) {
      // The matrix product takes its turn in every round too, and what any round finds holds for the whole run.
      matmul = [...matmul, await inProcess("matmul", { root }, process.execPath, join(bench, "matmul.mjs"))];
      for (const entry of usable) {
        if (failures.has(entry)) continue;
        const began = performance.now();
        const { python, peer } = entries[entry];
        const program = python === undefined ? [process.execPath, "measure.mjs"] : [findPython(), python];
        try {
          const module = peer ? join(out, "entries", `${entry}.mjs`) : join(bench, entries[entry].module ?? "");
          const options = { root, folder, entry, module, steps, seconds };
          const report = await inProcess(entry, options, program[0], join(bench, program[1]));
          runs.get(entry).push(report);
          const took = ((performance.now() - began) / 1000).toFixed(0);
          const cpu = parts.median(report.steps.map((step) => step.cpuSeconds));
          say(
            `round ${round + 1}: ${entry}, ${report.steps.length} steps of ${cpu.toFixed(3)} CPU s; ${took} s in all`,
          );
        } catch (error) {
          failures.set(entry, error.message);
          say(`round ${round + 1}: ${entry} failed: ${error.message}`);
        }
      }
    }
    results.push({ workload: name, network, runs, failures });
  }

  const { software, adapter } = matmul[0];
  const report = {
    adapter,
    software,
    matmul: parts.fastest(matmul, software),
    bundles: await measureBundles(names[0]),
    workloads: results.map(({ workload, network, runs, failures }) => {
      const { batch, multiplyAdds } = network;
      const referenceLosses = [...runs.values()].flat()[0]?.losses ?? [];
      const context = { batch, multiplyAdds, software, rates: matmul, referenceLosses };
      const measured = [...runs].filter(([, entryRuns]) => entryRuns.length > 0);
      return {
        workload,
        batch,
        multiplyAdds,
        rows: measured.map(([entry, entryRuns]) => parts.summarizeRuns(entry, entryRuns, context)),
        failures: Object.fromEntries(failures),
      };
    }),
  };
  write(join(out, "results.json"), `${JSON.stringify(report, null, 2)}\n`);
  if (asked.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else print(report, parts);
  if (results.some(({ failures }) => failures.size > 0)) process.exitCode = 1;
}

/** The typed parts, which Node runs only after esbuild. */
async function loadParts() {
  const { build } = await import("esbuild");
  const modules = ["statistics", "table", "describeNetwork"];
  await build({
    entryPoints: modules.map((name) => join(bench, `${name}.ts`)),
    outdir: join(out, "parts"),
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    logLevel: "warning",
  });
  const loaded = await Promise.all(modules.map((name) => load(join(out, "parts", `${name}.mjs`))));
  return Object.assign({}, ...loaded);
}

async function bundlePeers(peers) {
  const { build } = await import("esbuild");
  await build({
    entryPoints: Object.fromEntries(peers.map((entry) => [entry, join(bench, entries[entry].module)])),
    outdir: join(out, "entries"),
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    mainFields: ["module", "main"],
    // tfjs asks for Node's own modules by `require`.
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    logLevel: "error",
  });
}

/** Writes what the entries of a workload share: the network, its first weights, the data, and cnnc's modules. */
async function prepare(name, folder, { describeNetwork }) {
  const [{ compile }, { summarizeGraph }, { emitModule }, { readRuntimeBundle }, runtime] = await Promise.all(
    ["compiler/compile", "compiler/commands/summarize", "compiler/6-emit/emitModule", "compiler/node/runtimeBundle"]
      .map((path) => load(join(root, "dist", `${path}.js`)))
      .concat(load(join(root, "dist/runtime/index.js"))),
  );
  rmSync(folder, { recursive: true, force: true });
  const path = join("bench/specs", `${name}.cnn`);
  const readSource = (file) => (existsSync(join(root, file)) ? readFileSync(join(root, file), "utf8") : undefined);
  const compileSpec = (options) => {
    const { network, diagnostics } = compile(
      { path, text: readSource(path) },
      { recipe: "bench", readSource, ...options },
    );
    if (network === undefined) throw new Error(`${path}: ${diagnostics.map(({ message }) => message).join("; ")}`);
    return network;
  };
  const compiled = compileSpec({});
  const modules = { cnnc: compiled, "cnnc-unfused": compileSpec({ fuse: false }) };
  for (const [entry, network] of Object.entries(modules)) {
    const files = [...(await emitModule(network, { language: "js", fileName: name })), ...readRuntimeBundle()];
    for (const file of files) write(join(folder, entry, file.path), file.text);
  }

  const { plan } = compiled;
  const described = describeNetwork(compiled, summarizeGraph(compiled.graph, compiled.settings).multiplyAdds);
  write(join(folder, "network.json"), JSON.stringify(described));
  const tensors = new Map([...plan.parameters, ...plan.states].map((tensor) => [tensor.name, tensor]));
  const values = [...described.parameters, ...described.states].map(({ name: tensor, shape }) => {
    const chunk = new Float32Array(shape.reduce((product, size) => product * size, 1));
    runtime.drawInitial(tensors.get(tensor).initial, runtime.randomStream(plan.seed, tensor), chunk, 0);
    return chunk;
  });
  write(join(folder, "weights.bin"), Buffer.concat(values.map(({ buffer }) => Buffer.from(buffer))));

  const batches = 4;
  const imageSize = plan.inputShape.reduce((product, size) => product * size, 1);
  const images = new Float32Array(batches * plan.batch * imageSize);
  runtime.drawInitial({ kind: "normal", mean: 0, std: 1 }, runtime.randomStream(0, "bench images"), images, 0);
  const stream = runtime.randomStream(0, "bench labels");
  const labels = Uint32Array.from({ length: batches * plan.batch }, (_, i) => stream(i) % described.classes);
  write(join(folder, "images.bin"), Buffer.from(images.buffer));
  write(join(folder, "labels.bin"), Buffer.from(labels.buffer));
  return described;
}

/** Runs one program to its end; what it wrote to its result file. */
function inProcess(name, options, program, script) {
  const result = join(out, `result-${process.pid}.json`);
  const log = [];
  return new Promise((resolve, reject) => {
    const child = spawn(program, [script, JSON.stringify({ ...options, result })], { cwd: root });
    // Whoever ends the bench ends what it measures.
    const stop = (signal) => {
      child.kill(signal);
      process.exit(1);
    };
    for (const signal of signals) process.once(signal, stop);
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => log.push(text));
    child.on("error", reject);
    child.on("close", (code) => {
      for (const signal of signals) process.off(signal, stop);
      if (code === 0 && existsSync(result)) {
        const report = JSON.parse(readFileSync(result, "utf8"));
        rmSync(result);
        resolve(report);
      } else {
        const lines = Buffer.concat(log).toString().trim().split("\n");
        write(join(out, `${basename(script)}-${name}.log`), lines.join("\n"));
        const told = lines.find((line) => /^\w*Error: /.test(line)) ?? lines.at(-1);
        reject(new Error(`${told || `ended with ${code}`} (all of it in out/bench/${basename(script)}-${name}.log)`));
      }
    });
  });
}

/** The system's own Python first: that is where a distribution's PyTorch is. */
function findPython() {
  return existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
}

function hasTorch() {
  return spawnSync(findPython(), ["-c", "import torch"]).status === 0;
}

async function measureBundles(workload) {
  const { measureBundles: measure } = await load(join(bench, "bundleSize.mjs"));
  return measure({ benchFolder: bench, modulePath: join(out, workload, "cnnc", `${workload}.js`), outFolder: out });
}

function print({ adapter, software, matmul, bundles, workloads: measured }, { renderRows, renderTable }) {
  const rate = software ? matmul.cpuRate : matmul.wallRate;
  console.log(`\nadapter: ${adapter}`);
  console.log(
    `best matrix product: ${(rate / 1e9).toFixed(3)} G multiply-adds a ${software ? "CPU " : ""}second (${matmul.variant})`,
  );
  for (const { workload, batch, rows, failures } of measured) {
    console.log(`\n${workload}, training step, batch ${batch}`);
    if (rows.length > 0) console.log(renderRows(rows, software));
    for (const [entry, message] of Object.entries(failures)) console.log(`${entry} failed: ${message}`);
  }
  const kilobytes = (bytes) => (bytes === undefined ? "-" : `${(bytes / 1000).toFixed(1)} kB`);
  const cells = bundles.map(({ entry, bytes, recorded, holds }) => [
    entry,
    kilobytes(bytes),
    kilobytes(recorded),
    holds,
  ]);
  console.log(`\n${renderTable([["bundle, min + gzip", "measured", "recorded", "of"], ...cells])}`);
}

function write(path, contents) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, contents);
}

function load(path) {
  return import(pathToFileURL(path).href);
}
