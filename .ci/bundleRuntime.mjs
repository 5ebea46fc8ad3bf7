// Makes one file of the runtime and one of what apps may want besides, each with its declarations: what `cnnc compile --emit js`
// puts beside a module.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import ts from "typescript";

const notice = "// The runtime of networks that cnnc compiled. Licence: MIT.\n";
const runtimeFile = "./cnnc-runtime.js";

/** Reads `DIST/runtime`, writes `cnnc-runtime` and `cnnc-app`, `.js` and `.d.ts`, to `DIST/browser`. */
export async function bundleRuntime(dist) {
  const folder = join(dist, "browser");
  mkdirSync(folder, { recursive: true });
  const options = {
    bundle: true,
    format: "esm",
    target: "es2022",
    banner: { js: notice.trimEnd() },
    logLevel: "warning",
  };
  const entry = (name) => join(dist, "runtime", `${name}.js`);
  await build({ ...options, entryPoints: [entry("index")], outfile: join(folder, "cnnc-runtime.js") });
  await build({
    ...options,
    entryPoints: [entry("app")],
    outfile: join(folder, "cnnc-app.js"),
    plugins: [sharedParts],
  });
  const declarations = readDeclarations(join(dist, "runtime"));
  writeFileSync(join(folder, "cnnc-runtime.d.ts"), bundleDeclarations(declarations, "index.d.ts"));
  const shared = exportsOf(declarations, "index.d.ts");
  writeFileSync(join(folder, "cnnc-app.d.ts"), bundleDeclarations(declarations, "app.d.ts", shared));
}

/** Both files throw the same NetworkError, and one holds what reads weights. */
const sharedParts = {
  name: "shared parts",
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/(errors|safetensors)\.js$/ }, () => ({ path: runtimeFile, external: true })),
};

/** The parsed declarations of the runtime's files. */
function readDeclarations(folder) {
  const files = readdirSync(folder).filter((file) => file.endsWith(".d.ts"));
  return new Map(files.sort().map((file) => [file, parse(join(folder, file))]));
}

/** The names that a file exports, those that it passes on included. */
function exportsOf(parsed, entry) {
  const exported = new Set();
  for (const statement of parsed.get(entry).statements.filter(ts.isExportDeclaration)) {
    if (statement.exportClause) for (const { name } of statement.exportClause.elements) exported.add(name.text);
    else {
      const file = statement.moduleSpecifier.text.replace("./", "").replace(/\.[tj]s$/, ".d.ts");
      for (const inner of parsed.get(file).statements) for (const name of declaredNames(inner)) exported.add(name);
    }
  }
  return exported;
}

/**
 * Every declaration that a file's exports reach, in one module, which exports those alone; what the runtime's own file exports
 * (`shared`) is imported from there.
 */
function bundleDeclarations(parsed, entry, shared = new Set()) {
  const declarations = new Map();
  for (const source of parsed.values()) {
    for (const statement of source.statements) {
      for (const name of declaredNames(statement)) {
        declarations.set(name, [...(declarations.get(name) ?? []), { statement, source }]);
      }
    }
  }
  const exported = exportsOf(parsed, entry);

  const imported = new Set();
  const reached = new Set();
  const reach = (name) => {
    const found = declarations.get(name);
    if (found === undefined || reached.has(name)) return;
    if (shared.has(name)) {
      imported.add(name);
      return;
    }
    if (found.length > 1) throw new Error(`two declarations of the runtime are called ${name}: rename one`);
    reached.add(name);
    const visit = (node) => {
      // The name of a member or a parameter stands for nothing else.
      if (ts.isIdentifier(node) && node.parent.name !== node) reach(node.text);
      ts.forEachChild(node, visit);
    };
    visit(found[0].statement);
  };
  exported.forEach(reach);

  const texts = [...reached].sort().map((name) => {
    const [{ statement, source }] = declarations.get(name);
    const text = source.text.slice(statement.getFullStart(), statement.end).trim();
    return exported.has(name) ? text : text.replace(/^(\/\*\*[\s\S]*?\*\/\s*)?export /, "$1");
  });
  const head = imported.size === 0 ? "" : `import type { ${[...imported].sort().join(", ")} } from "${runtimeFile}";\n`;
  return `${notice}${head}${texts.join("\n")}\nexport {};\n`;
}

function parse(path) {
  return ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true);
}

function declaredNames(statement) {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.map(({ name }) => name.text);
  return statement.name === undefined ? [] : [statement.name.text];
}
