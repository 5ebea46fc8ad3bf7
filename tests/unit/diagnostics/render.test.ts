import { describe, expect, test } from "@jest/globals";
import { displayWidth } from "../../../compiler/diagnostics/codeFrame.ts";
import { diagnosticsToJson, renderDiagnostic, renderDiagnostics } from "../../../compiler/diagnostics/render.ts";
import type { Diagnostic } from "../../../compiler/ir/diagnostic.ts";

/** A diagnostic on the text between `«` and `»`. */
function marked(text: string, more: Partial<Diagnostic> = {}): Diagnostic {
  const start = text.indexOf("«");
  const end = text.indexOf("»") - 1;
  const file = { path: "specs/lenet.cnn", text: text.replace(/[«»]/g, "") };
  return {
    code: "CNN3004",
    severity: "error",
    message: "it is wrong",
    span: { file, start, end },
    notes: [],
    ...more,
  };
}

const frame = (text: string): string => renderDiagnostic(marked(text)).split("\n").slice(2, -1).join("\n");

test("the design's own example", () => {
  const before =
    "model LeNet {\n  input 1 x 28 x 28\n\n  conv(6, kernel: 5)\n  relu\n  conv(16, kernel: 5)            -> sigmoid -> avg_pool(2)\n";
  const diagnostic = marked(`${before}  «conv(32, kernel: 5)»\n`, {
    message: "kernel 5x5 does not fit its input of 16x4x4",
    help: "padding: 2 keeps 4x4",
  });
  const at = before.indexOf("avg_pool");
  const note = {
    message: "16x4x4 comes from avg_pool",
    span: { ...diagnostic.span, start: at, end: at + 8 },
    within: "model LeNet",
  };
  expect(renderDiagnostic({ ...diagnostic, notes: [note] })).toBe(
    [
      "error[CNN3004]: kernel 5x5 does not fit its input of 16x4x4",
      " --> specs/lenet.cnn:7:3",
      "  |",
      "7 |   conv(32, kernel: 5)",
      "  |   ^^^^^^^^^^^^^^^^^^^",
      "  = note: 16x4x4 comes from avg_pool: specs/lenet.cnn:6:48, in model LeNet",
      "  = help: padding: 2 keeps 4x4",
      "",
    ].join("\n"),
  );
});

describe("frames", () => {
  test("the gutter is as wide as the line's number", () => {
    expect(
      renderDiagnostic(marked(`${"\n".repeat(99)}«relu»`))
        .split("\n")
        .slice(1, 5),
    ).toEqual(["   --> specs/lenet.cnn:100:1", "    |", "100 | relu", "    | ^^^^"]);
  });

  test.each([
    ["tabs", "\t«relu»\ttanh", "  |\n1 |     relu    tanh\n  |     ^^^^"],
    ["a tab inside", "a\t«b\tc»", "  |\n1 | a   b   c\n  |     ^^^^^"],
    ["line ends of Windows", "relu\r\n«tanh»\r\n", "  |\n2 | tanh\n  | ^^^^"],
    ["a last line without its end", "relu\n«tanh»", "  |\n2 | tanh\n  | ^^^^"],
    ["nothing at a line's end", "relu ->«»\ntanh", "  |\n1 | relu ->\n  |        ^"],
    ["nothing at the end of the file", "relu\n«»", "  |\n2 |\n  | ^"],
    ["an empty file", "«»", "  |\n1 |\n  | ^"],
    ["wide characters before", "/* 日本 🚀 é */ «relu»", "  |\n1 | /* 日本 🚀 é */ relu\n  |                 ^^^^"],
    ["wide characters marked", "«日本»", "  |\n1 | 日本\n  | ^^^^"],
    ["two lines", "a «b\n  c» d", "  |\n1 | a b\n  |   ^\n2 |   c d\n  |   ^"],
    ["many lines", "«a {\n  b\n  c\n}» d", "  |\n1 | a {\n  | ^^^\n  | ...\n4 | } d\n  | ^"],
    ["up to a line's start", "«a\n»b", "  |\n1 | a\n  | ^"],
    ["control characters", "\u001b[31m «relu»", "  |\n1 | \\u{1b}[31m relu\n  |            ^^^^"],
  ])("%s", (_name, text, expected) => {
    expect(frame(text)).toBe(expected);
  });

  test("long lines are cut around what is marked", () => {
    const [, line = "", underline = ""] = frame(`${"a -> ".repeat(200)}«relu»${" -> b".repeat(200)}`).split("\n");
    expect(line.length).toBeLessThan(180);
    expect(line).toMatch(/^1 \| ….*…$/);
    expect(line.slice(underline.indexOf("^"), underline.length)).toBe("relu");
  });
});

test("widths", () => {
  expect(["a", "日", "🚀", "e\u0301", "한", "ｆ", "→"].map(displayWidth)).toEqual([1, 2, 2, 1, 2, 2, 1]);
});

test("colours go around the parts, and change no column", () => {
  const tag =
    (name: string) =>
    (text: string): string =>
      `<${name}>${text}</${name}>`;
  const palette = { error: tag("e"), warning: tag("w"), strong: tag("s"), gutter: tag("g") };
  const shown = renderDiagnostic(marked("  «relu»", { severity: "warning" }), palette);
  expect(shown).toContain("<w>warning[CNN3004]</w><s>: it is wrong</s>");
  expect(shown).toContain("<w>^^^^</w>");
  expect(shown.replace(/<\/?\w>/g, "")).toBe(renderDiagnostic(marked("  «relu»", { severity: "warning" })));
});

test("several, a blank line between two", () => {
  const one = marked("«relu»");
  expect(renderDiagnostics([one, one])).toBe(`${renderDiagnostic(one)}\n${renderDiagnostic(one)}`);
  expect(renderDiagnostics([])).toBe("");
});

test("as JSON", () => {
  const diagnostic = marked("relu\n  «tanh»", { help: "do this", notes: [{ message: "a fact" }] });
  expect(diagnosticsToJson([diagnostic])).toEqual([
    {
      code: "CNN3004",
      severity: "error",
      message: "it is wrong",
      path: "specs/lenet.cnn",
      start: { offset: 7, line: 2, column: 3 },
      end: { offset: 11, line: 2, column: 7 },
      notes: [{ message: "a fact" }],
      help: "do this",
    },
  ]);
});
