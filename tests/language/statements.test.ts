import { describe, expect, test } from "@jest/globals";
import { parseBody, parseCleanly, showStatement, syntaxCodes } from "../support/diagnose.ts";

const shown = (text: string): readonly string[] => parseBody(text).map(showStatement);

describe("input", () => {
  test.each([
    ["input 784", "input 784"],
    ["input 1 x 28 x 28", "input 1 x 28 x 28"],
    ["input 1x28x28", "input 1 x 28 x 28"],
    ["input 3x224 x224", "input 3 x 224 x 224"],
    ["input channels x size x size", "input channels x size x size"],
    ["input channels x2", "input channels x 2"],
    ["input (a+b)x 8", "input (a + b) x 8"],
    ["input 1xsize x size", "input 1 x size x size"],
    ["input x x x x x", "input x x x x x"],
    ["input 2 * x x max(a, b)x3", "input (2 * x) x max(a, b) x 3"],
    ["input c.0x28", "input c.0 x 28"],
    ["input shape.0 x shape.1 x shape.2", "input shape.0 x shape.1 x shape.2"],
    ["input if big { 3 } else { 1 }x8x8", "input if big {3} else {1} x 8 x 8"],
    ["input\n  1\n  x\n  28x28", "input 1 x 28 x 28"],
  ])("%j", (text, tree) => {
    expect(shown(`${text}\nrelu`)).toEqual([tree, "relu"]);
  });

  test("`×` is reported and read as the cross", () => {
    expect(syntaxCodes("model M { input 1 × 28 × 28 }")).toEqual(["CNN1007", "CNN1007"]);
  });

  test("`x` is an ordinary name elsewhere", () => {
    expect(shown("x2 -> x(3) as x\nlet x = x28x28")).toEqual(["x2 -> x(3) as x", "let x = x28x28"]);
  });
});

describe("chains", () => {
  test.each([
    ["a -> b as y -> c", ["a -> b as y -> c"]],
    ["a\nb", ["a", "b"]],
    ["a b c", ["a", "b", "c"]],
    ["a\n->\nb", ["a -> b"]],
    ["identity as x", ["identity as x"]],
    ["identity as x as y", ["identity as x as y"]],
    ["from stem -> conv(8, kernel: 1)", ["from stem -> conv(8, kernel: 1)"]],
    ["from stem as trunk -> relu", ["from stem as trunk -> relu"]],
    ["from stem", ["from stem"]],
    ["add { branch { from a } branch { } } -> relu as y", ["add { branch { from a }; branch {  } } -> relu as y"]],
    ["relu (0.1)", ["relu(0.1)"]],
  ])("%j", (text, tree) => {
    expect(shown(text)).toEqual(tree);
  });
});

describe("control", () => {
  test.each([
    "repeat n { relu }",
    "repeat (n + 1) as i { relu; tanh }".replace("(n + 1)", "n"),
    "for c in (64, 128,) { conv(c) }",
    "for (n, c) in ((1, 64,), (1, 128,),) as i { conv(c) }",
    "for (a, (b, c)) in pairs { relu }",
    "if (in.channels != c) { relu } else if (a or b) { tanh } else { elu }",
    "let (a, b) = pair",
    "let w = (channels / 2)",
    'error "depth must be 11, 13, 16 or 19"',
    "head aux1 from i4a weight 0.3 { flatten; linear(10) }",
    "head aux { flatten }",
    "concat { for d in (1, 6,) { branch { conv(64, kernel: 3, padding: d) } } }",
    "multiply { branch {  }; branch { from s -> sigmoid } }",
    "if a { branch { relu } }",
  ])("%s", (text) => {
    expect(shown(text.replaceAll(";", "\n"))).toEqual([text]);
  });

  test("a step may follow an if without an arrow, and an if may stand in a chain", () => {
    expect(shown("if a { relu } linear(3)")).toEqual(["if a { relu }", "linear(3)"]);
    expect(shown("relu -> if a { tanh } -> linear(3) as y")).toEqual(["relu -> if a { tanh } -> linear(3) as y"]);
    expect(shown("let a = if b { 1 } else { 2 } if c { relu }")).toEqual([
      "let a = if b {1} else {2}",
      "if c { relu }",
    ]);
  });
});

describe("words are keywords only where they mean something", () => {
  const words = [
    ..."data batch head add weight model block train input branch concat multiply error import x".split(" "),
    ..."loss optimizer augment epochs identity same".split(" "),
  ];

  test.each(words)("%s as a name of a parameter, a value, a step and a named value", (word) => {
    const text =
      `block ${word}(${word} = 1) { let ${word} = ${word} + 1  tanh -> ${word}(3, ${word}: ${word}) as ${word} -> ${word}
      from ${word} -> ${word}  linear(${word})  for ${word} in ${word} { relu } head ${word} from ${word} { relu } ${word} -> relu }
      model ${word} { input 4 -> ${word} }`.replace("input 4 ->", "input 4 tanh ->");
    const [block, model] = parseCleanly(text).definitions;
    expect(block).toMatchObject({ kind: "block", name: { text: word } });
    expect(model).toMatchObject({ kind: "model", name: { text: word } });
    expect(block?.kind === "block" && block.body.statements.map(showStatement)).toEqual([
      `let ${word} = (${word} + 1)`,
      `tanh -> ${word}(3, ${word}: ${word}) as ${word} -> ${word}`,
      `from ${word} -> ${word}`,
      `linear(${word})`,
      `for ${word} in ${word} { relu }`,
      `head ${word} from ${word} { relu }`,
      `${word} -> relu`,
    ]);
  });

  test.each("and or not true false if else for in repeat let from as".split(" "))("%s is reserved", (word) => {
    expect(syntaxCodes(`block b(${word}) { relu }`)).toEqual(["CNN1013"]);
    expect(syntaxCodes(`model M { input 4 relu as ${word} }`)).toEqual(["CNN1013"]);
    expect(syntaxCodes(`let ${word} = 3`)).toEqual(["CNN1013"]);
  });

  test("words that begin like a keyword", () => {
    expect(shown("format -> iffy(notes, inner: ore) as asset")).toEqual(["format -> iffy(notes, inner: ore) as asset"]);
  });
});

describe("comments", () => {
  test("anywhere, and line ends mean nothing", () => {
    const text = "conv /* a */ ( // b\n8 /* c\n d */ , kernel /**/ : /***/ 3 )// e\n -> relu // f";
    expect(shown(text)).toEqual(["conv(8, kernel: 3) -> relu"]);
    expect(shown("relu\r\n-> tanh\r\n\r\nelu")).toEqual(["relu -> tanh", "elu"]);
  });

  test("unclosed ones are one mistake", () => {
    expect(syntaxCodes("model M { input 4 linear(3) } /* the end")).toEqual(["CNN1003"]);
    expect(syntaxCodes("model M { input 4 /* linear(3) }")).toEqual(["CNN1003"]);
    expect(syntaxCodes("model M { input 4\n # linear(3)\n linear(3) }")).toEqual(["CNN1007"]);
  });
});
