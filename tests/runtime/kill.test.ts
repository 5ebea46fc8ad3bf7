/** A few kills of `npm run test:kill`; fifty take minutes. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "@jest/globals";

test("a run that is killed goes on to the losses and weights of one that is not", () => {
  const script = join(import.meta.dirname, "../kill/run.mjs");
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, "3", "11"], { encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toContain("every file readable, every loss and weight identical");
}, 600_000);
