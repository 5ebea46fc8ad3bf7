// `npm test`: set-up, then every check. Words after `npm test --` go to jest, such as a path.
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { heading, root, run, setUp } from "./setup.mjs";

heading("Set-up");
const ready = setUp();
const failed = ready ? [] : ["set-up"];
const counts = { passed: 0, failed: ready ? 0 : 1 };

if (ready) {
  for (const [name, script] of [
    ["Types", "types"],
    ["Lint", "lint"],
    ["Format", "format:check"],
    ["Generated files are up to date", "check:generated"],
  ]) {
    heading(name);
    if (!run("npm", ["run", "--silent", script])) failed.push(script);
  }

  heading("Tests");
  const report = join(root, "out/jest.json");
  mkdirSync(join(root, "out"), { recursive: true });
  rmSync(report, { force: true });
  const jest = ["--experimental-vm-modules", "--no-warnings=ExperimentalWarning", "node_modules/jest/bin/jest.js"];
  const passed = run(process.execPath, [...jest, "--json", `--outputFile=${report}`, ...process.argv.slice(2)]);
  if (!passed) failed.push("tests");
  if (existsSync(report)) {
    const results = JSON.parse(readFileSync(report, "utf8"));
    counts.passed = results.numPassedTests;
    // A file that does not load has no test to count.
    counts.failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
  } else {
    counts.failed = 1;
  }
}

heading(failed.length === 0 ? "Everything passed" : `Failed: ${failed.join(", ")}`);
console.log(`${counts.passed} passed, ${counts.failed} failed`);
if (failed.length > 0) process.exitCode = 1;
