/**
 * Declarations printed by a worker thread: ts-morph and prettier take as long to load and to warm up as a network of a hundred
 * layers takes to compile, and both can happen at once.
 */
import { startWorker } from "./startWorker.ts";
import type { DeclarationSource, ModuleDeclarations } from "../6-emit/moduleDeclarations.ts";
import { printDeclarations, type PrintDeclarations } from "../6-emit/printDeclarations.ts";

export interface PrintRequest {
  readonly source: DeclarationSource;
  readonly language: "ts" | "js";
}

/**
 * Starts the worker now; what it gives prints with it, once. A command that ends before it has something to print does not wait for
 * it. Where no worker can be had this thread prints.
 */
export function printInWorker(): PrintDeclarations {
  const worker = startWorker(new URL("./declarationWorker.js", import.meta.url));
  if (worker === undefined) return printDeclarations;
  worker.on("error", () => undefined);
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
