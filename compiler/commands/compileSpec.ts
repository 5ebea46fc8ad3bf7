/** From a path on the command line to a compiled network, with diagnostics shown on the way. */
import { basename, extname, isAbsolute, relative, resolve } from "node:path";
import { existsSync, statSync } from "node:fs";
import { checkSource, type CheckResult, type CheckSourceOptions } from "../check.ts";
import { compile, type CompileOptions } from "../compile.ts";
import { diagnosticsToJson, renderDiagnostics, type JsonDiagnostic } from "../diagnostics/render.ts";
import { readText } from "../files/readText.ts";
import { UserError } from "../files/userError.ts";
import type { Diagnostic } from "../ir/diagnostic.ts";
import type { Compilation, CompiledNetwork } from "../ir/output.ts";
import type { SourceFile } from "../ir/source.ts";
import { paletteOf, type Terminal } from "./terminal.ts";

/** The options that every command on a spec has. */
export interface SpecOptions {
  readonly model?: string;
  readonly recipe?: string;
  /** Texts `name=value`, in the order given. */
  readonly set: readonly string[];
  /** `--batch`, of the commands that have it. */
  readonly batch?: number;
  readonly json?: boolean;
  /** `--deny-warnings`: a warning ends the command as an error does. */
  readonly denyWarnings?: boolean;
}

/** A spec that compiled, with its warnings for `--json`; on a terminal they have been shown. */
export interface CompiledSpec {
  readonly network: CompiledNetwork;
  readonly diagnostics: readonly JsonDiagnostic[];
  /** The spec's text, then those of the files that it imports. */
  readonly files: readonly SourceFile[];
}

/** The spec has errors (or warnings that are denied), and they have been shown: exit code 1, nothing more to say. */
export class SpecErrors extends Error {
  override readonly name = "SpecErrors";
}

/** Compiles a spec; shows warnings; shows errors, or warnings that are denied, and throws `SpecErrors`. */
export function compileSpec(
  path: string,
  options: SpecOptions,
  terminal: Terminal,
  more: Partial<CompileOptions> = {},
): CompiledSpec {
  const { network, diagnostics, files } = compileFile(path, options, more);
  showDiagnostics(diagnostics, options, terminal);
  if (network === undefined) throw new SpecErrors(`${path} has errors`);
  if (isRefused(diagnostics, options)) throw new SpecErrors(`${path} has warnings`);
  return { network, diagnostics: diagnosticsToJson(diagnostics), files };
}

/** What the module of a spec is called, and its table of tuned kernels: as the model that is asked for, else as the file. */
export function moduleStem(file: string, { model }: SpecOptions): string {
  return model ?? basename(file, extname(file));
}

/** Whether a command goes no further: at an error, and at a warning under `--deny-warnings`. */
export function isRefused(diagnostics: readonly Diagnostic[], { denyWarnings }: SpecOptions): boolean {
  return diagnostics.some(({ severity }) => severity === "error" || denyWarnings === true);
}

/** Compiles a spec without showing anything. */
export function compileFile(path: string, options: SpecOptions, more: Partial<CompileOptions> = {}): Compilation {
  return compile(readSpec(path), { ...askedOf(options), ...more });
}

/** Checks a spec without compiling it or showing anything. */
export function checkFile(path: string, options: SpecOptions, more: Partial<CheckSourceOptions> = {}): CheckResult {
  return checkSource(readSpec(path), { ...askedOf(options), ...more });
}

/** What a command line asks of the compiler; throws `UserError` where `--set` is not `name=value`. */
export function askedOf({ model, recipe, batch, set }: SpecOptions): CheckSourceOptions {
  const settings = parseSettings(set);
  return {
    readSource: readImport,
    ...(model !== undefined && { model }),
    ...(recipe !== undefined && { recipe }),
    ...(batch !== undefined && { batch }),
    ...(Object.keys(settings).length > 0 && { settings }),
  };
}

/** A spec's source under the path that people wrote; throws `UserError`. */
export function readSpec(path: string): SourceFile {
  return { path: shownPath(path), text: readText(path) };
}

/** How the compiler reads the files of `import`: undefined where there is none. */
function readImport(path: string): string | undefined {
  return existsSync(path) && statSync(path).isFile() ? readText(path) : undefined;
}

/** All of them on the error stream; under `--json` one object on the output, where the command goes no further. */
export function showDiagnostics(diagnostics: readonly Diagnostic[], options: SpecOptions, terminal: Terminal): void {
  const refused = isRefused(diagnostics, options);
  if (options.json === true) {
    if (refused)
      terminal.out(`${JSON.stringify({ ok: false, diagnostics: diagnosticsToJson(diagnostics) }, null, 2)}\n`);
    return;
  }
  if (diagnostics.length === 0) return;
  terminal.error(renderDiagnostics(diagnostics, paletteOf(terminal.errorColours)));
  const denied = refused && diagnostics.every(({ severity }) => severity === "warning") ? " (--deny-warnings)" : "";
  terminal.error(`\n${countDiagnostics(diagnostics)}${denied}\n`);
}

/** "2 errors, 1 warning". */
export function countDiagnostics(diagnostics: readonly Diagnostic[]): string {
  const counts = (["error", "warning"] as const).map((severity) => {
    const count = diagnostics.filter((diagnostic) => diagnostic.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}${count === 1 ? "" : "s"}`];
  });
  return counts.flat().join(", ") || "no errors";
}

/** Settings by name; throws `UserError` where a text is not `name=value`. */
function parseSettings(texts: readonly string[]): Readonly<Record<string, string>> {
  const settings = new Map<string, string>();
  for (const text of texts) {
    const equals = text.indexOf("=");
    const [name, value] = [text.slice(0, equals).trim(), text.slice(equals + 1).trim()];
    if (equals < 1 || !/^[A-Za-z_]\w*$/.test(name) || value === "") {
      throw new UserError(`--set ${text}: expected NAME=VALUE, such as --set classes=100`, 2);
    }
    if (settings.has(name)) throw new UserError(`--set gives ${name} twice`, 2);
    settings.set(name, value);
  }
  return Object.fromEntries(settings);
}

/** A path inside the working directory as it looks from there, with forward slashes: the same on every machine. */
function shownPath(path: string): string {
  const fromHere = relative(process.cwd(), resolve(path));
  const shown = isAbsolute(path) && (fromHere.startsWith("..") || isAbsolute(fromHere)) ? path : fromHere;
  return shown.replaceAll("\\", "/");
}
