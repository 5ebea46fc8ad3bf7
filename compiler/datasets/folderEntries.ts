/** What lies in a folder of pictures, symbolic links followed: a data set is often put together of them. */
import { readdirSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import { describeFileError } from "../files/userError.ts";
import { DatasetError } from "./datasetError.ts";

export interface FolderEntries {
  readonly folders: readonly string[];
  readonly files: readonly string[];
  /** Links that lead to nothing that can be read: their names, and why. */
  readonly unreadable: readonly (readonly [name: string, reason: string])[];
}

/** The names in a folder but for hidden ones; throws `DatasetError` where it cannot be read. */
export function folderEntries(directory: string): FolderEntries {
  const folders: string[] = [];
  const files: string[] = [];
  const unreadable: (readonly [string, string])[] = [];
  for (const entry of listed(directory)) {
    if (entry.name.startsWith(".")) continue;
    const kind = entry.isSymbolicLink() ? kindOfLink(join(directory, entry.name)) : entry;
    if (typeof kind === "string") unreadable.push([entry.name, kind]);
    else (kind.isDirectory() ? folders : files).push(entry.name);
  }
  return { folders, files, unreadable };
}

type Kind = { isDirectory(): boolean };

function listed(directory: string): readonly (Kind & { readonly name: string; isSymbolicLink(): boolean })[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    throw new DatasetError(`cannot read ${directory}: ${describeFileError(error)}`, 1, { cause: error });
  }
}

/** What a link leads to, or why that is of no use. */
function kindOfLink(path: string): Kind | string {
  try {
    const found = statSync(path);
    if (!found.isDirectory()) return found;
    const target = realpathSync(path);
    return comesBack(path, target) ? `it is a link to ${target}, a folder that it lies in itself` : found;
  } catch (error) {
    return `${linkText(path)}: ${describeFileError(error)}`;
  }
}

/** Whether who follows a link comes by it again: its target holds a folder on the way to it, where links on that way lead included. */
function comesBack(path: string, target: string): boolean {
  const above = dirname(path);
  return isWithin(realpathSync(above), target) || (above !== dirname(above) && comesBack(above, target));
}

function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function linkText(path: string): string {
  try {
    return `it is a link to ${readlinkSync(path)}`;
  } catch {
    return "it is a link";
  }
}
