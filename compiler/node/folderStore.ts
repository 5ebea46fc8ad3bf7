import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ByteStore } from "cnnc/app";
import { NetworkError } from "cnnc/runtime";
import { writeAtomically } from "../files/writeAtomically.ts";

/**
 * Bytes as files of a folder, which is made where it is missing. A file is written beside the old one, to the disk, then renamed: a
 * process killed at any moment leaves the old bytes or the new ones. What fails rejects with a NetworkError of kind "storage".
 */
export function folderStore(folder: string): ByteStore {
  /** A name is that of a file in the folder, not of one elsewhere or of one half-written. */
  const pathOf = (name: string): string => {
    if (name !== "" && !/[/\\]|^\./.test(name)) return join(folder, name);
    throw new NetworkError("storage", `"${name}" cannot be a file of ${folder}: no slashes, and no dot in front`);
  };
  return {
    async save(name, bytes) {
      const path = pathOf(name);
      await attempt(() => {
        writeAtomically(path, bytes);
        return Promise.resolve();
      });
    },
    async load(name) {
      const path = pathOf(name);
      // A plain array of bytes: Node's Buffer may share its memory.
      return attempt(async () => {
        const found = await unlessMissing(readFile(path));
        return found && Uint8Array.from(found);
      });
    },
    async remove(name) {
      const path = pathOf(name);
      await attempt(() => rm(path, { force: true }));
    },
    async names() {
      const files = await attempt(() => unlessMissing(readdir(folder)));
      return (files ?? []).filter((name) => !name.startsWith(".")).sort();
    },
  };
}

async function attempt<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new NetworkError("storage", (error as Error).message, { cause: error });
  }
}

/** What is there; undefined where there is no such file or folder. */
async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === "ENOENT") return undefined;
    throw error;
  }
}
