#!/usr/bin/env node
import { existsSync } from "node:fs";
import { setFlagsFromString } from "node:v8";

// A compilation makes many short-lived objects: with room for them, most are dead before anyone looks.
setFlagsFromString("--min-semi-space-size=32");
setFlagsFromString("--max-semi-space-size=64");

const built = ["../dist/cli/cli.js", "../dist/compiler/cli.js"].map((path) => new URL(path, import.meta.url));
const cli = built.find((file) => existsSync(file));
if (cli !== undefined) {
  const { runProcess } = await import(cli.href);
  await runProcess();
} else {
  console.error("cnnc is not built yet: run `npm run build` in its folder, then try again.");
  process.exitCode = 1;
}
