/** Checking and compiling never read data: they work where a recipe's data set is absent, and ask for no other file. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "@jest/globals";
import { temporaryFolder, writeInto } from "../support/temporaryFolder.ts";

const root = resolve(import.meta.dirname, "../..");
const sources = ["fashion_mnist", "mnist", "cifar10", "cifar100", 'images("photos")', 'arrays("x.npy", "y.npy")'];
const names = ["fashion", "mnist", "cifar10", "cifar100", "folders", "arrays"];

/** The model that each data set would suit. */
function spec(source: string): string {
  const shape = source.startsWith("cifar") ? "3 x 32 x 32" : "1 x 28 x 28";
  return `model Net {
  input ${shape}
  flatten
  linear(${source === "cifar100" ? 100 : 10})
}
train Net { data ${source} { normalize(mean: 0.5, std: 0.2) augment { random_flip } }  optimizer sgd(lr: 0.1)  batch 2 }
`;
}

interface Traced {
  readonly runs: readonly { readonly code: number; readonly out: string; readonly error: string }[];
  readonly paths: readonly string[];
}

/** The command lines, run in `cwd` in a process of their own that notes which paths they ask for. */
function trace(cwd: string, commands: readonly (readonly string[])[]): Traced {
  const script = join(root, "tests/support/traceReads.mjs");
  const out = execFileSync(process.execPath, [script, JSON.stringify(commands)], { cwd, encoding: "utf8" });
  return JSON.parse(out) as Traced;
}

test("check, compile and summary of a spec whose data is nowhere, and every path that they ask for", () => {
  const folder = temporaryFolder(Object.fromEntries(names.map((name, i) => [`${name}.cnn`, spec(sources[i] ?? "")])));
  const commands = names.flatMap((name) => [
    ["check", `${name}.cnn`, "--deny-warnings"],
    ["compile", `${name}.cnn`, "--dump", "graph"],
  ]);
  const { runs, paths } = trace(folder, [
    ...commands,
    ["compile", "arrays.cnn", "-o", "out"],
    ["summary", "folders.cnn"],
  ]);
  expect(runs.map(({ code, error }) => [code, error.includes("rror")])).toEqual(runs.map(() => [0, false]));
  // TypeScript (of ts-morph) asks for its own file in capitals, to learn whether the file system tells them apart.
  const asked = paths.map((path) => resolve(folder, path)).filter((path) => path !== path.toUpperCase());
  // That the notes are taken at all.
  for (const name of names) expect(asked).toContain(join(folder, `${name}.cnn`));
  // What `cnnc tune` found may lie beside the spec.
  const own = [
    join(folder, "out"),
    ...names.flatMap((name) => [`${name}.cnn`, `${name}.tune.json`].map((file) => join(folder, file))),
  ];
  const parts = ["dist", "node_modules", "package.json", "compiler/bin.mjs"].map((part) => join(root, part));
  const others = asked.filter((path) => ![...own, ...parts].some((place) => !relative(place, path).startsWith("..")));
  // Folders on the way to one's own package.json are looked into by Node itself.
  expect(others.filter((path) => !path.endsWith("package.json") && !root.startsWith(path))).toEqual([]);
});

test("the watch sees data being asked for where it is", () => {
  const folder = temporaryFolder({ "net.cnn": spec("mnist").replace("augment { random_flip }", "") });
  writeInto(folder, { "digits/notes.txt": "no images here" });
  const { runs, paths } = trace(folder, [["train", "net.cnn", "--data", "digits"]]);
  expect(runs[0]?.code).toBe(1);
  expect(paths.some((path) => path.includes("digits"))).toBe(true);
});

test("nothing that the compiler is made of imports the readers of data", () => {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(join(root, file), "utf8");
    for (const [, path = ""] of text.matchAll(/^(?:import|export)(?! type)[^;]*?from "(\.[^"]+)";/gm)) {
      visit(relative(root, resolve(root, dirname(file), path)).replaceAll("\\", "/"));
    }
  };
  for (const entry of ["compiler/index.ts", "compiler/commands/check.ts", "compiler/commands/compile.ts"]) visit(entry);
  expect(seen.size).toBeGreaterThan(100);
  expect([...seen].filter((file) => /^compiler\/(datasets|training|verify)\//.test(file))).toEqual([]);
});
