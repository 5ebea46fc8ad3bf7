import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { format } from "prettier";
import { CommentedList, ConstantName, literalText } from "../../../compiler/6-emit/literalText.ts";

/** What a plan is made of: numbers, strings of any length, lists and records of them. */
const number = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.nat(20));
const text = fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom("conv1.weight", "\"a\" 'b'", "é".repeat(70), "\\"));
const key = fc.constantFrom("name", "size", "kernel", "bindings", "offset", "first.second", "label");
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: "medium" },
    number,
    text,
    fc.boolean(),
    fc.array(number, { maxLength: 60 }),
    fc.array(tie("value"), { maxLength: 6 }),
    fc.dictionary(key, tie("value"), { maxKeys: 6, noNullPrototype: true }),
  ),
}));

async function prettier(source: string): Promise<string> {
  return format(source, { parser: "typescript", printWidth: 120 });
}

function declared(name: string, of: unknown): string {
  const before = `const ${name} = `;
  return `${before}${literalText(of, 0, before.length)};\n`;
}

describe("values as source", () => {
  test("look as Prettier leaves them", async () => {
    await fc.assert(
      fc.asyncProperty(value, async (of) => {
        const written = declared("table", of);
        expect(written).toBe(await prettier(written));
        expect(written).toBe(await prettier(`const table = ${JSON.stringify(of)};`));
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  test("comments stand above their entries, and names stay names", async () => {
    const record = {
      name: "conv_bias",
      wgsl: new ConstantName("convBiasWgsl"),
      inputShape: new ConstantName("inputShape"),
    };
    const list = new CommentedList([
      { comment: "kernel 0", value: record },
      { comment: "", value: [1, 2] },
    ]);
    const written = declared("kernels", { list, none: new CommentedList([]), counters: [] });
    expect(written).toBe(
      [
        "const kernels = {",
        "  list: [",
        "    // kernel 0",
        '    { name: "conv_bias", wgsl: convBiasWgsl, inputShape },',
        "    [1, 2],",
        "  ],",
        "  none: [],",
        "  counters: [],",
        "};",
        "",
      ].join("\n"),
    );
    expect(written).toBe(await prettier(written));
  });

  test("a number without a literal is the compiler's mistake", () => {
    expect(() => literalText({ scale: Infinity }, 0, 0)).toThrow(/which has no literal/);
  });
});
