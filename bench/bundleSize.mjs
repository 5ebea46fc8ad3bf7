/** What an app pays to carry one network: minified and gzipped bytes, by esbuild. */
import { existsSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** What was recorded for the peers' whole libraries; an app's bundler may leave some of it out. */
const recorded = { tfjs: 197_000, "jax-js": 100_000 };

/** Bytes of each bundle: those of `modulePaths` by entry, and the peers' where their packages are installed. */
export async function measureBundles({ benchFolder, modulePaths, outFolder }) {
  // Only what an app calls: the rest is for the bundler to leave out.
  const peers = {
    tfjs: `export { train, losses, tidy, tensor, fused, ready, setBackend } from "@tensorflow/tfjs-core";
           import "@tensorflow/tfjs-core/dist/register_all_gradients";
           import "@tensorflow/tfjs-backend-webgpu";`,
    "jax-js": `export { init, defaultDevice, jit, valueAndGrad, numpy, nn, lax } from "@jax-js/jax";`,
  };
  const bundles = [];
  for (const [entry, path] of Object.entries(modulePaths)) {
    const holds = `${basename(path)}, the runtime and every kernel`;
    bundles.push({ entry, holds, bytes: await bundle(path, outFolder, entry) });
  }
  for (const [entry, text] of Object.entries(peers)) {
    const made = { entry, recorded: recorded[entry], holds: "the library without a model" };
    if (existsSync(join(benchFolder, "node_modules/.cnnc-setup"))) {
      const path = join(benchFolder, "node_modules", `.entry-${entry}.mjs`);
      writeFileSync(path, text);
      made.bytes = await bundle(path, outFolder, entry);
    }
    bundles.push(made);
  }
  return bundles;
}

async function bundle(path, outFolder, name) {
  const { outputFiles } = await build({
    entryPoints: [path],
    outdir: join(outFolder, "bundles", name),
    bundle: true,
    minify: true,
    // A library may load its backends on demand; all that can be loaded counts, as it does for cnnc.
    splitting: false,
    format: "esm",
    target: "es2022",
    platform: "browser",
    mainFields: ["module", "main"],
    legalComments: "none",
    logLevel: "error",
    external: ["node:*", "fs", "util", "crypto", "string_decoder", "worker_threads"],
    write: false,
  });
  return outputFiles.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0);
}
