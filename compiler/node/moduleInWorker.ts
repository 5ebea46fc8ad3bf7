/**
 * The slow parts of a module's text by a worker thread. ts-morph and prettier take as long to load and to warm up as a network of a
 * hundred layers takes to compile; and kernels are packed while others are still being written.
 */
import type { DeclarationSource, ModuleDeclarations } from "../6-emit/moduleDeclarations.ts";
import { packKernels, type PackedTexts, type PackKernels } from "../6-emit/packTexts.ts";
import { printDeclarations, type PrintDeclarations } from "../6-emit/printDeclarations.ts";
import { startWorker } from "./startWorker.ts";

/** What the thread is sent: a kernel's text, which it keeps, or what it answers under the same number. */
export type ModuleRequest =
  | { readonly kind: "text"; readonly wgsl: string }
  | {
      readonly kind: "print";
      readonly number: number;
      readonly source: DeclarationSource;
      readonly language: "ts" | "js";
    }
  /** Packs the first `kept` texts that it has, and these after them. */
  | { readonly kind: "pack"; readonly number: number; readonly kept: number; readonly more: readonly string[] };

/** What it answers, by what it is asked. */
export interface ModuleAnswers {
  readonly print: ModuleDeclarations;
  readonly pack: PackedTexts;
}

export interface ModuleReply {
  readonly number: number;
  readonly value: ModuleAnswers[keyof ModuleAnswers];
}

export interface ModuleWork {
  readonly print: PrintDeclarations;
  readonly pack: PackKernels;
  /** For `CompileOptions`: the thread begins with what it will be asked for. */
  readonly onDeclared?: (source: DeclarationSource) => void;
  readonly onKernel?: (wgsl: string) => void;
}

/**
 * Starts the worker now; what it gives works with it. A command that ends before it has something to write does not wait for it. Where
 * no worker can be had, or it fails, this thread does the work.
 */
export function moduleInWorker(
  language: "ts" | "js",
  worker = startWorker(new URL("./moduleWorker.js", import.meta.url)),
): ModuleWork {
  if (worker === undefined) return { print: printDeclarations, pack: packKernels };
  const open = new Map<number, (value: never) => void>();
  worker.on("message", ({ number, value }: ModuleReply) => {
    open.get(number)?.(value as never);
    open.delete(number);
  });
  // One that listens for messages would keep the process alive: a command that fails on its way asks for nothing.
  worker.unref();
  let hasEnded = false;
  const end = (): void => {
    hasEnded = true;
    for (const resolve of open.values()) resolve(undefined as never);
    open.clear();
  };
  worker.on("error", end).on("exit", end);
  let asked = 0;
  const ask = <K extends keyof ModuleAnswers>(
    request: (number: number) => ModuleRequest & { readonly kind: K },
  ): Promise<ModuleAnswers[K] | undefined> =>
    new Promise((resolve) => {
      if (hasEnded) {
        resolve(undefined);
        return;
      }
      const number = asked++;
      open.set(number, resolve);
      worker.postMessage(request(number));
    });
  let waiting = 0;
  /** Keeps the process alive for an answer. What went wrong in the thread goes wrong here, too, and says so. */
  const awaited = async <T>(answer: Promise<T | undefined>, here: () => T | Promise<T>): Promise<T> => {
    worker.ref();
    waiting++;
    const value = await answer;
    if (--waiting === 0) worker.unref();
    return value ?? here();
  };
  let early: { readonly key: string; readonly answer: Promise<ModuleDeclarations | undefined> } | undefined;
  const taken: string[] = [];
  return {
    onDeclared(source) {
      early = {
        key: JSON.stringify([source, language]),
        answer: ask((number) => ({ kind: "print", number, source, language })),
      };
    },
    onKernel(wgsl) {
      taken.push(wgsl);
      worker.postMessage({ kind: "text", wgsl } satisfies ModuleRequest);
    },
    print(source, wanted) {
      // A module under another name, or of a tuned plan, may have others.
      const isEarly = early?.key === JSON.stringify([source, wanted]);
      const answer = isEarly ? early?.answer : undefined;
      return awaited(answer ?? ask((number) => ({ kind: "print", number, source, language: wanted })), () =>
        printDeclarations(source, wanted),
      );
    },
    pack(texts) {
      // A text that was taken lies under its heading in the plan; a plan of other kernels has others.
      const areTaken = taken.every((text, index) => texts[index]?.endsWith(`\n\n${text}`) === true);
      const kept = areTaken ? taken.length : 0;
      return awaited(
        ask((number) => ({ kind: "pack", number, kept, more: texts.slice(kept) })),
        () => packKernels(texts),
      );
    },
  };
}
