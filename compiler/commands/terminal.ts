/** Where a command prints: results to `out`, everything else to `error`; colours and bars only on a terminal. */
import pico from "picocolors";
import type { Palette } from "../diagnostics/render.ts";

export interface Terminal {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  /** Whether the error stream is a terminal, where a progress bar can be redrawn. */
  readonly isInteractive: boolean;
  readonly columns: number;
  readonly outColours: Colours;
  readonly errorColours: Colours;
}

export type Colours = ReturnType<typeof pico.createColors>;

/** The terminal of this process; NO_COLOR and FORCE_COLOR are honoured, `--no-color` is `colour: false`. */
export function processTerminal(): Terminal {
  return {
    out: (text) => process.stdout.write(text),
    error: (text) => process.stderr.write(text),
    isInteractive:
      (process.stderr.isTTY as boolean | undefined) === true && process.env["TERM"] !== "dumb" && !process.env["CI"],
    columns: process.stderr.columns || 80,
    outColours: pico.createColors(wantsColour(process.stdout.isTTY)),
    errorColours: pico.createColors(wantsColour(process.stderr.isTTY)),
  };
}

/** `isTTY` is undefined on a pipe, and an undefined answer would leave the choice to picocolors, which colours under CI. */
function wantsColour(isTerminal: boolean | undefined): boolean {
  if (process.env["NO_COLOR"] || process.argv.includes("--no-color")) return false;
  if (process.env["FORCE_COLOR"]) return true;
  return isTerminal === true && process.env["TERM"] !== "dumb";
}

/** The colours of diagnostics. */
export function paletteOf(colours: Colours): Palette {
  return {
    error: (text) => colours.bold(colours.red(text)),
    warning: (text) => colours.bold(colours.yellow(text)),
    strong: colours.bold,
    gutter: colours.blue,
  };
}

/** Text in columns that line up: the first to the left, the others as `align` says; two spaces between. */
export function table(rows: readonly (readonly string[])[], align: readonly ("left" | "right")[]): string {
  const widths = align.map((_, column) => Math.max(0, ...rows.map((row) => (row[column] ?? "").length)));
  const cell = (text: string, column: number): string =>
    align[column] === "right" ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0);
  return rows.map((row) => row.map(cell).join("  ").trimEnd() + "\n").join("");
}

/** "61,706". */
export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}

/** "1 epoch", "5 epochs". */
export function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** "411.0 MB", in powers of 1000. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  const power = Math.min(units.length, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(1)} ${units[power - 1] ?? ""}`;
}

/** "1:05" or "1:02:03"; "-" where nothing is known yet. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return "-";
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number): string => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
