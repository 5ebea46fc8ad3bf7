/** Warnings on the command line: shown by every command, listed under --json, and errors under --deny-warnings. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { runCli } from "../../compiler/cli.ts";
import type { JsonDiagnostic } from "../../compiler/diagnostics/render.ts";
import { colourlessTerminal } from "../support/terminal.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

const body = "  input 1 x 28 x 28\n  flatten\n  linear(10) -> dropout(0.1)\n";
const recipe = "train Net { data mnist  optimizer sgd(lr: 0.1)  batch 4 }\n";
const folder = temporaryFolder({
  "net.cnn": `model Net {\n${body}}\n${recipe}`,
  "norm.cnn": `model Net {\n${body.replace("dropout(0.1)", "batch_norm")}}\n${recipe}`,
  "allowed.cnn": `model Net {\n${body.trimEnd()} // cnnc-allow CNN6005\n}\n${recipe}`,
  "small.cnn": `model Net {\n${body.replaceAll("28", "4").replace(" -> dropout(0.1)", "")}}\n${recipe}`,
});
const at = (name: string): string => join(folder, name);

async function run(...args: readonly string[]) {
  const { terminal, printed } = colourlessTerminal();
  const code = await runCli(args, terminal);
  return { code, ...printed };
}

function codesIn(json: string): readonly string[] {
  return (JSON.parse(json) as { diagnostics: readonly JsonDiagnostic[] }).diagnostics.map(({ code }) => code);
}

const commands: readonly (readonly string[])[] = [
  ["check", at("net.cnn")],
  ["summary", at("net.cnn")],
  ["compile", at("net.cnn"), "-o", at("denied")],
  ["train", at("net.cnn"), "-o", at("denied")],
  ["eval", at("net.cnn"), "-w", at("absent.safetensors")],
  ["predict", at("net.cnn"), "-w", at("absent.safetensors")],
  ["verify", at("net.cnn"), "--case", "tests/conformance/cases/relu.json"],
];

describe("--deny-warnings", () => {
  test.each(commands)("%s: exit code 1 before anything is done", async (...args) => {
    const { code, out, error } = await run(...args, "--deny-warnings");
    expect([code, out]).toEqual([1, ""]);
    expect(error).toContain("warning[CNN6005]");
    expect(error).toMatch(/\n1 warning \(--deny-warnings\)\n$/);
    expect(existsSync(at("denied"))).toBe(false);
  });

  test.each(commands)("%s --json: one object, not ok", async (...args) => {
    const { code, out } = await run(...args, "--deny-warnings", "--json");
    expect([code, codesIn(out), (JSON.parse(out) as { ok: boolean }).ok]).toEqual([1, ["CNN6005"], false]);
  });

  test("a file without warnings passes, and so does one whose warning is allowed", async () => {
    expect(await run("check", "specs/lenet.cnn", "--deny-warnings")).toMatchObject({ code: 0, error: "" });
    expect(await run("check", at("allowed.cnn"), "--deny-warnings")).toMatchObject({ code: 0, error: "" });
  });
});

describe("without it", () => {
  test("check, summary and compile warn on the error stream and end with 0", async () => {
    for (const args of [["check"], ["summary"], ["compile", "-o", at("fine")]]) {
      const [command = "", ...rest] = args;
      const { code, error } = await run(command, at("net.cnn"), ...rest);
      expect(code).toBe(0);
      expect(error).toContain("warning[CNN6005]");
      expect(error).toContain("\n1 warning\n");
    }
  });

  test("--json lists them beside the result", async () => {
    const check = await run("check", at("net.cnn"), "--json");
    expect([check.code, codesIn(check.out), check.error]).toEqual([0, ["CNN6005"], ""]);
    expect(JSON.parse(check.out)).toMatchObject({ ok: true });
    const summary = await run("summary", at("net.cnn"), "--json");
    expect([codesIn(summary.out), (JSON.parse(summary.out) as { parameters: number }).parameters]).toEqual([
      ["CNN6005"],
      7850,
    ]);
    const compiled = await run("compile", at("net.cnn"), "--json", "-o", at("json"));
    expect(codesIn(compiled.out)).toEqual(["CNN6005"]);
    expect(codesIn((await run("summary", "specs/lenet.cnn", "--json")).out)).toEqual([]);
  });

  test("train --json says so in a line of its own before it begins", async () => {
    const { code, out } = await run("train", at("net.cnn"), "--json", "--data", at("nowhere"));
    const [first = "", ...rest] = out.split("\n");
    expect([code, rest]).toEqual([1, [""]]);
    expect(JSON.parse(first)).toMatchObject({ kind: "diagnostics", diagnostics: [{ code: "CNN6005" }] });
  });

  test("--batch reaches the checks", async () => {
    expect((await run("check", at("norm.cnn"))).error).toBe("");
    expect((await run("check", at("norm.cnn"), "--batch", "1")).error).toContain(
      "warning[CNN6006]: at batch 1, batch_norm1 has 1 value",
    );
  });

  test("images from --data are measured when they are read, not by the name of the set", async () => {
    expect((await run("check", at("small.cnn"))).error).toContain("warning[CNN6009]");
    expect((await run("train", at("small.cnn"), "--data", at("nowhere"))).error).not.toContain("CNN6009");
  });
});

test("compile --json --dump: one JSON object with the stages in it", async () => {
  const { out } = await run("compile", at("allowed.cnn"), "--json", "--dump", "graph,memory", "-o", at("dumped"));
  const result = JSON.parse(out) as { ok: boolean; files: string[]; dump: Record<string, string> };
  expect([result.ok, Object.keys(result.dump)]).toEqual([true, ["graph", "memory"]]);
  expect(result.dump["graph"]).toMatch(/^graph Net\n/);
  expect(result.files.length).toBeGreaterThan(1);
  const alone = await run("compile", at("allowed.cnn"), "--json", "--dump", "kernels");
  expect((JSON.parse(alone.out) as typeof result).dump["kernels"]).toContain("kernel k0");
  expect((await run("compile", at("allowed.cnn"), "--dump", "graph")).out).toMatch(/^graph Net\n/);
});

describe("a model or recipe that is not there", () => {
  test("the name given is underlined, and the file's own are listed", async () => {
    const model = await run("check", at("net.cnn"), "--model", "Nett");
    expect(model.code).toBe(1);
    expect(model.error).toContain(" --> --model:1:1\n  |\n1 | Nett\n  | ^^^^\n  = note: model Net: ");
    expect(model.error).toContain("did you mean `Net`?");
    const named = await run("check", "specs/lenet.cnn", "--recipe", "quik");
    expect(named.error).toContain(
      " --> --recipe:1:1\n  |\n1 | quik\n  | ^^^^\n  = note: recipe quick of LeNet: specs/lenet.cnn:",
    );
    expect((await run("check", at("net.cnn"), "--recipe", "quick")).error).toContain(
      "no recipe of this file has a name",
    );
  });
});
