#!/usr/bin/env node
import { existsSync } from "node:fs";

const cli = new URL("../dist/compiler/cli.js", import.meta.url);
if (existsSync(cli)) {
  const { runProcess } = await import(cli.href);
  await runProcess();
} else {
  console.error("cnnc is not built yet: run `npm run build` in its folder, then try again.");
  process.exitCode = 1;
}
