import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { expect, test } from "@jest/globals";
import ts from "typescript";

/** The most lines a source file may have; a file that needs more stands in `longFiles` with the reason. */
const maxLines = 400;
const longFiles: Readonly<Record<string, string>> = {
  "grammar/cst.d.ts": "generated from the parser",
};

/** Folders of compiler/ that hold no pass, with what they may import besides themselves; "types" is `import type`. */
const lowerFolders: Readonly<Record<string, Readonly<Record<string, "all" | "types">>>> = {
  "compiler/ir": {},
  "compiler/diagnostics": { "compiler/ir": "all" },
  "compiler/ops": { "compiler/ir": "all", "compiler/diagnostics": "all" },
  "compiler/recipe": { "compiler/ir": "all", "compiler/diagnostics": "all" },
};

interface Import {
  readonly from: string;
  /** The imported file from the root, or the package's name as written. */
  readonly to: string;
  readonly isFile: boolean;
  readonly typesOnly: boolean;
}

const root = resolve(import.meta.dirname, "..");
const sources = ["grammar", "compiler", "runtime"].flatMap(sourcesIn);
const imports = sources.flatMap(importsOf);

function sourcesIn(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => `${folder}/${file.split(sep).join("/")}`)
    .sort();
}

function importsOf(from: string): Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, typesOnly: boolean): void => {
    if (!specifier || !ts.isStringLiteral(specifier)) return;
    const isFile = specifier.text.startsWith(".");
    const target = isFile ? relative(root, resolve(root, dirname(from), specifier.text)) : specifier.text;
    found.push({ from, to: target.split(sep).join("/"), isFile, typesOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypesOnly(node.importClause));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(from, readFileSync(join(root, from), "utf8"), ts.ScriptTarget.Latest));
  return found;
}

function isTypesOnly(clause: ts.ImportClause | undefined): boolean {
  if (clause?.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const named = clause?.namedBindings;
  return (
    clause !== undefined &&
    clause.name === undefined &&
    named !== undefined &&
    ts.isNamedImports(named) &&
    named.elements.every((element) => element.isTypeOnly)
  );
}

/** The folder below compiler/ that a file lies in, such as `compiler/2-check`, or undefined. */
function compilerFolder(file: string): string | undefined {
  return /^compiler\/[^/]+(?=\/)/.exec(file)?.[0];
}

function isPassFolder(folder: string | undefined): folder is string {
  return folder !== undefined && /^compiler\/\d-/.test(folder);
}

/** The imports that break a rule, as lines for the failure message. */
function breaches(rule: (edge: Import) => boolean): string[] {
  return imports
    .filter((edge) => !rule(edge))
    .map((edge) => `${edge.from} imports ${edge.typesOnly ? "types of " : ""}${edge.to}`);
}

test("relative imports name the file, extension included", () => {
  expect(breaches(({ to, isFile }) => !isFile || existsSync(join(root, to)))).toEqual([]);
});

test.each(Object.entries(lowerFolders))("%s imports only what it may", (folder, allowed) => {
  const rule = (edge: Import): boolean => {
    if (compilerFolder(edge.from) !== folder) return true;
    // A package or a part of Node: only the IR is to stand by itself.
    if (!edge.isFile) return folder !== "compiler/ir";
    const target = compilerFolder(edge.to);
    if (target === folder) return true;
    // What is written to disk holds the plan that the runtime reads, so the output's type needs the plan's.
    if (edge.to === "runtime/plan.ts" && folder === "compiler/ir") return edge.typesOnly;
    const permission = target === undefined ? undefined : allowed[target];
    return permission === "all" || (permission === "types" && edge.typesOnly);
  };
  expect(breaches(rule)).toEqual([]);
});

test("a pass imports the lower folders and its own, never another pass", () => {
  const rule = ({ from, to, isFile }: Import): boolean => {
    const folder = compilerFolder(from);
    if (!isPassFolder(folder) || !isFile || !to.startsWith("compiler/")) return true;
    const target = compilerFolder(to);
    return target === folder || to === "compiler/pass.ts" || (target !== undefined && target in lowerFolders);
  };
  expect(breaches(rule)).toEqual([]);
});

test("only compiler/1-parse imports the grammar", () => {
  const rule = ({ from, to }: Import): boolean =>
    !to.startsWith("grammar/") || from.startsWith("grammar/") || compilerFolder(from) === "compiler/1-parse";
  expect(breaches(rule)).toEqual([]);
});

test("the grammar imports nothing of the compiler or the runtime", () => {
  expect(breaches(({ from, to }) => !from.startsWith("grammar/") || !/^(compiler|runtime)\//.test(to))).toEqual([]);
});

test("the runtime imports only itself: no compiler, no grammar, no package", () => {
  expect(breaches(({ from, to }) => !from.startsWith("runtime/") || to.startsWith("runtime/"))).toEqual([]);
});

test("of the runtime, the compiler knows the plan's types, the bytes that its programs allocate, and schedules", () => {
  const rule = ({ from, to, typesOnly }: Import): boolean =>
    !from.startsWith("compiler/") ||
    !to.startsWith("runtime/") ||
    (to === "runtime/plan.ts" && typesOnly) ||
    ["runtime/programs.ts", "runtime/schedules.ts"].includes(to);
  expect(breaches(rule)).toEqual([]);
});

test("no import cycles", () => {
  const targets = new Map(sources.map((file) => [file, imports.filter((edge) => edge.from === file)]));
  const finished = new Set<string>();
  const path: string[] = [];
  const cycles: string[] = [];
  const visit = (file: string): void => {
    const start = path.indexOf(file);
    if (start >= 0) cycles.push([...path.slice(start), file].join(" -> "));
    if (start >= 0 || finished.has(file)) return;
    path.push(file);
    for (const { to } of targets.get(file) ?? []) visit(to);
    path.pop();
    finished.add(file);
  };
  sources.forEach(visit);
  expect(cycles).toEqual([]);
});

test(`no file has more than ${maxLines} lines without a reason given`, () => {
  const long = sources.filter((file) => readFileSync(join(root, file), "utf8").split("\n").length - 1 > maxLines);
  expect(long).toEqual(Object.keys(longFiles).sort());
});
