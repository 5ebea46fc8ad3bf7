/**
 * `npm run bench`: the same training step, or the same prediction, by each entry, each in processes of its own that take turns, on
 * one adapter. Sets up what it needs itself. README.md says what the figures mean.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { root, run } from "../.ci/setup.mjs";
import { bundleEntries, installPeers } from "./peers.mjs";
import { load, loadParts, out, prepare, write, writeData } from "./prepare.mjs";
import { entries, programs, tunedWays, workloads } from "./workloads.mjs";

const bench = join(root, "bench");
const signals = ["SIGINT", "SIGTERM"];
const usage = `npm run bench [-- options]
  --workload NAMES   of ${workloads.join(", ")}; or all (default: lenet)
  --entry NAMES      of ${Object.keys(entries).join(", ")}; or all (default: cnnc,tfjs)
  --program NAMES    of ${programs.join(", ")}; or all (default: training)
  --runtime NAME     node or deno: what the processes run in (default: node); Deno is found on the PATH, or by DENO=path
  --rounds N         processes of each entry, in turn (default: 2)
  --steps N          timed steps of each process, at most (default: 10)
  --seconds N        no new step after so many, once two are taken (default: 15)
  --tune SECONDS     first measure faster kernels for each workload, so long: cnnc-tuned's tables, bench/specs/NAME.tune.json
  --json             the results as JSON, and nothing else, on the output`;

const { values: asked } = parseArgs({
  options: {
    workload: { type: "string", default: "lenet" },
    entry: { type: "string", default: "cnnc,tfjs" },
    program: { type: "string", default: "training" },
    runtime: { type: "string", default: "node" },
    rounds: { type: "string", default: "2" },
    steps: { type: "string", default: "10" },
    seconds: { type: "string", default: "15" },
    tune: { type: "string" },
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
  const taken = choose("program", asked.program, programs);
  const runner = chooseRunner(asked.runtime);
  const counts = Object.fromEntries(["rounds", "steps", "seconds"].map((name) => [name, wholeNumber(name)]));
  const ready = run(process.execPath, [join(root, ".ci/setup.mjs")], { stdio });
  if (!ready || (chosen.some((entry) => entries[entry].peer) && !installPeers(stdio, say))) process.exit(1);
  if (asked.tune !== undefined) tune(names, wholeNumber("tune"));
  await main({ names, chosen, taken, runner, ...counts });
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

/** The command that runs a script of this folder, and what it calls itself. */
function chooseRunner(runtime) {
  if (runtime === "node") return { command: [process.execPath], name: `Node ${process.versions.node}` };
  if (runtime !== "deno") fail(`--runtime ${runtime}: it can be node or deno`);
  const deno = process.env.DENO || "deno";
  const { status, stdout } = spawnSync(deno, ["--version"], { encoding: "utf8" });
  if (status !== 0) fail(`--runtime deno: \`${deno}\` does not start; install Deno (deno.com), or name it: DENO=path`);
  const [, version = ""] = /^deno (\S+)/.exec(stdout) ?? [];
  return { command: [deno, "run", "-A", "--unstable-webgpu", "--no-config"], name: `Deno ${version}` };
}

/** `cnnc tune`, in Node, on the adapter that the bench measures on there. */
function tune(names, seconds) {
  for (const name of names) {
    const spec = join(bench, "specs", `${name}.cnn`);
    const options = ["--recipe", "bench", "--ways", tunedWays.join(","), "--budget", String(seconds), "--out", join(bench, "specs")]; // prettier-ignore
    if (!run(process.execPath, [join(root, "compiler/bin.mjs"), "tune", spec, ...options], { stdio })) process.exit(1);
  }
}

async function main({ names, chosen, taken, runner, rounds, steps, seconds }) {
  const parts = await loadParts();
  await bundleEntries(chosen.filter((entry) => entries[entry].peer), join(out, "entries"), "node"); // prettier-ignore
  const usable = chosen.filter((entry) => entries[entry].python === undefined || hasTorch());
  for (const entry of chosen) if (!usable.includes(entry)) say(`${entry} is passed by: ${findPython()} has no torch`);

  let rates = [];
  const measureMatmul = async () => {
    const found = await inProcess("matmul", { root }, runner.command, join(bench, "matmul.mjs"));
    rates = [...rates, ...found.rates];
    return found;
  };
  const { adapter, software } = await measureMatmul();
  say(`${runner.name}, adapter: ${adapter}`);

  const results = [];
  for (const name of names) {
    const folder = join(out, name);
    // What `cnnc compile --adapter` is for: kernels for few lanes or for many.
    const adapterClass = software ? "cpu" : "gpu";
    // The first describes the network to all entries, and is what the bundle is made of.
    const own = ["cnnc", ...chosen.filter((entry) => entries[entry].options !== undefined)];
    const variants = Object.fromEntries(own.map((entry) => [entry, { adapterClass, ...entries[entry].options }]));
    const network = await prepare(name, folder, variants, parts);
    await writeData(network, folder);
    say(`\n== ${name}: ${network.name}, batch ${network.batch}, ${network.multiplyAdds} multiply-adds an image`);
    const measured = taken.map((program) => ({ program, runs: new Map(usable.map((entry) => [entry, []])), failures: new Map() })); // prettier-ignore
    for (let round = 0; round < rounds; round++) {
      // The matrix product takes its turn in every round too, and what any round finds holds for the whole run.
      if (results.length + round > 0) await measureMatmul();
      for (const { program, runs, failures } of measured) {
        for (const entry of usable.filter((each) => !failures.has(each))) {
          const began = performance.now();
          const { python, peer } = entries[entry];
          const module = peer ? join(out, "entries", `${entry}.mjs`) : join(bench, entries[entry].module ?? "");
          const options = { root, folder, entry, module, program, steps, seconds };
          const words = python === undefined ? [runner.command, "measure.mjs"] : [[findPython()], python];
          const told = `round ${round + 1}: ${entry}, ${program}`;
          try {
            const report = await inProcess(`${entry}-${program}`, options, words[0], join(bench, words[1]));
            runs.get(entry).push(report);
            const took = ((performance.now() - began) / 1000).toFixed(0);
            const cpu = parts.median(report.steps.map((step) => step.cpuSeconds));
            say(`${told}: ${report.steps.length} steps of ${cpu.toFixed(3)} CPU s; ${took} s in all`);
          } catch (error) {
            failures.set(entry, error.message);
            say(`${told}: failed: ${error.message}`);
          }
        }
      }
    }
    results.push(...measured.map((each) => ({ workload: name, network, ...each })));
  }

  const report = {
    runtime: runner.name,
    adapter,
    software,
    matmul: parts.fastest(rates, software),
    bundles: await measureBundles(names[0], chosen),
    workloads: results.map(({ workload, network: { batch, multiplyAdds }, program, runs, failures }) => {
      const context = { program, batch, multiplyAdds, software, rates };
      return {
        workload,
        program,
        batch,
        multiplyAdds,
        rows: parts.summarizeEntries(runs, context),
        failures: Object.fromEntries(failures),
      };
    }),
  };
  write(join(out, "results.json"), `${JSON.stringify(report, null, 2)}\n`);
  if (asked.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else print(report, parts);
  if (results.some(({ failures }) => failures.size > 0)) process.exitCode = 1;
}

/** Runs one program to its end; what it wrote to its result file. */
function inProcess(name, options, [program, ...words], script) {
  const result = join(out, `result-${process.pid}.json`);
  const log = [];
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...words, script, JSON.stringify({ ...options, result })], { cwd: root });
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

/** Of a workload's module, the tuned one with its plans for two kinds of adapters too where it was measured, and of the peers. */
async function measureBundles(workload, chosen) {
  const { measureBundles: measure } = await load(join(bench, "bundleSize.mjs"));
  const own = ["cnnc", ...chosen.filter((entry) => entry === "cnnc-tuned")];
  const modulePaths = Object.fromEntries(own.map((entry) => [entry, join(out, workload, entry, `${workload}.js`)]));
  return measure({ benchFolder: bench, modulePaths, outFolder: out });
}

function print(
  { runtime, adapter, software, matmul, bundles, workloads: measured },
  { rateOf, renderRows, renderTable },
) {
  const rate = rateOf(matmul, software);
  console.log(`\n${runtime}, adapter: ${adapter}`);
  console.log(
    `best matrix product: ${(rate / 1e9).toFixed(3)} G multiply-adds a ${software ? "CPU " : ""}second (${matmul.variant})`,
  );
  for (const { workload, program, batch, rows, failures } of measured) {
    console.log(`\n${workload}, ${program}, batch ${batch}`);
    if (rows.length > 0) console.log(renderRows(rows, { program, software }));
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
