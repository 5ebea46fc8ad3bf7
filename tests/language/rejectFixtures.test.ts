/**
 * Broken and doubtful files, and what the compiler says of them. Each folder of fixtures/reject holds `input.cnn`, the `.cnn` files that
 * it imports, the expected `diagnostics.txt`, and `options.json` where it needs options. UPDATE_GOLDEN=1 rewrites the
 * expected texts; a changed one is reviewed like code.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "@jest/globals";
import { checkSource } from "../../compiler/check.ts";
import { catalogue } from "../../compiler/diagnostics/catalogue.ts";
import { renderDiagnostics } from "../../compiler/diagnostics/render.ts";
import type { CheckOptions } from "../../compiler/ir/checked.ts";

const folder = resolve(import.meta.dirname, "../fixtures/reject");
const fixtures = readdirSync(folder).sort();

function read(fixture: string, name: string): string | undefined {
  return readdirSync(join(folder, fixture)).includes(name)
    ? readFileSync(join(folder, fixture, name), "utf8")
    : undefined;
}

test.each(fixtures)("%s", (fixture) => {
  const options = JSON.parse(read(fixture, "options.json") ?? "{}") as CheckOptions;
  const source = { path: "input.cnn", text: read(fixture, "input.cnn") ?? "" };
  const { checked, diagnostics } = checkSource(source, { readSource: (path) => read(fixture, path), ...options });
  const rendered = renderDiagnostics(diagnostics);
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(join(folder, fixture, "diagnostics.txt"), rendered);
  expect(checked === undefined).toBe(diagnostics.some(({ severity }) => severity === "error"));
  expect(checked === undefined).toBe(!fixture.startsWith("CNN6"));
  expect(diagnostics.map(({ code }) => code)).toContain(fixture.slice(0, 7));
  expect(rendered).toBe(read(fixture, "diagnostics.txt"));
});

test("a fixture's folder holds its sources and their diagnostics, nothing else", () => {
  for (const fixture of fixtures) {
    expect(fixture).toMatch(/^CNN\d{4}-[a-z0-9-]+$/);
    const names = readdirSync(join(folder, fixture));
    const others = names.filter((name) => !name.endsWith(".cnn") && name !== "options.json");
    expect(others).toEqual(["diagnostics.txt"]);
    expect(names).toContain("input.cnn");
  }
});

test("every syntax code has a fixture", () => {
  const covered = new Set(fixtures.map((fixture) => fixture.slice(0, 7)));
  const codes = catalogue.map(({ code }) => code).filter((code) => code.startsWith("CNN1"));
  expect(codes.filter((code) => !covered.has(code))).toEqual([]);
});
