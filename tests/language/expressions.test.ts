import { describe, expect, test } from "@jest/globals";
import { parseBody, parseCleanly, parseValue, showExpr, showStatement, syntaxCodes } from "../support/diagnose.ts";

const shown = (text: string): string => showExpr(parseValue(text));

describe("numbers", () => {
  test.each([
    ["12", 12, true],
    ["0.5", 0.5, false],
    [".5", 0.5, false],
    ["8.0", 8, false],
    ["1e-4", 1e-4, false],
    ["5E+2", 500, false],
    ["1.5e3", 1500, false],
  ])("%s", (text, value, isInteger) => {
    expect(parseValue(text)).toMatchObject({ kind: "number", value, isInteger });
  });

  test.each(["12abc", "1.", "1e", "0x1F", "1_000", "0.5f", "1.2.3", "3x3"])("%s is one mistake", (text) => {
    expect(syntaxCodes(`let a = f(${text})\nlet b = 2`)).toEqual(["CNN1004"]);
  });

  test("numbers out of range", () => {
    expect(syntaxCodes("let a = 9007199254740992")).toEqual(["CNN1005"]);
    expect(syntaxCodes("let a = 9007199254740991")).toEqual([]);
    expect(syntaxCodes("let a = 1e999")).toEqual(["CNN1005"]);
  });

  test("a point after a word follows a space: a real number", () => {
    const [train] = parseCleanly("train M { memory .5 epochs 3 }").definitions;
    expect(train).toMatchObject({ entries: [{ value: { value: 0.5 } }, { value: { value: 3 } }] });
  });
});

describe("members", () => {
  test.each([
    ["c2.0", "c2.0"],
    ["c.0.1", "c.0.1"],
    ["c.0.1.2.3", "c.0.1.2.3"],
    ["in.channels", "in.channels"],
    ["stem.height", "stem.height"],
    ["(a, b).1", "(a, b,).1"],
    ["c2.0 + c2.1", "(c2.0 + c2.1)"],
    ["-c.0", "(- c.0)"],
  ])("%s", (text, tree) => {
    expect(shown(text)).toBe(tree);
  });

  test("`in` alone is no value", () => {
    expect(syntaxCodes("let a = in + 1")).toEqual(["CNN1024"]);
  });
});

describe("operators", () => {
  test.each([
    ["1 + 2 * 3", "(1 + (2 * 3))"],
    ["1 - 2 - 3", "((1 - 2) - 3)"],
    ["a / b % c", "((a / b) % c)"],
    ["(1 + 2) * 3", "((1 + 2) * 3)"],
    ["-a * b", "((- a) * b)"],
    ["- - a", "(- (- a))"],
    ["a - -b", "(a - (- b))"],
    ["not a == b", "(not (a == b))"],
    ["not not a and b", "((not (not a)) and b)"],
    ["a or b and c", "(a or (b and c))"],
    ["a == 1 and b != 2 or c <= 3", "(((a == 1) and (b != 2)) or (c <= 3))"],
    ["a + 1 < b * 2", "((a + 1) < (b * 2))"],
    ["not in.channels != c", "(not (in.channels != c))"],
    ["(a < b) == (c < d)", "((a < b) == (c < d))"],
    ["floor(a / b) + max(1, 2)", "(floor((a / b)) + max(1, 2))"],
  ])("%s", (text, tree) => {
    expect(shown(text)).toBe(tree);
  });

  test("spans reach from bracket to bracket", () => {
    const value = parseValue("(a + b) * c");
    expect(value.span.file.text.slice(value.span.start, value.span.end)).toBe("(a + b) * c");
  });

  test("signs of other languages are understood and reported once each", () => {
    expect(syntaxCodes("let a = b && c || !d")).toEqual(["CNN1007", "CNN1007", "CNN1007"]);
    expect(syntaxCodes("let a = [1, 2]")).toEqual(["CNN1007"]);
  });
});

describe("tuples, calls and arguments", () => {
  test.each([
    ["(64,)", "(64,)"],
    ["(64)", "64"],
    ["()", "()"],
    ["(1, (2, 3), 4,)", "(1, (2, 3,), 4,)"],
    ["leaky_relu(0.1)", "leaky_relu(0.1)"],
    ["f(g(1), padding: same, pool: max_pool(2),)", "f(g(1), padding: same, pool: max_pool(2))"],
    ["f()", "f()"],
    ["f(input: 1, model: 2, data: 3, in.width)", "f(input: 1, model: 2, data: 3, in.width)"],
  ])("%s", (text, tree) => {
    expect(shown(text)).toBe(tree);
  });

  test("a bare word as an argument", () => {
    const [statement] = parseBody("conv(8, kernel: 3, padding: same)");
    expect(statement && showStatement(statement)).toBe("conv(8, kernel: 3, padding: same)");
  });
});

describe("if as a value", () => {
  test.each([
    ["if a { 1 } else { 2 }", "if a {1} else {2}"],
    [
      "if a == 1 { (1, 1) } else if b { (2, 2) } else { (3,) }",
      "if (a == 1) {(1, 1,)} else {if b {(2, 2,)} else {(3,)}}",
    ],
    ["1 + if a { 1 } else { 2 }", "(1 + if a {1} else {2})"],
  ])("%s", (text, tree) => {
    expect(shown(text)).toBe(tree);
  });

  test("needs its else", () => {
    expect(syntaxCodes("let a = if b { 1 }")).toEqual(["CNN1019"]);
    expect(syntaxCodes("let a = if b { 1 } else if c { 2 }")).toEqual(["CNN1019"]);
  });
});

describe("strings", () => {
  test.each([
    [String.raw`"a\n\t\"\\b"`, 'a\n\t"\\b'],
    [String.raw`"\u{1f600}"`, "\u{1f600}"],
    ['"größe 日本"', "größe 日本"],
    ['"// no comment"', "// no comment"],
    ['""', ""],
  ])("%s", (text, value) => {
    expect(parseValue(text)).toMatchObject({ kind: "string", value });
  });

  test.each([String.raw`"C:\data"`, String.raw`"\u{110000}"`, String.raw`"\u{d800}"`])(
    "%s has a bad escape",
    (text) => {
      expect(syntaxCodes(`let a = ${text}`)).toEqual(["CNN1006"]);
    },
  );

  test("an unclosed string ends with its line and takes no brackets along", () => {
    expect(syntaxCodes('model M {\n input 4\n if a { error "no }\n linear(3)\n}')).toEqual(["CNN1002"]);
    expect(syntaxCodes('let a = "')).toEqual(["CNN1002"]);
    expect(syntaxCodes('let a = "abc\\')).toEqual(["CNN1002"]);
  });
});

describe("limits", () => {
  test("nesting at the limit is read, one more is diagnosed", () => {
    expect(syntaxCodes(`let a = ${"(".repeat(64)}1${")".repeat(64)}`)).toEqual([]);
    expect(syntaxCodes(`let a = ${"(".repeat(65)}1${")".repeat(65)}`)).toEqual(["CNN1011"]);
    expect(syntaxCodes(`let a = ${"f(".repeat(64)}1${")".repeat(64)}`)).toEqual([]);
    expect(syntaxCodes(`let a = ${"(".repeat(100_000)}`)).toContain("CNN1011");
    const braces = `model M ${"{ if a ".repeat(63)}{ relu }${" }".repeat(63)}`;
    expect(syntaxCodes(braces)).toEqual([]);
    expect(syntaxCodes("let a = " + "if a { ".repeat(65) + "1" + " } else { 2 }".repeat(65))).toEqual(["CNN1011"]);
  });

  test("signs and operators in a row", () => {
    expect(syntaxCodes(`let a = ${"not ".repeat(5_000)}b`)).toEqual(["CNN1011"]);
    expect(syntaxCodes(`let a = ${"- ".repeat(5_000)}1`)).toEqual(["CNN1011"]);
    expect(syntaxCodes(`let a = ${"1 + ".repeat(5_000)}1`)).toEqual(["CNN1011"]);
    expect(syntaxCodes(`let a = ${"1 + ".repeat(400)}1`)).toEqual([]);
    expect(syntaxCodes(`let a = c${".0".repeat(5_000)}`)).toEqual(["CNN1011"]);
    expect(syntaxCodes(`model M { ${"if a { relu } else ".repeat(5000)}{ tanh } }`)).toEqual(["CNN1011"]);
  });

  test("chains, bodies and tuples may be as long as one likes", () => {
    expect(parseBody("relu" + " -> relu".repeat(5_000))).toHaveLength(1);
    expect(parseBody("relu\n".repeat(5_000))).toHaveLength(5_000);
    expect(syntaxCodes(`let a = (${"1, ".repeat(5_000)})`)).toEqual([]);
  });
});
