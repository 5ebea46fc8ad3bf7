import { describe, expect, test } from "@jest/globals";
import { catalogue, diagnosticFamilies } from "../../compiler/diagnostics/catalogue.ts";
import { renderDiagnosticsDoc } from "../../compiler/diagnostics/document.ts";
import { compile } from "../../compiler/compile.ts";
import { diagnose } from "../support/diagnose.ts";

/** The codes of an example; limits of the device are known to the compiler, not to the checker. */
function codesOf(code: string, text: string): readonly string[] {
  const path = "example.cnn";
  const diagnostics = code.startsWith("CNN4") ? compile({ path, text }).diagnostics : diagnose(text, path);
  return diagnostics.map((diagnostic) => diagnostic.code);
}

describe("every code's examples", () => {
  test.each(catalogue.map((entry) => [entry.code, entry] as const))("%s", (code, entry) => {
    expect(codesOf(code, entry.failing)).toEqual([code]);
    expect(codesOf(code, entry.mended)).toEqual([]);
  });
});

test("codes are unique and lie in their family", () => {
  expect(new Set(catalogue.map(({ code }) => code)).size).toBe(catalogue.length);
  for (const { prefix, entries } of diagnosticFamilies) {
    for (const { code } of entries) expect(code.startsWith(prefix) && code.length === 7).toBe(true);
  }
});

test("the document names every code once, with both examples", () => {
  const document = renderDiagnosticsDoc();
  for (const { code, title } of catalogue) expect(document.split(`### ${code}: ${title}\n`)).toHaveLength(2);
  expect(document.match(/```cnn\n/g)).toHaveLength(2 * catalogue.length);
});
