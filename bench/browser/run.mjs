/**
 * `npm run bench:browser`: builds the page of benchmarks into out/bench/browser, and serves it on localhost. The folder needs nothing
 * else: it can be put on any static host.
 */
import { copyFileSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { root, run } from "../../.ci/setup.mjs";
import { bundleEntries, installPeers } from "../peers.mjs";
import { loadParts, out, prepare, write } from "../prepare.mjs";
import { entries, programs, workloads } from "../workloads.mjs";
import { serveFolder } from "./serve.mjs";

/** Those that a page can run; the unfused modules are for the terminal. */
const offered = ["cnnc", "tfjs", "jax-js"];
const usage = `npm run bench:browser [-- options]
  --build            only build
  --out FOLDER       where to; what it holds is replaced (default: out/bench/browser)
  --port N           of localhost (default: 8460)
  --workload NAMES   of ${workloads.join(", ")} (default: all)
  --entry NAMES      of ${offered.join(", ")} (default: all)`;

const { values: asked } = parseArgs({
  options: {
    build: { type: "boolean", default: false },
    out: { type: "string", default: join(out, "browser") },
    port: { type: "string", default: "8460" },
    workload: { type: "string", default: "all" },
    entry: { type: "string", default: "all" },
    help: { type: "boolean", default: false },
  },
});

if (asked.help) console.log(usage);
else await main(choose("workload", workloads), choose("entry", offered));

function choose(option, known) {
  const wanted = asked[option] === "all" ? known : asked[option].split(",");
  const strange = wanted.filter((name) => !known.includes(name));
  if (strange.length > 0) fail(`--${option} ${strange.join(", ")}: it can be all, or ${known.join(", ")}`);
  return wanted;
}

function fail(message) {
  console.error(`${message}\n\n${usage}`);
  process.exit(2);
}

async function main(names, chosen) {
  const port = Number(asked.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) fail(`--port takes a number to 65535, found ${asked.port}`);
  const ready = run(process.execPath, [join(root, ".ci/setup.mjs")]);
  if (!ready || (chosen.some((entry) => entries[entry].peer) && !installPeers("inherit", console.log))) process.exit(1);
  const folder = resolve(asked.out);
  await buildPage(folder, names, chosen);
  console.log(`the page is in ${folder}`);
  if (asked.build) return;
  try {
    const server = await serveFolder(folder, port);
    console.log(`http://localhost:${server.address().port}/ (Ctrl+C ends it)`);
  } catch (error) {
    if (error.code !== "EADDRINUSE") throw error;
    console.error(`port ${port} is taken: choose another, as in npm run bench:browser -- --port ${port + 1}`);
    process.exitCode = 1;
  }
}

async function buildPage(folder, names, chosen) {
  const { build } = await import("esbuild");
  rmSync(folder, { recursive: true, force: true });
  const parts = await loadParts();
  const catalogue = { version: packageVersion(join(root, "package.json")), workloads: [], programs };
  for (const name of names) {
    console.log(`compiling ${name}`);
    // The page takes the one for its adapter.
    const variants = { cpu: { adapterClass: "cpu" }, gpu: { adapterClass: "gpu" } };
    const network = await prepare(name, join(folder, "workloads", name), variants, parts, isShipped);
    const { batch, inputShape, multiplyAdds } = network;
    catalogue.workloads.push({ name, batch, inputShape, multiplyAdds });
  }
  await bundleEntries(chosen, join(folder, "entries"), "browser");
  const packages = { tfjs: "@tensorflow/tfjs-core", "jax-js": "@jax-js/jax" };
  catalogue.entries = chosen.map((name) => ({
    name,
    version:
      name in packages
        ? packageVersion(join(root, "bench/node_modules", packages[name], "package.json"))
        : catalogue.version,
  }));
  write(join(folder, "bench.json"), JSON.stringify(catalogue));
  await build({
    entryPoints: ["page", "worker"].map((name) => join(root, "bench/browser", `${name}.mjs`)),
    outdir: folder,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    logLevel: "warning",
  });
  for (const name of ["index.html", "style.css"]) copyFileSync(join(root, "bench/browser", name), join(folder, name));
}

/** A module and its runtime, without what an app may want besides. */
function isShipped(path) {
  return path.endsWith(".js") && path !== "cnnc-app.js";
}

function packageVersion(path) {
  return JSON.parse(readFileSync(path, "utf8")).version;
}
