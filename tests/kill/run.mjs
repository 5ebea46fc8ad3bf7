// `npm run test:kill [-- N]`: a short training is killed N times (50 unless given) with SIGKILL at random moments, each time
// followed by --resume. After every kill each file of the run must be readable; when the run has come to its end, every loss
// and every weight must be those of a run that nobody killed. The last line says how it went.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "../../.ci/setup.mjs";

const kills = Number(process.argv[2] ?? 50);
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31);
if (!Number.isInteger(kills) || kills < 1) throw new Error(`${process.argv[2]} is no number of kills`);
const { parseSafetensors } = await import(pathToFileURL(join(root, "dist/runtime/index.js")).href);

// Batch norm, dropout and momentum, so that every kind of state is in the checkpoint; a partial batch at the end of an epoch.
const spec = `model Killed {
  input 1 x 10 x 10
  conv(2, kernel: 3, stride: 2, bias: false) -> batch_norm -> relu
  flatten
  dropout(0.2) -> linear(10)
}
train Killed {
  data       fashion_mnist
  optimizer  adam(lr: 0.01)
  schedule   cosine
  batch      16
  epochs     20
  seed       5
}
`;
const folder = mkdtempSync(join(tmpdir(), "cnnc kill "));
writeFileSync(join(folder, "killed.cnn"), spec);
writeImages(join(folder, "images"), 150, 30);

let state = seed >>> 0;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};

/** Runs `cnnc train`; `killAfter` milliseconds after the first step (or after the start, where `fromStart`) it is killed. */
function train(out, { killAfter, fromStart = false, resume = false } = {}) {
  const args = ["train", "killed.cnn", "--data", "images", "--out", out, "--json", "--checkpoint-every", "3"];
  const child = spawn(process.execPath, [join(root, "compiler/bin.mjs"), ...args, ...(resume ? ["--resume"] : [])], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [error, firstStep, killed] = ["", undefined, false];
  const kill = () =>
    setTimeout(() => {
      killed = child.kill("SIGKILL");
    }, killAfter);
  let timer = killAfter !== undefined && fromStart ? kill() : undefined;
  child.stdout.on("data", () => {
    firstStep ??= performance.now();
    if (killAfter !== undefined) timer ??= kill();
  });
  child.stderr.on("data", (text) => (error += text));
  const started = performance.now();
  return new Promise((resolve) => {
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const ended = performance.now();
      resolve({
        code,
        error,
        wasKilled: killed && signal === "SIGKILL",
        startup: (firstStep ?? ended) - started,
        running: ended - (firstStep ?? ended),
      });
    });
  });
}

/** Throws where a file of a run cannot be read. */
function checkFiles(out) {
  const directory = join(folder, out);
  if (!existsSync(directory)) return;
  const weights = ["weights.safetensors", "best.safetensors"].map((name) => join(directory, name)).filter(existsSync);
  const checkpoints = join(directory, "checkpoints");
  const stored = existsSync(checkpoints)
    ? readdirSync(checkpoints).filter((name) => name.endsWith(".safetensors"))
    : [];
  for (const path of [...weights, ...stored.map((name) => join(checkpoints, name))]) {
    const { tensors } = parseSafetensors(new Uint8Array(readFileSync(path)));
    if (tensors.size === 0) throw new Error(`${path} is empty`);
  }
  if (existsSync(join(directory, "run.json"))) JSON.parse(readFileSync(join(directory, "run.json"), "utf8"));
  if (existsSync(join(directory, "log.jsonl"))) stepsOf(out);
}

/** The steps of a log; its last line may be cut off, no other. */
function stepsOf(out) {
  const lines = readFileSync(join(folder, out, "log.jsonl"), "utf8").split("\n");
  const last = lines.pop();
  const entries = lines.map((line) => JSON.parse(line));
  if (last !== "" && last.endsWith("}")) entries.push(JSON.parse(last));
  return entries.filter(({ kind }) => kind === "step").map((entry) => JSON.stringify(entry));
}

function compare(out, whole) {
  const [found, wanted] = [stepsOf(out), stepsOf(whole)];
  const at = wanted.findIndex((step, index) => step !== found[index]);
  if (at >= 0 || found.length !== wanted.length) {
    throw new Error(`${out}: step ${at + 1} is ${found[at]}, and ${wanted[at]} in the run that nobody killed`);
  }
  for (const name of ["weights.safetensors", "best.safetensors"]) {
    const [a, b] = [out, whole].map((run) => readFileSync(join(folder, run, name)));
    if (!a.equals(b)) throw new Error(`${out}: ${name} differs`);
  }
}

function writeImages(directory, trainCount, testCount, size = 10) {
  const idx = (dimensions, elements) => {
    const bytes = new Uint8Array(4 + 4 * dimensions.length + elements.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 0x0800 + dimensions.length);
    dimensions.forEach((extent, axis) => view.setUint32(4 + 4 * axis, extent));
    bytes.set(elements, 4 + 4 * dimensions.length);
    return bytes;
  };
  mkdirSync(directory, { recursive: true });
  for (const [prefix, count] of [
    ["train", trainCount],
    ["t10k", testCount],
  ]) {
    const pixels = Array.from({ length: count * size * size }, (_, i) => {
      const [image, row] = [Math.floor(i / (size * size)), Math.floor(i / size) % size];
      return (Math.floor((row * 10) / size) === image % 10 ? 180 : 20) + ((i * 2654435761) >>> 28);
    });
    writeFileSync(join(directory, `${prefix}-images-idx3-ubyte`), idx([count, size, size], pixels));
    const labels = Array.from({ length: count }, (_, image) => image % 10);
    writeFileSync(join(directory, `${prefix}-labels-idx1-ubyte`), idx([count], labels));
  }
}

let [done, finished] = [0, 0];
try {
  const whole = await train("whole");
  if (whole.code !== 0) throw new Error(`the run that nobody kills failed: ${whole.error}`);
  const steps = stepsOf("whole").length;
  console.log(
    `${steps} steps in ${Math.round(whole.running)} ms after ${Math.round(whole.startup)} ms of start-up; seed ${seed}`,
  );
  let [run, resumed] = ["killed 0", false];
  while (done < kills) {
    // Most moments lie in the steps, where checkpoints are written; some before the first.
    const fromStart = random() < 0.15;
    const killAfter = random() * (fromStart ? whole.startup : whole.running * 0.6);
    const part = await train(run, { killAfter, fromStart, resume: resumed });
    checkFiles(run);
    if (part.wasKilled) {
      done++;
      resumed = true;
      const reached = existsSync(join(folder, run, "log.jsonl")) ? stepsOf(run).length : 0;
      console.log(
        `kill ${done}: ${run}, ${Math.round(killAfter)} ms after ${fromStart ? "the start" : "the first step"}, ${reached} steps logged`,
      );
    } else if (part.code !== 0) throw new Error(`${run} failed: ${part.error}`);
    else {
      compare(run, "whole");
      [run, resumed] = [`killed ${++finished}`, false];
    }
  }
  const rest = await train(run, { resume: resumed });
  if (rest.code !== 0) throw new Error(`${run} failed: ${rest.error}`);
  checkFiles(run);
  compare(run, "whole");
  console.log(
    `${done} kills in ${finished + 1} runs of ${steps} steps: every file readable, every loss and weight identical`,
  );
} catch (error) {
  console.error(`after ${done} kills (seed ${seed}): ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
