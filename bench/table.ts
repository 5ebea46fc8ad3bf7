/** The bench's results as people read them; pure. */
import type { BenchProgram, EntryRow } from "./statistics.ts";

/** Columns as wide as their longest cell, the first one aligned left, the others right. */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd();
  const [head = [], ...body] = rows;
  return [line(head), "-".repeat(widths.reduce((sum, width) => sum + width + 2, -2)), ...body.map(line), ""].join("\n");
}

export interface TableOptions {
  readonly program: BenchProgram;
  /** A software adapter's time is process CPU time, where it is known. */
  readonly software: boolean;
}

/** The heading, then one row an entry, without the columns of CPU time where none was measured. */
export function tableCells(
  rows: readonly EntryRow[],
  { program, software }: TableOptions,
): readonly (readonly string[])[] {
  const hasCpu = rows.some((row) => row.cpuSeconds !== undefined);
  const timeOf = (row: EntryRow | undefined): number =>
    ((software ? row?.cpuSeconds : undefined) ?? row?.wallSeconds)?.median ?? NaN;
  const base = timeOf(rows[0]);
  const heading = [
    "entry",
    ...(hasCpu ? ["CPU s/step", "min"] : []),
    "wall s/step",
    "min",
    "ratio",
    "cold s",
    "dispatches",
    "submits",
    "waits",
    "peak MB",
    "new bytes",
    "images/s",
    "of matmul",
    program === "training" ? "losses" : "outputs",
  ];
  const cells = rows.map((row) => [
    row.entry,
    ...(hasCpu ? [seconds(row.cpuSeconds?.median), seconds(row.cpuSeconds?.minimum)] : []),
    seconds(row.wallSeconds.median),
    seconds(row.wallSeconds.minimum),
    `${(timeOf(row) / base).toFixed(2)}x`,
    row.coldSeconds.median.toFixed(2),
    count(row.dispatches),
    count(row.submits),
    count(row.hostWaits),
    row.peakBytes === undefined ? "-" : (row.peakBytes / 1e6).toFixed(1),
    count(row.createdBytes),
    row.imagesPerSecond < 100 ? row.imagesPerSecond.toFixed(1) : row.imagesPerSecond.toFixed(0),
    row.rateShare === undefined ? "-" : `${(row.rateShare * 100).toFixed(1)} %`,
    row.disagreement === "" ? "agree" : `DIFFER (${row.disagreement})`,
  ]);
  return [heading, ...cells];
}

/** `tableCells` as text; ratios are of the median time to the first row's: of CPU time on a software adapter, else of wall time. */
export function renderRows(rows: readonly EntryRow[], options: TableOptions): string {
  return renderTable(tableCells(rows, options));
}

/** Three digits, as many as a noisy machine gives. */
export function seconds(value: number | undefined): string {
  if (value === undefined) return "-";
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function count(value: number | undefined): string {
  return value === undefined ? "-" : String(Math.round(value * 10) / 10);
}
