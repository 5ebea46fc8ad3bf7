/**
 * Runs command lines of the built cnnc in one process and notes every path that they ask the file system for. Takes a JSON list
 * of command lines; prints { runs: [{ code, out, error }], paths: [...] }.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { fileURLToPath } from "node:url";

const paths = new Set();
const watched = ["access", "createReadStream", "exists", "lstat", "open", "opendir", "readdir", "readFile", "readlink", "realpath", "stat"]; // prettier-ignore

/** Notes the first argument of a function that takes a path. */
function watch(holder, name) {
  const original = holder[name];
  if (typeof original !== "function") return;
  holder[name] = Object.assign(function watchedCall(path, ...rest) {
    if (typeof path === "string") paths.add(path);
    else if (path instanceof URL) paths.add(fileURLToPath(path));
    return original.call(this, path, ...rest);
  }, original);
}

for (const name of watched) {
  watch(fs, name);
  watch(fs, `${name}Sync`);
  watch(fs.promises, name);
}
syncBuiltinESMExports();

const { runCli } = await import("../../dist/compiler/cli.js");
const { default: pico } = await import("picocolors");
const colours = pico.createColors(false);
const runs = [];
for (const args of JSON.parse(process.argv[2])) {
  const said = { out: "", error: "" };
  const code = await runCli(args, {
    out: (text) => (said.out += text),
    error: (text) => (said.error += text),
    isInteractive: false,
    columns: 80,
    outColours: colours,
    errorColours: colours,
  });
  runs.push({ code, ...said });
}
console.log(JSON.stringify({ runs, paths: [...paths] }));
