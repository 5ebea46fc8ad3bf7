import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createPacker, minifiedText, packKernels, packTexts } from "../../../compiler/6-emit/packTexts.ts";
import { unpackTexts } from "../../../runtime/unpackTexts.ts";

const unpacked = (texts: readonly string[]): readonly string[] => {
  const { templates, lines } = packTexts(texts);
  return unpackTexts(templates, lines);
};

describe("packed texts", () => {
  test("are forms of lines and differences of numbers", () => {
    expect(packTexts(["sum4+=v1.x*s8;\nsum5+=v1.x*s9;\nsum6+=v1.x*s10;\nlet s0=a[4];\nlet s1=a[8];"])).toEqual({
      templates: "let s~=a[#];\nsum#+=v#.x*s#;",
      lines: "1,4,1,8 1,1,,1 * 0,4 *",
    });
  });

  test.each([
    ["digits in names, fractions and hexadecimal numbers", ["x1y2=0.05+1e-07*0x0f1u;\nx1y3=0.0500+1e-08*0x0f2u;"]],
    ["numbers that fall, and lines again and again", ["a9;\na7;\na5;\na3;\nb;\nb;\nb;\nb;\na3;"]],
    ["definitions out of order", ["let s5=1;\nlet s0=1;\nlet s1=2;\nvar s2 = 3;\nlet s7=4;"]],
    ["texts of the same forms", ["let s0=a[1];\nlet s1=a[2];", "let s0=a[1];", "", "let s0=a[2];"]],
    ["a number beyond exact integers", ["a12345678901234567890;\na9007199254740993;"]],
  ])("come back as they were: %s", (_, texts) => {
    expect(unpacked(texts)).toEqual(texts);
  });

  test("come back as they were: random ones", () => {
    const line = fc.stringMatching(/^(let |var )?[a-c]{1,2}\d{0,3}( ?= ?)?[-+*.a-b0-3x]{0,12};?$/);
    fc.assert(
      fc.property(
        fc.array(
          fc.array(line).map((lines) => lines.join("\n")),
          { minLength: 1 },
        ),
        (texts) => {
          expect(unpacked(texts)).toEqual(texts);
        },
      ),
      { seed: 1, numRuns: 300 },
    );
  });
});

test("each text has one row", () => {
  const { lines } = packTexts(["a1;\na2;\na2;", "a5;"]);
  expect(lines).toBe("0,1 * 0|\n0,5");
});

test("texts that come one by one, some of them in vain, are packed as all at once", () => {
  const texts = ["// a\nlet s0 = a[1];\nlet s1 = a[2];", "let s0 = a[1];", "// nothing", "let s0 = b[7];"];
  const packer = createPacker();
  ["let s0 = a[1];\nlet s1 = a[2];", "let x = 5;"].forEach(packer.add);
  packer.keep(1);
  texts.slice(1).forEach(packer.add);
  expect(packer.packed()).toEqual(packKernels(texts));
  expect(unpackTexts(packer.packed().templates, packer.packed().lines)).toEqual(
    texts.map((text) => minifiedText(text)),
  );
});

test("minified WGSL has no comment, no indentation and no spaces around signs", () => {
  expect(minifiedText("// conv, used by:\n\nfn main(a: u32) {\n  let s0 = a * 2u; // twice\n  return;\n}\n")).toBe(
    "fn main(a:u32){\nlet s0=a*2u;\nreturn;\n}",
  );
  expect(minifiedText("  let s0 = (a - -3) + b - c * -1.0;")).toBe("let s0=(a - -3)+b-c*-1.0;");
});
