/**
 * Every stage of the compiler as text. A folder of fixtures/accept is named after a file of specs/, or holds an `input.cnn` of
 * its own. Small networks have the training graph, the kernels and the memory of both programs, each kernel's WGSL and the
 * generated module (which names its kernels instead of repeating them); the other specs have the graph as written.
 *
 * A changed schedule changes many of these files at once. One command rewrites them, to be reviewed like code:
 *
 *   UPDATE_GOLDEN=1 npm run jest -- tests/language/acceptFixtures
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "@jest/globals";
import { emitModule } from "../../compiler/6-emit/emitModule.ts";
import { dumpGraph, verifyGraph } from "../../compiler/ir/graph.ts";
import type { Graph, ValueId } from "../../compiler/ir/graph.ts";
import { dumpKernels, verifyKernels } from "../../compiler/ir/kernel.ts";
import { dumpMemory, verifyMemory } from "../../compiler/ir/memory.ts";
import type { SourceFile } from "../../compiler/ir/source.ts";
import { checkCleanly } from "../support/checkText.ts";
import { compileText } from "../support/compileText.ts";
import { planProblems } from "../support/planProblems.ts";

const root = resolve(import.meta.dirname, "../..");
const folder = join(root, "tests/fixtures/accept");
const updating = process.env["UPDATE_GOLDEN"] === "1";

const specs = readdirSync(join(root, "specs"))
  .filter((file) => file.endsWith(".cnn"))
  .map((file) => file.slice(0, -".cnn".length));
/** The specs all of whose stages are kept; those of the others would be many megabytes. */
const whole = ["lenet", "mnist_cnn"];
const own = readdirSync(folder).filter((name) => readdirSync(join(folder, name)).includes("input.cnn"));

/** File name -> text. */
type Files = Readonly<Record<string, string>>;

async function compiledFiles({ path, text }: SourceFile, name: string): Promise<Files> {
  const network = compileText(text, {}, path);
  const { training, inference, trainingGraph, plan } = network;
  for (const { graph, kernels, memory } of [training, inference]) {
    verifyGraph(graph);
    verifyKernels(kernels, externalValues(graph));
    verifyMemory(memory);
  }
  expect(planProblems(plan)).toEqual([]);
  const programs = [["training", training], ["inference", inference]] as const; // prettier-ignore
  const options = { language: "ts", fileName: name } as const;
  const kernels = (await emitModule(network, options)).filter((file) => file.path.endsWith(".wgsl"));
  const short = plan.kernels.map((kernel) => ({ ...kernel, wgsl: `// ${kernel.name}.wgsl` }));
  const [module] = await emitModule({ ...network, plan: { ...plan, kernels: short } }, options);
  return {
    "graph.txt": dumpGraph(trainingGraph),
    "kernels.txt": programs.map(([title, program]) => `# ${title}\n${dumpKernels(program.kernels)}`).join("\n"),
    "memory.txt": programs.map(([title, program]) => `# ${title}\n${dumpMemory(program.memory)}`).join("\n"),
    "module.ts": module?.text ?? "",
    ...Object.fromEntries(kernels.map((file) => [file.path.slice(file.path.lastIndexOf("/") + 1), file.text])),
  };
}

function externalValues(graph: Graph): ReadonlySet<ValueId> {
  return new Set([...graph.inputs, ...graph.parameters, ...graph.states].map(({ value }) => value));
}

/** The expected files of a folder, rewritten first where that is asked for. */
function goldenFiles(name: string, actual: Files): Files {
  const at = join(folder, name);
  if (updating) {
    mkdirSync(at, { recursive: true });
    for (const file of readdirSync(at)) if (file !== "input.cnn" && !(file in actual)) rmSync(join(at, file));
    for (const [file, text] of Object.entries(actual)) writeFileSync(join(at, file), text);
  }
  const files = readdirSync(at).filter((file) => file !== "input.cnn");
  return Object.fromEntries(files.map((file) => [file, readFileSync(join(at, file), "utf8")]));
}

function expectGolden(name: string, actual: Files): void {
  const expected = goldenFiles(name, actual);
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [file, text] of Object.entries(expected)) expect([file, actual[file]]).toEqual([file, text]);
}

function readSpec(name: string): SourceFile {
  const [at, path] = own.includes(name)
    ? [join(folder, name, "input.cnn"), "input.cnn"]
    : [join(root, `specs/${name}.cnn`), `specs/${name}.cnn`];
  return { path, text: readFileSync(at, "utf8") };
}

test.each([...whole, ...own])("%s: every stage, the same twice", async (name) => {
  const files = await compiledFiles(readSpec(name), name);
  expect(Object.keys(files).filter((file) => file.endsWith(".wgsl")).length).toBeGreaterThan(2);
  expect(await compiledFiles(readSpec(name), name)).toEqual(files);
  expectGolden(name, files);
});

test.each(specs.filter((name) => !whole.includes(name)))("%s: the graph", (name) => {
  const { text } = readSpec(name);
  expectGolden(name, { "graph.txt": dumpGraph(checkCleanly(text).graph) });
});

test("each folder belongs to a spec or holds one", () => {
  expect(readdirSync(folder).sort()).toEqual([...specs, ...own].sort());
});
