// The parts of README.md and ARCHITECTURE.md that are the compiler's own output, so that they are always what it says now.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./setup.mjs";

/** The generated parts by document and name. `load` imports a built module of the project by its path in dist/. */
export async function documentParts(load) {
  const { compile } = await load("compiler/compile.js");
  const { lineColumnAt } = await load("compiler/ir/source.js");
  const { parseProgram } = await load("compiler/1-parse/parseProgram.js");
  const { dumpGraph } = await load("compiler/ir/graph.js");
  const { dumpKernels } = await load("compiler/ir/kernel.js");
  const { dumpMemory } = await load("compiler/ir/memory.js");
  const compiled = (path, text) => {
    const { network, diagnostics } = compile({ path, text });
    if (network === undefined) throw new Error(`${path}: ${diagnostics.map(({ message }) => message).join("; ")}`);
    return network;
  };

  const lenetText = readFileSync(join(root, "specs/lenet.cnn"), "utf8");
  const { plan } = compiled("specs/lenet.cnn", lenetText);
  const firstKernel = plan.kernels[plan.training.dispatches[0].kernel];

  const tinyText = /```cnn\n([^]*?)```/.exec(readFileSync(join(root, "ARCHITECTURE.md"), "utf8"))[1];
  const tinySource = { path: "tiny.cnn", text: tinyText };
  const tiny = compiled(tinySource.path, tinyText);
  const forward = new Set(dumpGraph(tiny.graph).split("\n"));
  const backward = dumpGraph(tiny.trainingGraph)
    .split("\n")
    .filter((line) => !forward.has(line));
  const dispatches = [...tiny.plan.training.dispatches, ...tiny.plan.training.update];
  const shown = dispatches.find(({ label }) => label.includes("linear weight gradient"));

  const program = parseProgram(tinySource, { readSource: () => undefined, standardLibrary: { path: "", text: "" } });
  const firstStep = program.output.main.definitions[0].body.statements[1].links[0];
  const place = (file, offset) => Object.values(lineColumnAt(file, offset)).join(":");
  const ast = JSON.stringify(
    firstStep,
    (_, value) =>
      value?.file && "start" in value ? `${place(value.file, value.start)}-${place(value.file, value.end)}` : value,
    1,
  );

  return {
    "README.md": {
      "lenet.cnn": fenced("cnn", lenetText),
      dispatches: dispatchTable(plan),
      kernel: fenced("wgsl", shortened(firstKernel.wgsl)),
    },
    "ARCHITECTURE.md": {
      ast: fenced("text", flattened(ast)),
      graph: fenced("text", dumpGraph(tiny.graph)),
      "training graph": fenced("text", backward.join("\n")),
      kernels: fenced("text", dumpKernels(tiny.training.kernels)),
      memory: fenced("text", dumpMemory(tiny.training.memory)),
      kernel: fenced("wgsl", tiny.plan.kernels[shown.kernel].wgsl),
      dispatch: fenced("text", flattened(JSON.stringify(shown, null, 1))),
    },
  };
}

function fenced(language, text) {
  return `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;
}

/** A table of a training step's dispatches. */
function dispatchTable(plan) {
  const rows = [...plan.training.dispatches, ...plan.training.update].map(
    ({ kernel, label }, index) => `| ${index + 1} | ${label} | \`${plan.kernels[kernel].name}.wgsl\` |`,
  );
  return ["| | what it computes | kernel |", "|---|---|---|", ...rows].join("\n");
}

/** A kernel's text with each line that differs from an earlier one by its numbers alone left out. */
function shortened(wgsl) {
  const seen = new Set();
  const lines = [];
  for (const line of wgsl.split("\n")) {
    const form = line.replace(/\d+/g, "0").replace(/\.[xyzw]\b/g, ".x");
    const isNew = line.trim() === "" || /^\s*[{}]/.test(line) || !seen.has(form);
    seen.add(form);
    const mark = `${/^ */.exec(line)[0]}// …`;
    if (isNew) lines.push(line);
    else if (lines.at(-1) !== mark) lines.push(mark);
  }
  return lines.join("\n");
}

/** JSON with each object or list that fits a line on one, and without quotes round the keys. */
function flattened(json) {
  let text = json;
  for (let before = ""; before !== text;) {
    before = text;
    text = text.replace(/([{[])\s*\n([^{}[\]\n]*(?:\n[^{}[\]\n]*)*)\n\s*([}\]])/g, (whole, open, inner, close) => {
      const line = `${open}${inner.replace(/\s*\n\s*/g, " ").trim()}${close}`.replaceAll("{", "⟨").replaceAll("}", "⟩");
      const flat = line.replaceAll("[", "⟦").replaceAll("]", "⟧");
      return flat.length <= 110 ? flat : whole;
    });
  }
  const brackets = { "⟨": "{ ", "⟩": " }", "⟦": "[", "⟧": "]" };
  return text.replace(/[⟨⟩⟦⟧]/g, (mark) => brackets[mark]).replace(/"(\w+)":/g, "$1:");
}
