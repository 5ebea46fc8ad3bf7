import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { constants, homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { brotliDecompressSync } from "node:zlib";

/** The files of the archive that a Vulkan instance needs; it also holds OpenGL libraries. */
const neededFiles = ["vk_swiftshader_icd.json", "libvk_swiftshader.so", "libvulkan.so.1"] as const;

/** Where SwiftShader's archive lies, or undefined: no such package, or one for another kind of machine. */
export function findSwiftShaderArchive(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  for (const from of [import.meta.url, join(process.cwd(), "package.json")]) {
    try {
      const entry = createRequire(from).resolve("@sparticuz/chromium");
      for (let folder = dirname(entry); folder !== dirname(folder); folder = dirname(folder)) {
        const archive = join(folder, "bin", "swiftshader.tar.br");
        if (existsSync(archive)) return archive;
      }
    } catch {
      // Not installed as seen from there.
    }
  }
  return undefined;
}

/**
 * Makes SwiftShader the Vulkan driver of this process and of the processes it starts from now on.
 *
 * The Vulkan loader reads the environment with getenv whenever an instance is created. A worker thread and a jest test
 * only see a copy of it, so there the main thread (jest's globalSetup) has to call this first.
 */
export async function useSwiftShader(archive: string): Promise<void> {
  const folder = await unpackOnce(archive);
  const driver = join(folder, "vk_swiftshader_icd.json");
  process.env["VK_ICD_FILENAMES"] = driver;
  process.env["VK_DRIVER_FILES"] = driver;
  loadLibrary(join(folder, "libvulkan.so.1"));
}

/**
 * Loads a shared library that is no Node addon and keeps it loaded, so that Dawn's own dlopen("libvulkan.so.1") finds it
 * by its soname even where the system has none.
 */
function loadLibrary(path: string): void {
  const keepLoaded = 0x1000; // RTLD_NODELETE of glibc
  try {
    process.dlopen({ exports: {} }, path, constants.dlopen.RTLD_NOW | keepLoaded);
  } catch (error) {
    // Node complains that the library registers no addon, after it has loaded it.
    if (!(error as Error).message.includes("did not self-register")) throw error;
  }
}

/** Unpacks the archive into the user's cache and returns the folder; other processes may be doing the same. */
async function unpackOnce(archive: string): Promise<string> {
  const packed = await readFile(archive);
  const name = `swiftshader-${createHash("sha256").update(packed).digest("hex").slice(0, 16)}`;
  const cache = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  const folder = join(cache, "cnnc", name);
  if (isComplete(folder)) return folder;

  let unpacked: string;
  try {
    await mkdir(dirname(folder), { recursive: true });
    unpacked = await mkdtemp(`${folder}-`);
  } catch {
    // No cache to write to: a folder of this process's own, since a shared one could hold somebody else's libraries.
    unpacked = await mkdtemp(join(tmpdir(), "cnnc-"));
  }
  const files = readTar(brotliDecompressSync(packed));
  for (const file of neededFiles) {
    const content = files.get(file);
    if (!content) throw new Error(`${archive} holds no ${file}`);
    await writeFile(join(unpacked, file), content, { mode: 0o755 });
  }
  if (dirname(unpacked) !== dirname(folder)) return unpacked;
  return await publish(unpacked, folder);
}

/** Renames a finished folder to its final name in one step, unless another process was first. */
async function publish(unpacked: string, folder: string): Promise<string> {
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      await rename(unpacked, folder);
      return folder;
    } catch {
      if (isComplete(folder)) {
        await rm(unpacked, { recursive: true, force: true });
        return folder;
      }
      // Something has cleared files out of it since it was made.
      await rm(folder, { recursive: true, force: true });
    }
  }
  return unpacked;
}

function isComplete(folder: string): boolean {
  return neededFiles.every((file) => existsSync(join(folder, file)));
}

/** The regular files of a tar archive by name, without folders. */
export function readTar(tar: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  const block = 512;
  for (let at = 0; at + block <= tar.length && tar[at] !== 0;) {
    const text = (offset: number, length: number): string =>
      tar.toString("latin1", at + offset, at + offset + length).split("\0", 1)[0] ?? "";
    const sizeBytes = Number.parseInt(text(124, 12), 8) || 0;
    const type = text(156, 1);
    const start = at + block;
    if (type === "" || type === "0") {
      files.set(text(0, 100).split("/").at(-1) ?? "", tar.subarray(start, start + sizeBytes));
    }
    at = start + Math.ceil(sizeBytes / block) * block;
  }
  return files;
}
