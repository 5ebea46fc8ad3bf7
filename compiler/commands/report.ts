import { statSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../files/userError.ts";
import { writeAtomically } from "../files/writeAtomically.ts";
import { collectReport } from "../report/collectReport.ts";
import { reportPage } from "../report/page.ts";
import { isAbsent, type ReportData } from "../report/reportData.ts";
import { formatBytes, type Terminal } from "./terminal.ts";

export interface ReportCommandOptions {
  /** Where the page goes; default: report.html in the run's directory. */
  readonly out?: string;
  /** Number of a test image or a file, for the feature maps. */
  readonly image: string;
  readonly value: readonly string[];
  readonly weights?: string;
  readonly data?: string;
  readonly mistakes: number;
  readonly json?: boolean;
}

/** `cnnc report`: one page that shows a run, also one that is still being written. */
export async function reportCommand(
  directory: string,
  options: ReportCommandOptions,
  terminal: Terminal,
): Promise<number> {
  checkDirectory(directory);
  const data = await collectReport(directory, {
    image: options.image,
    values: options.value,
    mistakes: options.mistakes,
    ...(options.weights !== undefined && { weights: options.weights }),
    ...(options.data !== undefined && { data: options.data }),
    note: (text) => terminal.error(`${text}\n`),
  });
  const page = reportPage(data);
  const path = options.out ?? join(directory, "report.html");
  writeAtomically(path, page);
  const bytes = Buffer.byteLength(page);
  if (options.json === true) terminal.out(`${JSON.stringify({ path, bytes, absent: absentParts(data) })}\n`);
  else terminal.out(`${path} (${formatBytes(bytes)}); any browser shows it\n`);
  return 0;
}

function checkDirectory(directory: string): void {
  const found = statSync(directory, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) return;
  const problem = found === undefined ? "there is no such directory" : "it is a file";
  throw new UserError(`${directory}: ${problem}; name a run's directory, as \`cnnc train --out DIR\` leaves it`, 2);
}

/** The parts that could not be shown, with the reasons. */
function absentParts(data: ReportData): Readonly<Record<string, string>> {
  const reasons = Object.entries(data).flatMap(([part, content]: [string, object]) =>
    isAbsent(content) ? [[part, content.absent] as const] : [],
  );
  return Object.fromEntries(reasons);
}
