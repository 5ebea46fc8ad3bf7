import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

/** A thread that runs a built file and keeps no process alive; undefined where none can be had: the sources are not built, threads are forbidden. */
export function startWorker(file: URL): Worker | undefined {
  if (!existsSync(fileURLToPath(file))) return undefined;
  try {
    // Without this process's own arguments: some are for its first file alone.
    const worker = new Worker(file, { execArgv: [] });
    worker.unref();
    return worker;
  } catch {
    return undefined;
  }
}
