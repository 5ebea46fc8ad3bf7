import { diagnosticsToJson, renderDiagnostics } from "../diagnostics/render.ts";
import type { Diagnostic } from "../ir/diagnostic.ts";
import { readCase } from "../verify/caseFile.ts";
import type { CaseReport, Quantity } from "../verify/report.ts";
import { CaseSpecErrors, verifyCase, type Verification } from "../verify/verifyCase.ts";
import { askedOf, checkFile, isRefused, readSpec, showDiagnostics, SpecErrors, type SpecOptions } from "./compileSpec.ts"; // prettier-ignore
import { paletteOf, table, type Terminal } from "./terminal.ts";

export interface VerifyCommandOptions extends SpecOptions {
  readonly case: string;
  readonly data?: string;
  readonly step?: boolean;
}

/** `cnnc verify`: one line a quantity, error beside tolerance; 1 on a miss. */
export async function verifyCommand(
  file: string | undefined,
  options: VerifyCommandOptions,
  terminal: Terminal,
): Promise<number> {
  const test = readCase(options.case);
  const warnings = file === undefined ? [] : warningsOf(file, options);
  showDiagnostics(warnings, options, terminal);
  if (isRefused(warnings, options)) throw new SpecErrors(`${file ?? test.name} has warnings`);
  let verification: Verification;
  try {
    verification = await verifyCase(test, {
      ...(file === undefined ? {} : { source: readSpec(file) }),
      ...askedOf(options),
      ...(options.step === undefined ? {} : { step: options.step }),
      ...(options.data === undefined ? {} : { imageDirectory: options.data }),
    });
  } catch (error) {
    if (!(error instanceof CaseSpecErrors)) throw error;
    terminal.error(renderDiagnostics(error.diagnostics, paletteOf(terminal.errorColours)));
    throw new SpecErrors(`${file ?? test.name} has errors`);
  }
  const { report, adapter } = verification;
  if (options.json === true)
    terminal.out(`${JSON.stringify({ ...report, adapter, diagnostics: diagnosticsToJson(warnings) }, null, 2)}\n`);
  else terminal.out(printReport(report, adapter, terminal));
  return report.passes ? 0 : 1;
}

/** The warnings of the spec as it is written; the case brings a recipe and images of its own. */
function warningsOf(file: string, options: VerifyCommandOptions): readonly Diagnostic[] {
  const { diagnostics } = checkFile(file, options, { anyOutput: true, ownImages: true });
  // Errors are reported by the case's own compilation.
  return diagnostics.filter(({ severity }) => severity === "warning");
}

function printReport(report: CaseReport, adapter: string | undefined, { outColours }: Terminal): string {
  const word = ({ passes }: Quantity): string => (passes ? "ok" : "MISS");
  const rows = report.quantities.map((found) => [
    found.name,
    `error ${formatError(found.error)}`,
    `tolerance ${formatError(found.tolerance)}`,
    word(found),
    found.worst === undefined ? "" : `(worst: ${found.worst})`,
  ]);
  const lines = table(rows, ["left", "right", "right", "left", "left"])
    .replace(/\bMISS\b/g, (text) => outColours.red(text))
    .replace(/ ok\b/g, (text) => outColours.green(text));
  const misses = report.quantities.filter(({ passes }) => !passes).length;
  const end = report.passes ? `${report.name}: ok` : `${report.name}: ${misses} of ${rows.length} quantities MISS`;
  return `${lines}${end}${adapter === undefined ? "" : `, on ${adapter}`}\n`;
}

function formatError(error: number): string {
  return error === 0 ? "0" : error.toExponential(1);
}
