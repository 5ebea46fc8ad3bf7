import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readCase, type ConformanceCase } from "../../compiler/verify/caseFile.ts";
import { verifyCase, type Verification } from "../../compiler/verify/verifyCase.ts";
import type { SourceFile } from "../../compiler/ir/source.ts";

const root = join(import.meta.dirname, "../..");
const ownFolder = join(root, "tests/conformance/cases");
/** The large networks' cases, which are not part of the project. */
export const sharedFolder = join(root, "../shared/conformance/cases");

interface CaseSpec {
  readonly spec: string;
  readonly set?: Readonly<Record<string, string>>;
}

const readJson = (name: string): unknown => JSON.parse(readFileSync(join(root, "tests/conformance", name), "utf8"));
const networks = readJson("specs.json") as Readonly<Record<string, CaseSpec>>;
/** The cases that are left to `npm run conformance`, each with the reason. */
export const slowCases = readJson("slow.json") as Readonly<Record<string, string>>;

function namesIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((file) => (file.endsWith(".json") ? [file.replace(/\.json$/, "")] : []));
}

/** Every recorded case that is here, by name. */
export function caseNames(): readonly string[] {
  return [...new Set([...namesIn(ownFolder), ...namesIn(sharedFolder)])].sort();
}

export function caseNamed(name: string): ConformanceCase {
  const own = join(ownFolder, `${name}.json`);
  return readCase(existsSync(own) ? own : join(sharedFolder, `${name}.json`));
}

/** The source of a case's spec under its path in the project. */
export function specOf(name: string): SourceFile {
  const { spec } = networks[name] ?? { spec: `tests/conformance/specs/${name}.cnn` };
  return { path: spec, text: readFileSync(join(root, spec), "utf8") };
}

/** Runs a case against its spec, or through the graph IR alone where it has several inputs. */
export async function runCase(name: string): Promise<Verification> {
  const test = caseNamed(name);
  if (test.kind === "fill" || test.kind === "data") return verifyCase(test);
  if (test.kind !== "training" && test.inputs.length > 1) return verifyCase(test);
  return runCaseBySpec(name);
}

/** Runs a case against its spec. */
export async function runCaseBySpec(name: string): Promise<Verification> {
  return verifyCase(caseNamed(name), {
    source: specOf(name),
    readSource: (path) => (existsSync(path) ? readFileSync(path, "utf8") : undefined),
    settings: networks[name]?.set ?? {},
  });
}

/** What is not within its tolerance, as lines: empty when the case passes. */
export function missesOf({ report }: Verification): readonly string[] {
  if (report.quantities.length === 0) return [`${report.name} compared nothing`];
  return report.quantities
    .filter(({ passes }) => !passes)
    .map(({ name, error, tolerance, worst }) => `${name}: error ${error} > ${tolerance} (${worst ?? "all"})`);
}
