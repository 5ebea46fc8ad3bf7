import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describeFileError, UserError } from "./userError.ts";

/**
 * Writes a file in one step: to a temporary file beside it, to the disk, then renamed over the old one. A process killed
 * at any moment leaves the old file or the new one, never a part; where not even a loss of power may lose it, `isLasting`
 * waits for the disk, which generated files need not. Makes the folder; throws `UserError`.
 */
export function writeAtomically(path: string, content: string | Uint8Array, { isLasting = true } = {}): void {
  const folder = dirname(path);
  makeFolder(folder);
  const temporary = join(folder, `.${basename(path)}.${process.pid}.tmp`);
  try {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const file = openSync(temporary, "w");
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
      if (isLasting) fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    if (isLasting) syncFolder(folder);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new UserError(`cannot write ${path}: ${describeFileError(error)}`, 1, { cause: error });
  }
}

/** Makes a folder and those above it; throws `UserError`. */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    const exists = (error as { code?: unknown }).code === "EEXIST";
    const reason = exists ? "a file of that name is there already" : describeFileError(error);
    throw new UserError(`cannot make the directory ${path}: ${reason}`, 1, { cause: error });
  }
}

/** The rename itself reaches the disk only with the folder; some systems cannot open one, and need not. */
function syncFolder(folder: string): void {
  try {
    const handle = openSync(folder, "r");
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch {
    // Windows refuses to open a folder.
  }
}
