// Puts the command line into a few files: as some 250 small ones it takes half a second of a short command to load.
import { join } from "node:path";
import { build } from "esbuild";

/** Writes `DIST/cli/cli.js` and the parts that its commands share; packages stay where they are installed. */
export async function bundleCli(dist) {
  await build({
    entryPoints: {
      cli: join(dist, "compiler/cli.js"),
      // Threads of their own.
      moduleWorker: join(dist, "compiler/node/moduleWorker.js"),
      decodeWorker: join(dist, "compiler/datasets/decodeWorker.js"),
    },
    outdir: join(dist, "cli"),
    bundle: true,
    // A command loads its own part alone.
    splitting: true,
    format: "esm",
    platform: "node",
    target: "es2022",
    packages: "external",
    legalComments: "inline",
    logLevel: "warning",
  });
}
