/** What the documents say, checked: links, commands, networks with their diagnostics, and code that uses a module. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { emitModule } from "../../compiler/6-emit/emitModule.ts";
import { compile } from "../../compiler/compile.ts";
import { renderDiagnostics } from "../../compiler/diagnostics/render.ts";
import type { CompiledNetwork, EmittedFile } from "../../compiler/ir/output.ts";
import { readRuntimeBundle } from "../../compiler/node/runtimeBundle.ts";

const root = resolve(import.meta.dirname, "../..");
const guides = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];
const documents = [...guides, ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)].filter((path) =>
  path.endsWith(".md"),
);
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

interface CodeBlock {
  readonly language: string;
  readonly text: string;
}

function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

function blocksOf(path: string): readonly CodeBlock[] {
  return [...read(path).matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, language = "", text = ""]) => ({
    language,
    text,
  }));
}

/** The anchors that a Markdown page offers: its headings in lower case, spaces as dashes. */
function anchorsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

describe.each(documents)("%s", (path) => {
  test("links lead somewhere", () => {
    const targets = [...read(path).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
    const broken = targets
      .filter((target) => !/^https?:/.test(target))
      .filter((target) => {
        const [file = "", anchor] = target.split("#");
        const found = file === "" ? join(root, path) : join(root, dirname(path), file);
        if (!existsSync(found)) return true;
        return anchor !== undefined && !anchorsOf(readFileSync(found, "utf8")).includes(anchor);
      });
    expect(broken).toEqual([]);
  });

  test("scripts exist", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Readonly<Record<string, string>> };
    const named = [...read(path).matchAll(/\bnpm run ([\w:-]+)/g)].map(([, name = ""]) => name);
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  test("files of the project that it names in code exist", () => {
    const named = [...read(path).matchAll(/`((?:compiler|runtime|grammar|specs|tests)\/[\w./-]+)`/g)];
    const missing = named.map(([, name = ""]) => name).filter((name) => !existsSync(join(root, name)));
    // Names that a reader is to replace.
    expect(missing.filter((name) => !/my[A-Z]\w*\.ts$|CNN1234/.test(name))).toEqual([]);
  });
});

/** Networks in the guides, each with the messages that stand right behind it, where there are some. */
const networks = [...guides, "docs/language.md"].flatMap((path) => {
  const blocks = blocksOf(path);
  return blocks.flatMap(({ language, text }, index) => {
    const next = blocks[index + 1];
    const messages = next?.language === "text" && next.text.startsWith("error[") ? next.text : "";
    return language === "cnn"
      ? [{ name: `${path}: ${/\w+ \w+/.exec(text.replace(/\/\/.*/g, ""))?.[0]}`, text, messages }]
      : [];
  });
});

test.each(networks)("$name", ({ text, messages }) => {
  const { network, diagnostics } = compile({ path: "net.cnn", text });
  expect(renderDiagnostics(diagnostics)).toBe(messages);
  expect(network === undefined).toBe(messages !== "");
});

test("the guides show networks, one of them broken", () => {
  expect(networks.length).toBeGreaterThan(3);
  expect(networks.filter(({ messages }) => messages !== "")).toHaveLength(1);
});

describe("the programs of README.md and docs/app.md", () => {
  const { network } = compile({ path: "specs/lenet.cnn", text: read("specs/lenet.cnn") });
  const programs = (language: string): readonly EmittedFile[] =>
    ["README.md", "docs/app.md"]
      .flatMap(blocksOf)
      .filter((block) => block.language === language)
      .map(({ text }, index) => ({ path: `use${index}.${language}`, text }));

  test("in TypeScript pass tsc --strict against the generated module", async () => {
    const files = await emitModule(network as CompiledNetwork, { language: "ts" });
    expect(programs("ts")).toHaveLength(12);
    expect(typeErrors([...files, ...programs("ts")], ["@webgpu/types", "node"])).toBe("");
    const wrong = programs("ts").map(({ path, text }) => ({
      path,
      text: text.replace('"conv1.bias"', '"conv1.bais"'),
    }));
    expect(typeErrors([...files, ...wrong], ["@webgpu/types", "node"])).toContain('"conv1.bais"');
  }, 120_000);

  test("in JavaScript pass tsc with checkJs, without any package", async () => {
    const files = await emitModule(network as CompiledNetwork, { language: "js" });
    const declarations = [...files, ...readRuntimeBundle()].filter(({ path }) => path.endsWith(".d.ts"));
    expect(programs("js")).toHaveLength(1);
    expect(typeErrors([...declarations, ...programs("js")], [])).toBe("");
  }, 120_000);

  /** What the TypeScript compiler says of an app with these files and types. */
  function typeErrors(files: readonly EmittedFile[], types: readonly string[]): string {
    const folder = mkdtempSync(join(tmpdir(), "cnnc-documents-"));
    folders.push(folder);
    mkdirSync(join(folder, "src"));
    for (const { path, text } of files.filter(({ path }) => !path.endsWith(".wgsl")))
      writeFileSync(join(folder, "src", path), text);
    const compilerOptions = {
      ...{ target: "es2022", module: "nodenext", strict: true, noEmit: true, allowJs: true, checkJs: true, types },
      // With the package, TypeScript's own types of WebGPU contradict it: README says so.
      skipLibCheck: types.length > 0,
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["src"] }));
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    if (types.length > 0) {
      for (const scope of ["@webgpu", "@types"]) mkdirSync(join(folder, "node_modules", scope), { recursive: true });
      symlinkSync(root, join(folder, "node_modules/cnnc"));
      for (const name of ["@webgpu/types", "@types/node"])
        symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
    }
    const compiler = join(root, "node_modules/typescript/bin/tsc");
    return spawnSync(process.execPath, [compiler, "-p", folder], { encoding: "utf8" }).stdout;
  }
});
