// Compiles the sources into dist/, unless dist/ was made from these very sources.
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { bundleCli } from "./bundleCli.mjs";
import { bundleParser } from "./bundleParser.mjs";
import { bundleRuntime } from "./bundleRuntime.mjs";
import { heading, root, run } from "./setup.mjs";

const dist = join(root, "dist");
const stampFile = join(dist, ".sources");
const sourceFolders = ["grammar", "compiler", "runtime"];

const sources = sourceFolders
  .filter((folder) => existsSync(join(root, folder)))
  .flatMap((folder) => readdirSync(join(root, folder), { recursive: true }).map((file) => join(folder, file)))
  .filter((file) => file.endsWith(".ts"))
  .sort();

const hash = createHash("sha256");
for (const file of [
  ...sources,
  ".ci/bundleRuntime.mjs",
  ".ci/bundleParser.mjs",
  ".ci/bundleCli.mjs",
  "tsconfig.json",
  "tsconfig.build.json",
  "package-lock.json",
]) {
  hash
    .update(`${file}\0`)
    .update(readFileSync(join(root, file)))
    .update("\0");
}
const stamp = hash.digest("hex");

if (!existsSync(stampFile) || readFileSync(stampFile, "utf8") !== stamp) {
  heading("Building");
  // Built beside dist/ and exchanged at the end: a process that runs from dist/ never sees half of a build.
  const fresh = join(root, `dist-${process.pid}`);
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const clean = run(process.execPath, [compiler, "-p", "tsconfig.build.json", "--outDir", fresh]);
  if (existsSync(fresh)) {
    // The compiler takes declarations written by hand as they are, but does not copy them.
    for (const file of sources.filter((file) => file.endsWith(".d.ts"))) {
      mkdirSync(dirname(join(fresh, file)), { recursive: true });
      cpSync(join(root, file), join(fresh, file));
    }
    await bundleRuntime(fresh);
    await bundleParser(fresh);
    // Where the types are wrong a file may be missing: the command line then runs from its single files.
    if (clean) await bundleCli(fresh);
    // With type errors the code is there all the same (a generated file may be what is missing), but not as finished.
    if (clean) writeFileSync(join(fresh, ".sources"), stamp);
    const old = join(root, `dist-${process.pid}-old`);
    if (existsSync(dist)) renameSync(dist, old);
    renameSync(fresh, dist);
    rmSync(old, { recursive: true, force: true });
  }
  if (!clean) process.exitCode = 1;
}
