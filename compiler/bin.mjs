#!/usr/bin/env node
import { existsSync } from "node:fs";
import { setFlagsFromString } from "node:v8";

// A compilation makes many short-lived objects: room for them soon saves a quarter of the collector's pauses. Node takes the
// room's size only as an argument, but its growth from here too.
setFlagsFromString("--semi-space-growth-factor=16");

// A compilation runs much code a few hundred times each, with objects of many shapes. V8 up to Node 22 optimizes such code early and
// throws the result away at the next shape: on Node 20 half of a deep network's processor time went there. Simple machine code from
// the first call, smaller optimized functions and, where V8 can be told, a later start end that. Newer ones do well by themselves.
const node = Number.parseInt(process.versions.node, 10);
if (node < 24) setFlagsFromString("--always-sparkplug");
if (node < 24) setFlagsFromString("--max-inlined-bytecode-size-cumulative=200");
if (node < 22) setFlagsFromString("--interrupt-budget=400000");

const built = ["../dist/cli/cli.js", "../dist/compiler/cli.js"].map((path) => new URL(path, import.meta.url));
const cli = built.find((file) => existsSync(file));
if (cli !== undefined) {
  const { runProcess } = await import(cli.href);
  await runProcess();
} else {
  console.error("cnnc is not built yet: run `npm run build` in its folder, then try again.");
  process.exitCode = 1;
}
