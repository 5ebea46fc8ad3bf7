import { describe, expect, test } from "@jest/globals";
import { buildAst } from "../../compiler/1-parse/buildAst.ts";
import { parseProgram } from "../../compiler/1-parse/parseProgram.ts";
import { resolvePath } from "../../compiler/1-parse/resolvePath.ts";
import type { RecipeEntry } from "../../compiler/ir/ast.ts";
import { parseCleanly, showArgs, showExpr, syntaxCodes } from "../support/diagnose.ts";

describe("models, blocks and lets", () => {
  test("parameters with and without defaults, a trailing comma", () => {
    const [block] = parseCleanly("block b(a, c = (1, 2), activation = leaky_relu(0.1), last = a,) { }").definitions;
    if (block?.kind !== "block") throw new Error("expected a block");
    expect(block.params.map(({ name, default: value }) => name.text + (value ? ` = ${showExpr(value)}` : ""))).toEqual([
      "a",
      "c = (1, 2,)",
      "activation = leaky_relu(0.1)",
      "last = a",
    ]);
  });

  test("a file may be empty, hold comments only, or begin with a byte order mark", () => {
    for (const text of ["", "// nothing", "/* */", "\ufeff// mark", "\n\n"])
      expect(parseCleanly(text).definitions).toEqual([]);
  });

  test("comments directly above a definition are its doc", () => {
    const text =
      "// not this\n\n// One.\n//   Two.\nmodel A { } // not that\nblock b { }\n/**\n * Three.\n */\nblock c { }";
    expect(parseCleanly(text).definitions).toMatchObject([{ doc: "One.\n  Two." }, { doc: "" }, { doc: "Three." }]);
  });

  test("every span lies in the text, also where recovery filled a gap", () => {
    const text = "model { input }\nblock b( { conv(, }\nlet\ntrain { data }\nimport";
    const { output } = buildAst({ path: "input.cnn", text });
    const visit = (value: unknown): void => {
      if (typeof value !== "object" || value === null) return;
      if ("start" in value && "end" in value) {
        expect(value.start).toBeGreaterThanOrEqual(0);
        expect(value.end).toBeGreaterThanOrEqual(value.start as number);
        expect(value.end).toBeLessThanOrEqual(text.length);
        return;
      }
      Object.values(value).forEach(visit);
    };
    visit(output.definitions);
  });
});

/** A recipe's lines as text: key, arguments, value, braces. */
function showEntries(entries: readonly RecipeEntry[]): readonly string[] {
  return entries.map(({ key, args, value, entries: inner }) => {
    const parts = [key.text + (args ? `(${showArgs(args)})` : "")];
    if (value !== undefined) parts.push(showExpr(value));
    if (inner !== undefined) parts.push(`{ ${showEntries(inner).join("; ")} }`);
    return parts.join(" ");
  });
}

function recipe(body: string, header = "train M"): readonly string[] {
  const [train] = parseCleanly(`${header} { ${body} }`).definitions;
  if (train?.kind !== "train") throw new Error("expected a recipe");
  return showEntries(train.entries);
}

describe("recipes", () => {
  test.each([
    ["batch 256 epochs 5", ["batch 256", "epochs 5"]],
    ["batch 2 * 64 seed -1", ["batch (2 * 64)", "seed (- 1)"]],
    ["batch (8 * 4) * 2 epochs 5", ["batch ((8 * 4) * 2)", "epochs 5"]],
    ['data arrays("x.npy", "y.npy") loss nll', ['data arrays("x.npy", "y.npy")', "loss nll"]],
    ['data images("dir") { resize 96 }', ['data images("dir") { resize 96 }']],
    ["early_stop(patience: 5) precision f16", ["early_stop(patience: 5)", "precision f16"]],
    ["early_stop precision f16 freeze stem", ["early_stop", "precision f16", "freeze stem"]],
    ["freeze (stem, body) clip_norm 1.0", ["freeze(stem, body) (stem, body,)", "clip_norm 1"]],
    ["schedule cosine(warmup: 2) memory 0.5", ["schedule cosine(warmup: 2)", "memory 0.5"]],
    [
      "data mnist { subtract mean_image augment { random_flip } }",
      ["data mnist { subtract mean_image; augment { random_flip } }"],
    ],
    [
      `data fashion_mnist { resize 96 normalize(mean: 0.1, std: 0.3)
       augment { random_flip random_crop(padding: 4) center_crop 224 random_erasing } } loss cross_entropy`,
      [
        "data fashion_mnist { resize 96; normalize(mean: 0.1, std: 0.3); augment { random_flip; random_crop(padding: 4); center_crop 224; random_erasing } }",
        "loss cross_entropy",
      ],
    ],
    [
      "init if deep { he_normal } else { normal(0.01) } batch 1",
      ["init if deep {he_normal} else {normal(0.01)}", "batch 1"],
    ],
    ["data mnist { resize (96, 128) }", ["data mnist { resize(96, 128) (96, 128,) }"]],
    ["", []],
  ])("%s", (text, lines) => {
    expect(recipe(text)).toEqual(lines);
  });

  test("arguments and a name", () => {
    const [train] = parseCleanly("train LeNet(activation: relu, pool: max_pool) as quick { }").definitions;
    expect(train).toMatchObject({ model: { text: "LeNet" }, name: { text: "quick" }, entries: [] });
    expect(train?.kind === "train" && showArgs(train.args)).toBe("activation: relu, pool: max_pool");
  });

  test("signs that do not belong are reported one by one", () => {
    expect(syntaxCodes("train M { batch: 128\n epochs = 5\n seed 1, }")).toEqual(["CNN1022", "CNN1022", "CNN1022"]);
  });
});

describe("imports", () => {
  const library = { path: "std/blocks.cnn", text: "block std { relu }" };
  const program = (files: Readonly<Record<string, string>>, main: string): ReturnType<typeof parseProgram> =>
    parseProgram(
      { path: main, text: files[main] ?? "" },
      { readSource: (path) => files[path], standardLibrary: library },
    );

  test("are found from the folder of the importing file, each file once", () => {
    const { output, diagnostics } = program(
      {
        "nets/a.cnn": 'import "./lib/b.cnn"\nimport "../c.cnn"',
        "nets/lib/b.cnn": 'import "../../c.cnn"\nblock b { }',
        "c.cnn": "block c { }",
      },
      "nets/a.cnn",
    );
    expect(diagnostics).toEqual([]);
    expect(output.files.map(({ path }) => path)).toEqual(["nets/a.cnn", "nets/lib/b.cnn", "c.cnn", "std/blocks.cnn"]);
    expect([...output.imports.values()].map(({ file }) => file.path)).toEqual(["nets/lib/b.cnn", "c.cnn", "c.cnn"]);
  });

  test("missing files and cycles are diagnosed where they are imported; syntax errors too", () => {
    const { diagnostics } = program(
      {
        "a.cnn": 'import "b.cnn"\nimport "gone.cnn"',
        "b.cnn": 'import "./c.cnn"\nblock { }',
        "c.cnn": 'import "a.cnn"',
      },
      "a.cnn",
    );
    const found = diagnostics.map(({ code, span }) => `${code} ${span.file.path}`).sort();
    expect(found).toEqual(["CNN1012 b.cnn", "CNN1025 a.cnn", "CNN1026 c.cnn"]);
    expect(diagnostics.find(({ code }) => code === "CNN1026")?.notes).toHaveLength(2);
  });

  test.each([
    ["nets/a.cnn", "./b.cnn", "nets/b.cnn"],
    ["nets/a.cnn", "../b.cnn", "b.cnn"],
    ["a.cnn", "../b.cnn", "../b.cnn"],
    ["../a.cnn", "../b.cnn", "../../b.cnn"],
    ["/x/a.cnn", "b.cnn", "/x/b.cnn"],
    ["/x/a.cnn", "../../../b.cnn", "/b.cnn"],
    ["x/a.cnn", "/y/b.cnn", "/y/b.cnn"],
    ["x\\a.cnn", "b//c.cnn", "x/b/c.cnn"],
  ])("from %s, %s is %s", (importer, imported, path) => {
    expect(resolvePath(importer, imported)).toBe(path);
  });
});
