/** The peers' packages: installing them, and bundling the entries that use them, as an app that uses the library would be. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, run } from "../.ci/setup.mjs";
import { entries } from "./workloads.mjs";

const bench = join(root, "bench");

/** Installs the peers into bench/node_modules, unless they are there as the lockfile has them; true when they are there. */
export function installPeers(stdio, say) {
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

/** Writes the entries into a folder: ENTRY.mjs for Node and Deno ("node"), ENTRY.js for pages ("browser"). */
export async function bundleEntries(names, folder, platform) {
  const { build } = await import("esbuild");
  await build({
    entryPoints: Object.fromEntries(names.map((entry) => [entry, join(bench, entries[entry].module)])),
    outdir: folder,
    bundle: true,
    format: "esm",
    platform,
    mainFields: ["module", "main"],
    logLevel: "error",
    ...(platform === "node"
      ? {
          outExtension: { ".js": ".mjs" },
          // tfjs asks for Node's own modules by `require`.
          banner: {
            js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
          },
        }
      : { minify: true, external: ["fs", "util", "crypto", "string_decoder", "worker_threads"] }),
  });
}
