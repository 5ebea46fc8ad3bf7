// Rewrites what is made from the sources: the indexes of ops and recipe parts, the CST types, the generated documents.
// `--check` writes nothing and fails when one of them is not what it should be. It runs from dist/, since Node 20 does not
// run TypeScript; an index that has changed is built in before the documents are made from it.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { format, resolveConfig } from "prettier";
import { documentParts } from "./documents.mjs";
import { root, run } from "./setup.mjs";

const isCheck = process.argv.includes("--check");
const stale = [];

const build = () => run(process.execPath, [join(root, ".ci/build.mjs")]);
const load = (path) => import(`${pathToFileURL(join(root, "dist", path)).href}?${Date.now()}`);

/** The .ts files of a folder with their texts, as the index generators take them. */
function filesOf(folder) {
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith(".ts"))
    .sort()
    .map((name) => ({ name, text: readFileSync(join(root, folder, name), "utf8") }));
}

/** Writes a generated file where it differs (or notes it, under --check); true when it was out of date. */
async function update(path, text, isFormatted = true) {
  const target = join(root, path);
  const options = isFormatted ? { ...(await resolveConfig(target)), filepath: target } : undefined;
  const wanted = options ? await format(text, options) : text;
  const present = existsSync(target) ? readFileSync(target, "utf8") : undefined;
  if (present === wanted) return false;
  stale.push(path);
  if (!isCheck) {
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, wanted);
    console.log(`${present === undefined ? "wrote" : "rewrote"} ${path}`);
  }
  return true;
}

/** The text of a document with what stands between two marks replaced. */
function replaceBetween(path, name, content, text = readFileSync(join(root, path), "utf8")) {
  const [begin, end] = [`<!-- generated: ${name} -->`, `<!-- end of generated: ${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${path} has no place for ${name}: ${begin} and ${end} are missing`);
  return `${text.slice(0, from + begin.length)}\n\n${content.trim()}\n\n${text.slice(to)}`;
}

// With type errors the build writes its code all the same: an index that is missing is what they may be about.
if (!isCheck) build();

const { generateOpsIndex, generateRecipeIndex } = await load("compiler/generateIndex.js");
const { generateCstTypes } = await load("grammar/generateCstTypes.js");
const { renderStandardLibrary } = await load("compiler/2-check/renderStandardLibrary.js");
const sourcesChanged = [
  await update("compiler/ops/index.ts", generateOpsIndex(filesOf("compiler/ops"))),
  await update("compiler/recipe/index.ts", generateRecipeIndex(filesOf("compiler/recipe"))),
  await update("grammar/cst.d.ts", generateCstTypes()),
  await update(
    "compiler/standardLibrary.ts",
    renderStandardLibrary(readFileSync(join(root, "specs/std/blocks.cnn"), "utf8")),
  ),
].includes(true);
if (sourcesChanged && !isCheck && !build()) process.exit(1);

if (!(isCheck && sourcesChanged)) {
  const { renderDiagnosticsDoc } = await load("compiler/diagnostics/document.js");
  await update("docs/diagnostics.md", renderDiagnosticsDoc());
  const { renderLayerTable } = await load("compiler/ops/layerTable.js");
  const { layers } = await load("compiler/ops/index.js");
  const { describeBlocks, renderBlockTable } = await load("compiler/commands/describeBlocks.js");
  const { standardLibrary } = await load("compiler/standardLibrary.js");
  const withLayers = replaceBetween("docs/language.md", "layers", renderLayerTable(layers));
  const blockTable = renderBlockTable(describeBlocks(standardLibrary));
  await update("docs/language.md", replaceBetween("docs/language.md", "standard blocks", blockTable, withLayers));
  for (const [path, parts] of Object.entries(await documentParts(load))) {
    let text = readFileSync(join(root, path), "utf8");
    for (const [name, content] of Object.entries(parts)) text = replaceBetween(path, name, content, text);
    await update(path, text);
  }
}

if (stale.length === 0) console.log("everything generated is up to date");
else if (isCheck) {
  console.error(`out of date: ${stale.join(", ")}\nrun \`npm run generate\` and commit what it writes`);
  process.exitCode = 1;
}
