/** Compiles a workload and writes what its entries share. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "../.ci/setup.mjs";
import { drawData } from "./drawData.mjs";

const bench = join(root, "bench");
export const out = join(root, "out/bench");

/** The typed parts, which Node runs only after esbuild. */
export async function loadParts() {
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

/**
 * Writes a workload's network.json, and cnnc's modules into one folder for each of `variants`, which give the compiler's options;
 * returns the network. `wanted` says which of the modules' files. What was in the folder is gone.
 */
export async function prepare(name, folder, variants, { describeNetwork }, wanted = () => true) {
  const [{ compile }, { summarizeGraph }, { emitModule }, { readRuntimeBundle }] = await compilerParts(
    "compile",
    "commands/summarize",
    "6-emit/emitModule",
    "node/runtimeBundle",
  );
  rmSync(folder, { recursive: true, force: true });
  const path = join("bench/specs", `${name}.cnn`);
  const readSource = (file) => (existsSync(join(root, file)) ? readFileSync(join(root, file), "utf8") : undefined);
  const source = { path, text: readSource(path) };
  let described;
  for (const [variant, { tuned = false, ...options }] of Object.entries(variants)) {
    const compileWith = (more) => {
      const { network, diagnostics } = compile(source, { recipe: "bench", readSource, ...options, ...more });
      if (network === undefined) throw new Error(`${path}: ${diagnostics.map(({ message }) => message).join("; ")}`);
      return network;
    };
    const network = tuned ? await withTunedPlans(name, compileWith) : compileWith({});
    const files = await emitModule(network, { language: "js", fileName: name });
    for (const { path: file, text } of [...files, ...readRuntimeBundle()]) {
      if (wanted(file)) write(join(folder, variant, file), text);
    }
    const { multiplyAdds } = summarizeGraph(network.graph, network.settings);
    described ??= { ...describeNetwork(network, multiplyAdds), module: files[0].path };
  }
  write(join(folder, "network.json"), JSON.stringify(described));
  return described;
}

/** A workload's network with a plan for each adapter that `cnnc tune` measured it on: of specs/NAME.tune.json, where that is. */
async function withTunedPlans(name, compileWith) {
  const [{ readTable }, { tablePath, withTable }] = await compilerParts("tune/tuningTable", "commands/tuning");
  const network = compileWith({});
  const table = readTable(tablePath(join(bench, "specs"), name));
  return table === undefined ? network : withTable(network, table, (choices) => compileWith({ choices }));
}

function compilerParts(...names) {
  return Promise.all(names.map((name) => load(join(root, "dist/compiler", `${name}.js`))));
}

/** Writes the first weights and the images as files, for entries of any language. */
export async function writeData(network, folder) {
  const data = drawData(network, await load(join(root, "dist/runtime/index.js")));
  for (const [name, { buffer }] of Object.entries(data)) write(join(folder, `${name}.bin`), Buffer.from(buffer));
}

export function write(path, contents) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, contents);
}

export function load(path) {
  return import(pathToFileURL(path).href);
}
