/** The front end on what nobody would write: it answers with diagnostics or a graph, never an exception or a hang. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { checkSource } from "../../../compiler/check.ts";
import { renderDiagnostics } from "../../../compiler/diagnostics/render.ts";
import { verifyGraph } from "../../../compiler/ir/graph.ts";

const folder = new URL("../../../specs/", import.meta.url);
const texts = readdirSync(folder)
  .filter((name) => name.endsWith(".cnn"))
  .sort()
  .map((name) => readFileSync(new URL(name, folder), "utf8"));
const pieces = ["{", "}", "(", ")", "->", "as x", "from x", "0", "-1", "1e9", "0.5", "relu", "in.channels", "if", "else", ",", "\"", "repeat 9", "block b { b }", "concat {", "let a = a", "input 4", ":", "=", "classes", ".0", "branch { }", "head h {"]; // prettier-ignore

/** A small generator of reproducible numbers below `bound`. */
function numbers(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

/** A token deleted, doubled, swapped with another, or something put in its place. */
function mutate(text: string, next: (bound: number) => number): string {
  const tokens = text.split(/(\s+|[(){},:]|->)/).filter((token) => token !== "");
  for (let changes = 1 + next(3); changes > 0; changes--) {
    const [at, other] = [next(tokens.length), next(tokens.length)];
    const [token = "", otherToken = ""] = [tokens[at], tokens[other]];
    const kind = next(4);
    if (kind === 0) tokens.splice(at, 1);
    else if (kind === 1) tokens.splice(at, 0, token);
    else if (kind === 2) [tokens[at], tokens[other]] = [otherToken, token];
    else tokens[at] = pieces[next(pieces.length)] ?? "";
  }
  return tokens.join("");
}

function answer(text: string): void {
  const { checked, diagnostics } = checkSource({ path: "mutated.cnn", text }, {});
  expect(renderDiagnostics(diagnostics)).not.toContain("undefined");
  if (checked === undefined) expect(diagnostics.length).toBeGreaterThan(0);
  else verifyGraph(checked.graph);
}

test("a thousand mutations of the shipped specs", () => {
  const next = numbers(20);
  for (let i = 0; i < 1000; i++) {
    const text = mutate(texts[i % texts.length] ?? "", next);
    try {
      answer(text);
    } catch (error) {
      throw new Error(`mutation ${i} fails:\n${text}`, { cause: error });
    }
  }
}, 120_000);

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
