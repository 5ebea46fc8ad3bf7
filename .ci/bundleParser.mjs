// Puts the parser library into one file: as hundreds of small ones it takes most of a short command's time to load.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { build } from "esbuild";

/** Writes `DIST/grammar/chevrotain.js` and has every file of DIST that imports the library import that. */
export async function bundleParser(dist) {
  const bundle = join(dist, "grammar/chevrotain.js");
  await build({
    stdin: { contents: 'export * from "chevrotain";', resolveDir: import.meta.dirname },
    outfile: bundle,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "es2022",
    legalComments: "inline",
    logLevel: "warning",
  });
  for (const folder of ["grammar", "compiler"]) {
    for (const file of readdirSync(join(dist, folder), { recursive: true }).filter((each) => each.endsWith(".js"))) {
      const path = join(dist, folder, file);
      if (path === bundle) continue;
      const text = readFileSync(path, "utf8");
      const from = relative(join(path, ".."), bundle).replaceAll("\\", "/");
      const own = text.replaceAll(
        / from "chevrotain";/g,
        () => ` from "${from.startsWith(".") ? from : `./${from}`}";`,
      );
      if (own !== text) writeFileSync(path, own);
    }
  }
}
