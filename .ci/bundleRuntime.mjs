// Makes one file of the runtime, and one of its declarations: what `cnnc compile --emit js` puts beside a module.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import ts from "typescript";

const notice = "// The runtime of networks that cnnc compiled. Licence: MIT.\n";

/** Reads `DIST/runtime`, writes `DIST/browser/cnnc-runtime.js` and `.d.ts`. */
export async function bundleRuntime(dist) {
  const folder = join(dist, "browser");
  mkdirSync(folder, { recursive: true });
  await build({
    entryPoints: [join(dist, "runtime/index.js")],
    outfile: join(folder, "cnnc-runtime.js"),
    bundle: true,
    format: "esm",
    target: "es2022",
    banner: { js: notice.trimEnd() },
    logLevel: "warning",
  });
  writeFileSync(join(folder, "cnnc-runtime.d.ts"), bundleDeclarations(join(dist, "runtime")));
}

/** Every declaration that the index reaches, in one module; only the index's own exports are exported. */
function bundleDeclarations(folder) {
  const files = readdirSync(folder).filter((file) => file.endsWith(".d.ts"));
  const parsed = new Map(files.sort().map((file) => [file, parse(join(folder, file))]));
  const declarations = new Map();
  for (const source of parsed.values()) {
    for (const statement of source.statements) {
      for (const name of declaredNames(statement)) {
        declarations.set(name, [...(declarations.get(name) ?? []), { statement, source }]);
      }
    }
  }

  const exported = new Set();
  for (const statement of parsed.get("index.d.ts").statements.filter(ts.isExportDeclaration)) {
    if (statement.exportClause) for (const { name } of statement.exportClause.elements) exported.add(name.text);
    else {
      const file = statement.moduleSpecifier.text.replace("./", "").replace(/\.[tj]s$/, ".d.ts");
      for (const inner of parsed.get(file).statements) for (const name of declaredNames(inner)) exported.add(name);
    }
  }

  const reached = new Set();
  const reach = (name) => {
    const found = declarations.get(name);
    if (found === undefined || reached.has(name)) return;
    if (found.length > 1) throw new Error(`two declarations of the runtime are called ${name}: rename one`);
    reached.add(name);
    const visit = (node) => {
      if (ts.isIdentifier(node)) reach(node.text);
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
  return `${notice}${texts.join("\n")}\nexport {};\n`;
}

function parse(path) {
  return ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true);
}

function declaredNames(statement) {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.map(({ name }) => name.text);
  return statement.name === undefined ? [] : [statement.name.text];
}
