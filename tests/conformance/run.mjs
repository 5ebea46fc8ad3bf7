// `npm run conformance [-- WORD ... --step --choices WAY,... --candidate N]`: every recorded case (or those whose name contains a word) against
// the compiled spec on this machine's adapter, those of ../shared/conformance included where it is. With --step each network takes a
// training step too. With --choices kernels are computed in these ways wherever they can be, and in no other (`none` for all adapters'
// plan alone): see `compiler/ir/choices.ts`. With --candidate N every kernel has another of the schedules that `cnnc tune` would try, the
// Nth or, of fewer, the one that comes round. The last line is `N passed, M failed`; a case that has no spec counts as failed.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { root, setUp } from "../../.ci/setup.mjs";

if (!setUp()) process.exit(1);
const load = (path) => import(pathToFileURL(join(root, "dist", path)).href);
const { readCase } = await load("compiler/verify/caseFile.js");
const { otherSchedules } = await load("compiler/verify/otherSchedules.js");
const { candidatesPerKernel } = await load("compiler/tune/candidates.js");
const { verifyCase } = await load("compiler/verify/verifyCase.js");
const { compileTrace, readTrace, verifyTrace } = await load("compiler/verify/verifyTrace.js");
const { openNetwork } = await load("compiler/training/openNetwork.js");

const { ways } = await load("compiler/ir/choices.js");

const { values, positionals: words } = parseArgs({
  options: {
    step: { type: "boolean", default: false },
    choices: { type: "string", default: "" },
    candidate: { type: "string" },
  },
  allowPositionals: true,
});
const { step } = values;
const chosen = values.choices.split(",").filter((way) => way !== "");
const unknown = chosen.filter((way) => !ways.includes(way) && way !== "none");
if (unknown.length > 0) {
  console.error(`--choices ${unknown.join(",")}: the ways are ${ways.join(", ")}, and none`);
  process.exit(2);
}
const turn = values.candidate === undefined ? undefined : Number(values.candidate);
if (turn !== undefined && !(Number.isInteger(turn) && turn >= 0)) {
  console.error(`--candidate ${values.candidate}: a whole number, from 0 on`);
  process.exit(2);
}
/** Without a word what a module has for this adapter. */
function choicesAsked() {
  const given = Object.fromEntries(chosen.filter((way) => way !== "none").map((way) => [way, true]));
  if (turn === undefined) return chosen.length === 0 ? {} : { choices: given };
  const quads = given.subgroups === true;
  return {
    choices: (compileWith) => ({
      ...given,
      schedules: otherSchedules(compileWith(given), turn, candidatesPerKernel, quads),
    }),
  };
}
const asked = choicesAsked();
const readJson = (name) => JSON.parse(readFileSync(join(root, "tests/conformance", name), "utf8"));
const specs = readJson("specs.json");
const slow = readJson("slow.json");
const shared = join(root, "../shared/conformance/cases");
const folders = [join(root, "tests/conformance/cases"), ...(existsSync(shared) ? [shared] : [])];

/** Of each case its file, in the order of their names; the project's own copy of a case comes before the shared one. */
const paths = new Map();
for (const folder of folders) {
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
    const name = file.replace(/\.json$/, "");
    if (!paths.has(name) && (words.length === 0 || words.some((word) => name.includes(word)))) {
      paths.set(name, join(folder, file));
    }
  }
}
const cases = [...paths].sort(([a], [b]) => (a < b ? -1 : 1));
const left = cases.filter(([name]) => name in slow);
console.log(`${cases.length} cases`);
if (!existsSync(shared)) {
  console.log("The large networks' cases are not here (../shared/conformance is missing): they are not among them.");
}
if (left.length > 0) {
  console.log(`${left.length} of them are left to this command, being too slow for every \`npm test\`:`);
  for (const [name] of left) console.log(`  ${name.padEnd(30)} ${slow[name]}`);
}
console.log("");

const traces = join(root, "tests/traces");
const tracePaths = readdirSync(traces)
  .filter(
    (name) => name.endsWith(".json") && (words.length === 0 || words.some((word) => `trace ${name}`.includes(word))),
  )
  .map((name) => join(traces, name));

const readSource = (path) => (existsSync(path) ? readFileSync(path, "utf8") : undefined);
/** The source of a case's spec; none for what needs no network, nor for several inputs, which the graph IR takes. */
function sourceOf(test) {
  if (test.kind === "fill" || test.kind === "data" || (test.inputs?.length ?? 0) > 1) return undefined;
  const { spec = `tests/conformance/specs/${test.name}.cnn` } = specs[test.name] ?? {};
  if (!existsSync(join(root, spec))) throw new Error(`there is no ${spec}`);
  return { path: spec, text: readFileSync(join(root, spec), "utf8") };
}
const quantityText = ({ name, error, tolerance, worst, passes }) =>
  `${name}=${error.toExponential(1)}${passes ? "" : ` MISS (tolerance ${tolerance}${worst ? `, worst ${worst}` : ""})`}`;

let [passed, failed, on] = [0, 0, ""];
for (const [name, path] of cases) {
  const began = performance.now();
  let line;
  try {
    const test = readCase(path);
    const settings = specs[name]?.set ?? {};
    const { report, adapter } = await verifyCase(test, {
      source: sourceOf(test),
      readSource,
      settings,
      step,
      ...asked,
    });
    if (adapter !== undefined && adapter !== on) {
      on = adapter;
      console.log(`on ${adapter}`);
    }
    line = `${report.passes ? "ok  " : "FAIL"} ${name.padEnd(30)} ${report.quantities.map(quantityText).join(" ")}`;
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
