import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readCase } from "../../compiler/verify/caseFile.ts";
import { verifyCase, type Verification } from "../../compiler/verify/verifyCase.ts";

const root = join(import.meta.dirname, "../..");

interface CaseSpec {
  readonly spec: string;
  readonly set?: Readonly<Record<string, string>>;
}

const networks = JSON.parse(readFileSync(join(root, "tests/conformance/specs.json"), "utf8")) as Readonly<
  Record<string, CaseSpec>
>;

/** Runs a case that lies in tests/conformance/cases against its spec. */
export async function runCase(name: string): Promise<Verification> {
  const test = readCase(join(root, `tests/conformance/cases/${name}.json`));
  if (test.kind === "fill" || test.kind === "data") return verifyCase(test);
  const { spec, set = {} } = networks[name] ?? { spec: `tests/conformance/specs/${name}.cnn` };
  return verifyCase(test, {
    source: { path: spec, text: readFileSync(join(root, spec), "utf8") },
    readSource: (path) => (existsSync(path) ? readFileSync(path, "utf8") : undefined),
    settings: set,
  });
}

/** What is not within its tolerance, as lines: empty when the case passes. */
export function missesOf({ report }: Verification): readonly string[] {
  if (report.quantities.length === 0) return [`${report.name} compared nothing`];
  return report.quantities
    .filter(({ passes }) => !passes)
    .map(({ name, error, tolerance, worst }) => `${name}: error ${error} > ${tolerance} (${worst ?? "all"})`);
}
