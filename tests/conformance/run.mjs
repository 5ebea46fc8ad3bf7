// `npm run conformance [-- WORD ...]`: every recorded case (or those whose name contains a word) against the compiled spec
// on this machine's adapter. The last line is `N passed, M failed`; a case that has no spec yet counts as failed.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root, setUp } from "../../.ci/setup.mjs";

if (!setUp()) process.exit(1);
const load = (path) => import(pathToFileURL(join(root, "dist", path)).href);
const { readCase } = await load("compiler/verify/caseFile.js");
const { verifyCase } = await load("compiler/verify/verifyCase.js");
const { compileTrace, readTrace, verifyTrace } = await load("compiler/verify/verifyTrace.js");
const { openNetwork } = await load("compiler/training/openNetwork.js");

const words = process.argv.slice(2);
const networks = JSON.parse(readFileSync(join(root, "tests/conformance/specs.json"), "utf8"));
const shared = join(root, "../shared/conformance/cases");
const folders = [join(root, "tests/conformance/cases"), ...(existsSync(shared) ? [shared] : [])];
if (!existsSync(shared))
  console.log("the large networks' cases are not here (../shared/conformance): they are passed by");

const paths = new Map();
for (const folder of folders) {
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
    const name = file.replace(/\.json$/, "");
    if (!paths.has(name) && (words.length === 0 || words.some((word) => name.includes(word)))) {
      paths.set(name, join(folder, file));
    }
  }
}

const traces = join(root, "tests/traces");
const tracePaths = readdirSync(traces)
  .filter(
    (name) => name.endsWith(".json") && (words.length === 0 || words.some((word) => `trace ${name}`.includes(word))),
  )
  .map((name) => join(traces, name));

const readSource = (path) => (existsSync(path) ? readFileSync(path, "utf8") : undefined);
let [passed, failed] = [0, 0];
for (const [name, path] of [...paths].sort(([a], [b]) => (a < b ? -1 : 1))) {
  const began = performance.now();
  let line;
  try {
    const test = readCase(path);
    const { spec = `tests/conformance/specs/${name}.cnn`, set = {} } = networks[name] ?? {};
    const needsSpec = test.kind !== "fill" && test.kind !== "data";
    if (needsSpec && !existsSync(join(root, spec))) throw new Error(`there is no ${spec} yet`);
    const source = needsSpec ? { path: spec, text: readFileSync(join(root, spec), "utf8") } : undefined;
    const { report } = await verifyCase(test, { source, readSource, settings: set });
    const text = ({ name: quantity, error, tolerance, passes }) =>
      `${quantity}=${error.toExponential(1)}${passes ? "" : ` MISS (tolerance ${tolerance})`}`;
    line = `${report.passes ? "ok  " : "FAIL"} ${name.padEnd(30)} ${report.quantities.map(text).join(" ")}`;
    if (report.passes) passed++;
    else failed++;
  } catch (error) {
    failed++;
    line = `FAIL ${name.padEnd(30)} ${error.message.split("\n")[0]}`;
  }
  console.log(`${line}  ${((performance.now() - began) / 1000).toFixed(1)} s`);
}
for (const path of tracePaths) {
  const began = performance.now();
  const trace = readTrace(path);
  let line;
  try {
    const { plan, recipe } = compileTrace(trace);
    const opened = await openNetwork(plan);
    const report = await verifyTrace(trace, recipe, opened.network).finally(() => opened.close());
    const text = ({ name: quantity, error, tolerance, passes }) =>
      `${quantity}=${error.toExponential(1)}${passes ? "" : ` MISS (tolerance ${tolerance})`}`;
    line = `${report.passes ? "ok  " : "FAIL"} ${`trace ${trace.name}`.padEnd(40)} ${report.quantities.map(text).join(" ")}`;
    if (report.passes) passed++;
    else failed++;
  } catch (error) {
    failed++;
    line = `FAIL trace ${trace.name.padEnd(34)} ${error.message.split("\n")[0]}`;
  }
  console.log(`${line}  ${((performance.now() - began) / 1000).toFixed(1)} s`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
