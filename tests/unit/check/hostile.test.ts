/** The front end on what nobody would write: it answers with diagnostics or a graph, never an exception or a hang. */
import { expect, test } from "@jest/globals";
import { checkSource } from "../../../compiler/check.ts";
import { renderDiagnostics } from "../../../compiler/diagnostics/render.ts";
import { verifyGraph } from "../../../compiler/ir/graph.ts";

function answer(text: string): void {
  const { checked, diagnostics } = checkSource({ path: "mutated.cnn", text }, {});
  expect(renderDiagnostics(diagnostics)).not.toContain("undefined");
  if (checked === undefined) expect(diagnostics.length).toBeGreaterThan(0);
  else verifyGraph(checked.graph);
}

const hostile: Readonly<Record<string, string>> = {
  "a billion rounds": "repeat 1e9 { repeat 1e9 { relu } }",
  "a billion rounds of nothing": "repeat 1000000000 { }",
  "a huge convolution": "conv(1e15, kernel: 3)",
  "a huge kernel": "conv(8, kernel: 9e15, padding: 9e15)",
  "an upsampling without end": "repeat 40 { upsample(1000) }",
  "tuples that double": `${Array.from({ length: 60 }, (_, i) => `let t${i + 1} = (t${i}, t${i})`).join("\n")}\nif t60 == (1, t59) { relu }\nconv(t60, kernel: 1)`, // prettier-ignore
};

test.each(Object.entries(hostile))("%s", (_, body) => {
  const started = Date.now();
  answer(`model Net(t0 = 1) {\n  input 3 x 8 x 8\n${body}\n  flatten -> linear(3)\n}\n`);
  expect(Date.now() - started).toBeLessThan(20_000);
});

test("equal tuples that double are compared within the limit", () => {
  const double = (name: string): string => Array.from({ length: 60 }, (_, i) => `let ${name}${i + 1} = (${name}${i}, ${name}${i})`).join("\n"); // prettier-ignore
  answer(
    `model Net(a0 = 1, b0 = 1) {\n  input 4\n${double("a")}\n${double("b")}\nif a60 == b60 { relu }\n  linear(3)\n}\n`,
  );
});
