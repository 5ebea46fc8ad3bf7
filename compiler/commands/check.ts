import { diagnosticsToJson } from "../diagnostics/render.ts";
import { compileFile, countDiagnostics, isRefused, showDiagnostics, type SpecOptions } from "./compileSpec.ts";
import type { Terminal } from "./terminal.ts";

/** `cnnc check`: every diagnostic of a file; 1 when there is an error among them, or a warning that is denied. */
export function checkCommand(file: string, options: SpecOptions, terminal: Terminal): number {
  const { diagnostics, network } = compileFile(file, options);
  const ok = network !== undefined && !isRefused(diagnostics, options);
  if (options.json === true) {
    terminal.out(`${JSON.stringify({ ok, diagnostics: diagnosticsToJson(diagnostics) }, null, 2)}\n`);
    return ok ? 0 : 1;
  }
  showDiagnostics(diagnostics, options, terminal);
  if (ok && diagnostics.length === 0) terminal.out(`${file}: ${network.name}, ${countDiagnostics(diagnostics)}\n`);
  return ok ? 0 : 1;
}
