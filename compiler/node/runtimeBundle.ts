import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A file to write beside a JavaScript module. */
export interface RuntimeFile {
  readonly path: string;
  readonly text: string;
}

/**
 * The whole runtime in one file, with its declarations: what a module of `emitModule` in JavaScript imports. What apps may want
 * besides (`cnnc/app`) is a second one, which a page that does not import it does not load.
 */
export function readRuntimeBundle(): readonly RuntimeFile[] {
  // From the package's dist/compiler/node, from dist/cli, or from the sources beside a build.
  const folders = ["../../browser", "../browser", "../../dist/browser"].map((path) => join(import.meta.dirname, path));
  const folder = folders.find((candidate) => existsSync(join(candidate, "cnnc-runtime.js")));
  if (folder === undefined) throw new Error("the runtime's bundle is missing: run `npm run build`");
  return ["cnnc-runtime.js", "cnnc-runtime.d.ts", "cnnc-app.js", "cnnc-app.d.ts"].map((path) => ({
    path,
    text: readFileSync(join(folder, path), "utf8"),
  }));
}
