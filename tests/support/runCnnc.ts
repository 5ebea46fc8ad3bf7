import { spawn } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

export interface CliResult {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
}

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Hears each line of the output as it comes; what it returns is sent to the process as a signal. */
  readonly onLine?: (line: string) => NodeJS.Signals | undefined;
}

/** Runs the built command line (`npm run build`) as a user does. */
export async function runCnnc(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const { FORCE_COLOR: _, ...inherited } = process.env;
  const child = spawn(process.execPath, [join(root, "compiler/bin.mjs"), ...args], {
    cwd: options.cwd ?? root,
    env: { ...inherited, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, error, seen] = ["", "", 0];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    const lines = out.split("\n");
    for (; seen < lines.length - 1; seen++) {
      const signal = options.onLine?.(lines[seen] ?? "");
      if (signal !== undefined) child.kill(signal);
    }
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    error += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject).on("close", resolve);
  });
  return { code, out, error };
}
