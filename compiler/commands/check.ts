import { diagnosticsToJson } from "../diagnostics/render.ts";
import { compileFile, countDiagnostics, showDiagnostics, type SpecOptions } from "./compileSpec.ts";
import type { Terminal } from "./terminal.ts";

export interface CheckCommandOptions extends SpecOptions {
  readonly recipe?: string;
}

/** `cnnc check`: every diagnostic of a file; 1 when there is an error among them. */
export function checkCommand(file: string, options: CheckCommandOptions, terminal: Terminal): number {
  const { diagnostics, network } = compileFile(
    file,
    options,
    options.recipe === undefined ? {} : { recipe: options.recipe },
  );
  const ok = network !== undefined;
  if (options.json === true) {
    terminal.out(`${JSON.stringify({ ok, diagnostics: diagnosticsToJson(diagnostics) }, null, 2)}\n`);
    return ok ? 0 : 1;
  }
  showDiagnostics(diagnostics, options, terminal);
  if (ok && diagnostics.length === 0) terminal.out(`${file}: ${network.name}, ${countDiagnostics(diagnostics)}\n`);
  return ok ? 0 : 1;
}
