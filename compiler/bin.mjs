#!/usr/bin/env node
import { existsSync } from "node:fs";
import { setFlagsFromString } from "node:v8";

// A compilation makes many short-lived objects: room for them soon saves a quarter of the collector's pauses. Node takes the
// room's size only as an argument, but its growth from here too.
setFlagsFromString("--semi-space-growth-factor=16");

const built = ["../dist/cli/cli.js", "../dist/compiler/cli.js"].map((path) => new URL(path, import.meta.url));
const cli = built.find((file) => existsSync(file));
if (cli !== undefined) {
  const { runProcess } = await import(cli.href);
  await runProcess();
} else {
  console.error("cnnc is not built yet: run `npm run build` in its folder, then try again.");
  process.exitCode = 1;
}
