/**
 * `node bench/activations.mjs [SPEC ...]`: the bytes of activations that a training step holds for its backward pass, by cnnc's plan
 * and by PyTorch's autograd, for the specs of this folder. Exit code 1 where cnnc holds more than PyTorch.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { root, run } from "../.ci/setup.mjs";
import { workloads } from "./workloads.mjs";

if (!run(process.execPath, [join(root, ".ci/build.mjs")])) process.exit(1);
const load = (path) => import(pathToFileURL(join(root, path)).href);
const { compile } = await load("dist/compiler/compile.js");
const { summarizeMemory } = await load("dist/compiler/commands/summarizeMemory.js");
const out = join(root, "out/bench/activations");
mkdirSync(out, { recursive: true });
await build({ entryPoints: [join(root, "bench/describeNetwork.ts")], outfile: join(out, "describeNetwork.mjs"), bundle: true, format: "esm" }); // prettier-ignore
const { describeNetwork } = await load("out/bench/activations/describeNetwork.mjs");

const names = process.argv.length > 2 ? process.argv.slice(2) : [...workloads, "resnet50"];
const rows = names.map((name) => {
  const path = `bench/specs/${name}.cnn`;
  const readSource = (file) => (existsSync(join(root, file)) ? readFileSync(join(root, file), "utf8") : undefined);
  const { network, diagnostics } = compile({ path, text: readSource(path) ?? "" }, { readSource, recipe: "bench" });
  if (network === undefined) throw new Error(`${path}: ${diagnostics.map(({ message }) => message).join("; ")}`);
  const file = join(out, `${name}.json`);
  writeFileSync(file, JSON.stringify(describeNetwork(network, 0)));
  return { name, file, ...summarizeMemory(network) };
});

const python = existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
const script = join(root, "bench/entries/saved_tensors.py");
const torch = spawnSync(python, [script, ...rows.map(({ file }) => file)], { encoding: "utf8" });
if (torch.status !== 0) {
  console.error(`PyTorch could not be asked (${python} needs the package torch):\n${torch.stderr || torch.error}`);
  process.exit(1);
}
const { version, bytes } = JSON.parse(torch.stdout);
const count = (value) => value.toLocaleString("en-US").padStart(12);
console.log(`${"network (batch)".padEnd(22)}${"cnnc".padStart(12)}${`torch ${version}`.padStart(16)}   ratio`);
rows.forEach(({ name, batch, activations }, index) => {
  const ratio = (activations / bytes[index]).toFixed(3);
  console.log(`${`${name} (${batch})`.padEnd(22)}${count(activations)}    ${count(bytes[index])}   ${ratio}`);
});
if (rows.some(({ activations }, index) => activations > bytes[index])) process.exitCode = 1;
