/**
 * Declarations printed by a worker thread: ts-morph and prettier take as long to load and to warm up as a network of a hundred
 * layers takes to compile, and both can happen at once.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { DeclarationSource, ModuleDeclarations } from "./moduleDeclarations.ts";
import { printDeclarations, type PrintDeclarations } from "./printDeclarations.ts";

export interface PrintRequest {
  readonly source: DeclarationSource;
  readonly language: "ts" | "js";
}

/**
 * Starts the worker now; what it gives prints with it, once. Where no worker can be had (the sources are not built, threads are
 * forbidden) this thread prints.
 */
export function printInWorker(): PrintDeclarations {
  const worker = startWorker();
  if (worker === undefined) return printDeclarations;
  return async (source, language) => {
    const printed = await new Promise<ModuleDeclarations | undefined>((resolve) => {
      worker.ref();
      worker.once("message", resolve);
      worker.once("error", () => resolve(undefined));
      worker.once("exit", () => resolve(undefined));
      worker.postMessage({ source, language } satisfies PrintRequest);
    });
    // What went wrong there goes wrong here, too, and says so.
    return printed ?? printDeclarations(source, language);
  };
}

/** Of this thread alone: a command that ends before it has something to print does not wait for it. */
function startWorker(): Worker | undefined {
  const file = new URL("./declarationWorker.js", import.meta.url);
  if (!existsSync(fileURLToPath(file))) return undefined;
  try {
    const worker = new Worker(file);
    worker.on("error", () => undefined);
    worker.unref();
    return worker;
  } catch {
    return undefined;
  }
}
