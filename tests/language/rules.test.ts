/** One test for each numbered rule of docs/language.md, under the rule's own number. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { checkCommand } from "../../compiler/commands/check.ts";
import { layers } from "../../compiler/ops/index.ts";
import { describeBlocks } from "../../compiler/commands/describeBlocks.ts";
import { standardLibrary } from "../../compiler/standardLibrary.ts";
import { scheduledRate } from "../../runtime/schedules.ts";
import {
  bodyCodes, bodyGraph, checkCleanly, codesOf, recipeOf, steps, valueCodes, valueOf, withRecipe,
} from "../support/checkText.ts"; // prettier-ignore
import { colourlessTerminal } from "../support/terminal.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

const required = '  data images("photos")\n  optimizer sgd(lr: 0.1)\n';
const document = readFileSync(new URL("../../docs/language.md", import.meta.url), "utf8");

const rules: Readonly<Record<string, () => void>> = {
  "1.1": () => {
    const text = "// about it\nmodel /* a */ N { input 4 // four\n linear(3) }";
    expect(checkCleanly(text).doc).toBe("about it");
  },
  "1.2": () => {
    expect(valueOf("data + head", "let data = 1\nlet head = 2")).toBe("3");
    const everywhere =
      'model N(train = 2) { input 4 linear(train) }\ntrain N(train: 3) as train { data arrays("x", "y") optimizer adam batch train }';
    expect(checkCleanly(everywhere).recipe?.batch).toBe(3);
    expect(steps(bodyGraph("  add { branch { } branch { } } as weight\n  from weight -> relu"))).toContain(
      "relu1 2x8x8",
    );
    expect(codesOf("model N(repeat = 1) { input 4 }")).toEqual(["CNN1013"]);
    expect(valueOf("_a1", "let _a1 = 1")).toBe("1");
    expect(codesOf("let größe = 1\nmodel N { input 4 }")).toEqual(["CNN1008"]);
    expect(codesOf("model N { input 4 1a }")).toEqual(["CNN1004"]);
    expect(checkCleanly('// größe\nlet a = "größe"\nmodel N { input 4 }').doc).toBe("");
  },
  "1.3": () => {
    expect([valueOf("12"), valueOf(".5"), valueOf("5e-4"), valueOf("8.0")]).toEqual(["12", "0.5", "0.0005", "8"]);
    expect(bodyCodes("conv(8.0, kernel: 1)")).toEqual([]);
    expect(bodyCodes("conv(8.5, kernel: 1)")).toEqual(["CNN2013"]);
    // Whole, but beyond what can be counted: too large, not "not whole".
    expect(bodyCodes("flatten -> linear(1e20)")).toEqual(["CNN2014"]);
    expect(valueCodes("1.")).toEqual(["CNN1004"]);
  },
  "1.4": () => expect(valueOf(String.raw`"a\"\u{e9}\n"`)).toBe(JSON.stringify('a"é\n')),
  "1.5": () => {
    expect([valueOf("len((64,))"), valueOf("(64)"), valueOf("min(3, 2,)")]).toEqual(["1", "64", "2"]);
  },
  "1.6": () => {
    const nested = (depth: number): string => "(".repeat(depth) + "1" + ")".repeat(depth);
    const sum = (operations: number): string => "1" + " + 1".repeat(operations);
    const inModel = (value: string): string => `let a = ${value}\nmodel N { input 4 }`;
    expect(codesOf(inModel(nested(64)))).toEqual([]);
    expect(codesOf(inModel(nested(65)))).toEqual(["CNN1011"]);
    expect(codesOf(inModel(sum(400)))).toEqual([]);
    expect(codesOf(inModel(sum(600)))).toEqual(["CNN1011"]);
    expect(steps(bodyGraph(`relu${" -> relu".repeat(999)}`))).toHaveLength(1000);
  },
  "2.1": () => {
    const text =
      'train N { data images("x") optimizer sgd(lr: n) }\nmodel N { input 4 b }\nblock b { linear(n) }\nlet n = 3\n';
    expect(checkCleanly(text).recipe?.optimizer.args["lr"]).toBe(3);
  },
  "2.2": () => expect(codesOf("let a = 1\nblock a { relu }\nmodel N { input 4 }")).toEqual(["CNN2005"]),
  "2.3": () => {
    const files = { "b.cnn": 'import "./c.cnn"\nblock b { linear(n) }\nlet n = 5\n', "c.cnn": "block c { relu }\n" };
    const first = checkCleanly('import "./b.cnn"\nmodel N { input 4 b -> linear(n) }', { files });
    expect(first.graph.parameters.map(({ type }) => type.shape[0])).toEqual([5, 5, 5, 5]);
    expect(codesOf('import "./b.cnn"\nmodel N { input 4 c }', { files })).toEqual(["CNN2001"]);
    expect(codesOf('import "./input.cnn"\nmodel N { input 4 }', { files: { "input.cnn": "" } })).toEqual(["CNN1026"]);
  },
  "2.4": () => {
    expect(steps(bodyGraph("vgg_block(1, 4)")).at(-1)).toBe("vgg_block1.max_pool1 4x4x4");
    expect(steps(bodyGraph("vgg_block(1)", "block vgg_block(n) { relu }"))).toEqual(["vgg_block1.relu1 2x8x8"]);
    const files = { "a.cnn": "block vgg_block() { tanh }", "b.cnn": "block vgg_block() { sigmoid }" };
    const imports = 'import "./a.cnn"\nimport "./b.cnn"\n';
    const { graph } = checkCleanly(`${imports}model N { input 4 vgg_block }`, { files });
    expect(steps(graph)).toEqual(["vgg_block1.sigmoid1 4"]);
  },
  "2.5": () => {
    const files = { "m.cnn": "model M(n = 3) { input 4 linear(n) }\nmodel O { input 4 }" };
    const training = 'import "./m.cnn"\ntrain M(n: 5) { data images("x") optimizer adam }';
    expect(checkCleanly(training, { files }).graph.name).toBe("M");
    expect(codesOf('import "./m.cnn"', { files })).toEqual(["CNN2026"]);
    const text = "model A { input 4 }\nmodel B { input 5 }";
    expect(checkCleanly(text).graph.name).toBe("B");
    expect(checkCleanly(text, { model: "A" }).graph.name).toBe("A");
    expect(codesOf(text, { model: "C" })).toEqual(["CNN2025"]);
  },
  "3.1": () => expect(checkCleanly("model N { input 4 }").settings).toEqual([]),
  "3.2": () => {
    const input = (sizes: string): unknown =>
      checkCleanly(`model N(x = 3, s = 8) { input ${sizes} flatten }`).graph.inputs[0]?.type.shape;
    expect(input("1x28x28")).toEqual([1, 28, 28]);
    expect(input("x x s x s / 2")).toEqual([3, 8, 4]);
    expect(checkCleanly("model N { input 784 }").graph.inputs[0]?.type.shape).toEqual([784]);
    expect(checkCleanly("model N { if true { input 4 } relu }").graph.inputs[0]?.type.shape).toEqual([4]);
    expect(codesOf("model N { repeat 1 { input 4 } linear(3) }")).toContain("CNN2030");
    expect(codesOf("model N { input 4 input 4 }")).toEqual(["CNN2029"]);
    expect(codesOf("model N { relu input 4 }")).toEqual(["CNN3017"]);
  },
  "3.3": () => {
    expect(codesOf("model N { input 2 x 8 x 8 global_avg_pool }")).toEqual(["CNN3003"]);
    expect(checkCleanly("model N { input 2 x 8 x 8 global_avg_pool flatten }").graph.heads[0]?.name).toBe("output");
  },
  "3.4": () => {
    const text = `model N(a = 1, b, c = a) { input 4 }\ntrain N(a: 5, b: 2) {\n${required}}`;
    const values = checkCleanly(text, { settings: { b: "3 * 3" } }).settings.map(({ value }) => value);
    expect(values).toEqual(["5", "9", "5"]);
    expect(codesOf("model N(b) { input 4 }")).toEqual(["CNN2041"]);
    expect(codesOf("model N(b = 1) { input 4 }", { settings: { c: "1" } })).toEqual(["CNN2039"]);
  },
  "4.1": () => expect(steps(bodyGraph("relu\ntanh"))).toEqual(steps(bodyGraph("relu -> tanh"))),
  "4.2": () => {
    const body = "relu() -> add { branch { } branch { } } -> repeat 1 { tanh } -> if true { relu } as y -> sigmoid";
    const names = ["relu1 2x8x8", "add 2x8x8", "tanh1 2x8x8", "relu2 2x8x8", "sigmoid1 2x8x8"];
    expect(steps(bodyGraph(body))).toEqual(names);
  },
  "4.3": () => {
    const body =
      "relu\nif false { tanh }\nrepeat 0 { tanh }\nrepeat 2 { }\nlet a = 1\nhead h { flatten }\nfrom r -> relu";
    expect(codesOf(`model N { input 4 relu as r ${body} }`)).toEqual([]);
    expect(steps(bodyGraph("relu -> if false { tanh } -> repeat 0 { tanh } -> sigmoid"))).toHaveLength(2);
  },
  "4.4": () => {
    const graph = bodyGraph("relu as a as b\nconv(3, kernel: 1)\nfrom b -> tanh\nsigmoid");
    expect(steps(graph).at(-1)).toBe("sigmoid1 2x8x8");
    expect([...graph.named.keys()]).toEqual(["a", "b"]);
    expect(steps(bodyGraph("identity as x\nconv(3, kernel: 1)\nfrom x -> relu")).at(-1)).toBe("relu1 2x8x8");
  },
  "4.5": () => {
    expect(bodyCodes("repeat 1 { relu as r let a = 1 }\nfrom r -> conv(a, kernel: 1)")).toEqual(["CNN2002", "CNN2002"]);
    expect(bodyCodes("let a = 1\nb", "block b { conv(a, kernel: 1) }")).toEqual(["CNN2002"]);
    const body = "let c = 3\nrepeat 2 { conv(c, kernel: 1) let c = 5 }\nconv(c, kernel: 1)";
    expect(steps(bodyGraph(body))).toEqual(["conv1 3x8x8", "conv2 3x8x8", "conv3 3x8x8"]);
  },
  "5.1": () => {
    const values = ["true", '"s"', "(1, (2,))", "relu", "leaky_relu(0.1)", "resblock"].map((text) => valueOf(text));
    expect(values).toEqual(["true", '"s"', "(1, (2,))", "relu", "leaky_relu(negative_slope: 0.1)", "resblock"]);
  },
  "5.2": () => {
    const values = ["7 / 2", "-7 % 3", "1 + 2 * 3", "-2 * 3", "not 1 > 2 and true or false", "1 + 1 == 2"];
    expect(values.map((text) => valueOf(text))).toEqual(["3.5", "2", "7", "-6", "true", "true"]);
    expect(valueCodes("1 < 2 < 3")).toEqual(["CNN1020"]);
    expect(valueOf("1 < 2 and 2 < 3")).toBe("true");
  },
  "5.3": () => {
    const equal = [
      "(1, 2) == (1, 2)",
      "relu == relu",
      "leaky_relu(0.1) != leaky_relu(0.2)",
      '1 != "1"',
      "max_pool != avg_pool",
    ];
    expect(equal.map((text) => valueOf(text))).toEqual(equal.map(() => "true"));
    expect(valueOf("false and 1 / 0 > 1")).toBe("false");
    expect(valueOf("true or len(3) > 1")).toBe("true");
  },
  "5.4": () => {
    expect(valueCodes("1 / 0")).toEqual(["CNN2016"]);
    expect(valueCodes("1e300 * 1e300")).toEqual(["CNN2017"]);
    expect(valueCodes("9007199254740991 + 1")).toEqual(["CNN2017"]);
    expect(valueCodes("1 + true")).toEqual(["CNN2015"]);
  },
  "5.5": () => {
    const values = [
      "min(3, 1, 2)",
      "max((3, 5))",
      "floor(-2.5)",
      "ceil(2.1)",
      "round(2.5)",
      "round(-2.5)",
      "len((1, 2))",
    ];
    expect(values.map((text) => valueOf(text))).toEqual(["1", "5", "-3", "3", "3", "-3", "2"]);
    expect(valueCodes("floor(1, 2)")).toEqual(["CNN2009"]);
    expect(valueCodes("max()")).toEqual(["CNN2008"]);
  },
  "5.6": () => {
    expect(valueOf("c.0.1", "let c = ((64, 128), 3)")).toBe("128");
    expect(valueCodes("c.2", "let c = (1, 2)")).toEqual(["CNN2018"]);
    expect(bodyCodes("for c in (1, 2) as i { let d = (3, 4).i }")).toEqual(["CNN2018"]);
  },
  "5.7": () => {
    expect(valueOf("a + b + c", "let c = d\nlet (a, (b, d)) = (1, (2, 4))")).toBe("7");
    expect(valueCodes("a", "let a = b\nlet b = a")).toEqual(["CNN2037"]);
    expect(bodyCodes("let (a, b) = (1, 2, 3)")).toEqual(["CNN2021"]);
    expect(steps(bodyGraph("let w = in.channels * 2\nconv(w, kernel: 1)"))).toEqual(["conv1 4x8x8"]);
  },
  "5.8": () => {
    expect(valueOf("if 1 > 2 { 3 } else if true { 4 } else { 5 }")).toBe("4");
    expect(valueCodes("if true { 1 }")).toContain("CNN1019");
  },
  "5.9": () => {
    const body = "relu as r\nconv(in.height + in.width, kernel: 1)\nflatten\nlinear(in.features / r.channels)";
    expect(steps(bodyGraph(body)).at(-1)).toBe("linear1 512");
    expect(bodyCodes("conv(in.features, kernel: 1)")).toEqual(["CNN3016"]);
    expect(valueCodes("in.channels")).toEqual(["CNN2020"]);
  },
  "5.10": () => {
    expect(bodyCodes('error "never"')).toEqual(["CNN2023"]);
    expect(bodyCodes('if false { error "never" }')).toEqual([]);
    // It is the last word: what it guards against is not reported as well, of the model or of a block's caller.
    expect(bodyCodes('let n = 0\nif n == 0 { error "no layers" }\nrepeat n - 1 { relu }')).toEqual(["CNN2023"]);
    expect(bodyCodes("b(0)\nrepeat 0 - 1 { relu }", 'block b(n) { if n == 0 { error "no layers" } }')).toEqual([
      "CNN2023",
    ]);
    expect(bodyCodes('add { branch { } error "no sum" }\nrepeat 0 - 1 { relu }')).toEqual(["CNN2023"]);
    expect(valueOf('if true { 1 } else { error "no value" }')).toBe("1");
    expect(valueCodes('if 1 == 2 { 1 } else if 1 == 3 { 2 } else { error "no value" }')).toEqual(["CNN2023"]);
    expect(valueCodes('if true { error "no value" } else { 1 }')).toEqual(["CNN2023"]);
    // Elsewhere it is no value, and alone it is a name.
    expect(valueCodes('error "no value"')).not.toEqual([]);
    expect(valueOf("if true { error } else { 2 }", "let error = 3")).toBe("3");
  },
  "6.1": () => {
    const graph = bodyGraph("b(3) -> relu\nb(3)", "block b(n) { conv(n, kernel: 1) }");
    const names = ["b1.conv1.weight", "b1.conv1.bias", "b2.conv1.weight", "b2.conv1.bias"];
    expect(graph.parameters.map(({ name }) => name)).toEqual(names);
  },
  "6.2": () => {
    const block = "block b(n, m = n * 2, k = in.channels) { conv(n + m + k, kernel: 1) }";
    expect(steps(bodyGraph("b(1, k: 4)", block))).toEqual(["b1.conv1 7x8x8"]);
    expect(steps(bodyGraph("b(m: 1, n: 1)", block))).toEqual(["b1.conv1 4x8x8"]);
    expect(bodyCodes("b", block)).toEqual(["CNN2008"]);
    expect(bodyCodes("b(1, 2, 3, 4)", block)).toEqual(["CNN2009"]);
    expect(bodyCodes("b(1, n: 2)", block)).toEqual(["CNN2010"]);
    expect(bodyCodes("b(n: 1, 2)", block)).toEqual(["CNN2011"]);
    // `from` is reserved, and an argument of `slice`: before a colon it is a name like any other.
    expect(steps(bodyGraph("conv(4, kernel: 1) -> slice(from: 1, to: 3)")).at(-1)).toBe("slice1 2x8x8");
    expect(bodyCodes("b(from: 1)", block)).toEqual(["CNN2007"]);
    expect(bodyCodes("b(1, o: 2)", block)).toEqual(["CNN2007"]);
  },
  "6.3": () => {
    const block =
      "block b(act = leaky_relu(0.1), pool = max_pool(3)) { conv(8, kernel: 1) -> act -> act(0.5) -> pool(2) }";
    const { nodes } = bodyGraph("b", block);
    expect(nodes.slice(1, 3).map(({ attrs }) => attrs["negative_slope"])).toEqual([0.1, 0.5]);
    expect(nodes.at(-1)?.type.shape).toEqual([8, 4, 4]);
    expect(steps(bodyGraph("b(act: c, pool: tanh(), n: 1)", "block b(act, pool, n) { act(n) -> pool }\nblock c(n) { conv(n, kernel: 1) }"))).toHaveLength(2); // prettier-ignore
    const optional = "block b(act = relu) { if act != identity { act } }";
    expect(steps(bodyGraph("b -> b(identity) -> b(tanh)", optional))).toHaveLength(2);
  },
  "6.4": () => {
    expect(steps(bodyGraph("b(0.3)", "block b(dropout) { dropout(dropout) }"))).toEqual(["b1.dropout1 2x8x8"]);
    expect(bodyCodes("b(0.3)", "block b(rate) { rate }")).toEqual(["CNN2003"]);
    expect(bodyCodes("relu", "block relu() { tanh }")).toEqual(["CNN2004"]);
    expect(bodyCodes("b(tanh)", "block b(relu) { relu }")).toEqual(["CNN2004"]);
  },
  "6.5": () => {
    expect(bodyCodes("a", "block a { b }\nblock b { a }")).toEqual(["CNN2024"]);
    // Also where no model calls it, or only under a condition that does not hold.
    expect(bodyCodes("relu", "block a { b -> b }\nblock b { relu -> a }")).toEqual(["CNN2024"]);
    expect(bodyCodes("relu", "block a(n) { if n > 9 { concat { branch { a(n - 1) } branch { } } } }")).toEqual([
      "CNN2024",
    ]);
    expect(bodyCodes("a(relu)", "block a(b) { b }\nblock b { a(b: relu) }")).toEqual([]);
    expect(bodyCodes("M", "model M { input 4 }")).toEqual(["CNN2038"]);
  },
  "6.6": () => {
    expect(bodyCodes("repeat 1000000000 { }")).toEqual(["CNN2036"]);
    expect(bodyCodes("repeat 200000 { relu }")).toEqual(["CNN2036"]);
    const calls = Array.from({ length: 102 }, (_, i) => `block b${i} { ${i === 101 ? "relu" : `b${i + 1}`} }`).join(
      "\n",
    );
    expect(bodyCodes("b0", calls)).toEqual(["CNN2036"]);
  },
  "6.7": () => {
    const blocks = describeBlocks(standardLibrary);
    expect(blocks.length).toBeGreaterThan(15);
    for (const { name, signature, doc, source } of blocks) {
      expect([name, doc.length > 40, source.startsWith(`block ${name}`)]).toEqual([name, true, true]);
      expect(document.replace(/\\_/g, "_")).toContain(`| \`${signature}\``);
    }
  },
  "7.1": () => {
    expect(steps(bodyGraph("repeat 3 as i { conv(i + 1, kernel: 1) }")).at(-1)).toBe("conv3 3x8x8");
    expect(bodyCodes("repeat 1.5 { }")).toEqual(["CNN2013"]);
    expect(bodyCodes("repeat -1 { }")).toEqual(["CNN2014"]);
  },
  "7.2": () => {
    const body =
      "for c in (3, 4) as i { conv(c + i, kernel: 1) }\nfor (n, c) in ((1, 2), (2, 3)) { repeat n { conv(c, kernel: 1) } }";
    expect(steps(bodyGraph(body)).map((step) => step.split(" ")[1])).toEqual([
      "3x8x8",
      "5x8x8",
      "2x8x8",
      "3x8x8",
      "3x8x8",
    ]);
    expect(bodyCodes("for c in 3 { }")).toEqual(["CNN2022"]);
  },
  "7.3": () => {
    expect(steps(bodyGraph("if 1 > 2 { relu } else if 2 > 1 { tanh } else { sigmoid }"))).toEqual(["tanh1 2x8x8"]);
    expect(bodyCodes("if 1 { relu }")).toEqual(["CNN2019"]);
  },
  "8.1": () => {
    expect(steps(bodyGraph("concat { branch { } branch { conv(3, kernel: 1) } }")).at(-1)).toBe("concat 5x8x8");
    expect(steps(bodyGraph("flatten concat { branch { } branch { linear(3) } }")).at(-1)).toBe("concat 131");
    expect(bodyCodes("concat { branch { } branch { max_pool(2) } }")).toEqual(["CNN3006"]);
  },
  "8.2": () => {
    const graph = bodyGraph("add { branch { relu } branch { } branch { tanh } }");
    expect(steps(graph)).toEqual(["relu1 2x8x8", "tanh1 2x8x8", "add 2x8x8", "add 2x8x8"]);
    expect(bodyCodes("add { branch { } branch { conv(3, kernel: 1) } }")).toEqual(["CNN3007"]);
  },
  "8.3": () => {
    const graph = bodyGraph("multiply { branch { global_avg_pool -> sigmoid } branch { relu } }");
    const [, , gated, product] = graph.nodes;
    expect(product?.inputs["x0"]).toBe(gated?.output);
    expect(product?.type.shape).toEqual([2, 8, 8]);
    expect(bodyCodes("multiply { branch { } branch { conv(3, kernel: 1) } }")).toEqual(["CNN3008"]);
  },
  "8.4": () => {
    const body =
      "concat { let k = 2 for d in (1, 2) { branch { conv(k, kernel: 3, padding: d, dilation: d) } } if false { branch { } } }";
    expect(steps(bodyGraph(body)).at(-1)).toBe("concat 4x8x8");
    expect(bodyCodes("concat { relu }")).toEqual(["CNN2032"]);
    expect(bodyCodes("concat { }")).toEqual(["CNN2033"]);
    expect(bodyCodes("branch { relu }")).toEqual(["CNN2031"]);
  },
  "8.5": () => {
    const body = "relu as r\nconv(3, kernel: 1)\nconcat { branch { from r } branch { from r -> tanh } branch { } }";
    expect(steps(bodyGraph(body)).at(-1)).toBe("concat 7x8x8");
    expect(bodyCodes("concat { branch { from q } }")).toEqual(["CNN2002"]);
  },
  "8.6": () => {
    const head = "head aux from r weight 0.3 { linear(3) }";
    const { heads, parameters } = checkCleanly(`model N { input 4 relu as r if true { ${head} } linear(3) }`).graph;
    expect(heads.map(({ name, weight }) => `${name} ${weight}`)).toEqual(["output 1", "aux 0.3"]);
    expect(parameters[0]?.name).toBe("aux.linear1.weight");
    expect(checkCleanly("model N { input 4 head h { linear(4) } }").graph.heads[1]?.weight).toBe(1);
    expect(codesOf("model N { input 4 head output { relu } }")).toEqual(["CNN2035"]);
    expect(codesOf("model N { input 4 head h { linear(3) } }")).toEqual(["CNN3015"]);
    expect(codesOf("block b { head h { relu } }\nmodel N { input 4 b }")).toEqual(["CNN2034"]);
  },
  "9.1": () => {
    const attrs = bodyGraph("conv(3, (3, 1), 2, padding: (1, 0))").nodes[0]?.attrs;
    expect(attrs).toMatchObject({ kernel: [3, 1], stride: [2, 2], padding: [1, 0] });
    expect(steps(bodyGraph("conv(3, kernel: 3, padding: same)"))).toEqual(["conv1 3x8x8"]);
    expect(steps(bodyGraph("b(same)", "block b(p) { conv(3, kernel: 3, padding: p) }"))).toEqual(["b1.conv1 3x8x8"]);
    expect(bodyCodes("conv(3, kernel: 3, padding: sme)")).toEqual(["CNN2012"]);
    // A word may be a layer's name too.
    expect(bodyGraph("gelu(approximate: tanh)").nodes[0]?.attrs).toEqual({ approximate: "tanh" });
    expect(bodyCodes("gelu(approximate: relu)")).toEqual(["CNN2012"]);
    // Every argument may be given by its name.
    for (const { name, arguments: all } of layers.values()) {
      for (const each of all) expect(bodyCodes(`${name}(${each.name}: "?")`)).not.toContain("CNN1012");
    }
    for (const name of layers.keys()) expect(document).toMatch(new RegExp(`^\\| \`${name}\` +\\|`, "m"));
  },
  "9.2": () => {
    expect(bodyCodes("linear(3)")).toEqual(["CNN3002"]);
    expect(bodyCodes("flatten conv(3, kernel: 1)")).toEqual(["CNN3001"]);
  },
  "9.3": () => {
    expect(steps(bodyGraph("max_pool(3, stride: 2)"))).toEqual(["max_pool1 2x3x3"]);
    expect(steps(bodyGraph("max_pool(3, stride: 2, ceil_mode: true)"))).toEqual(["max_pool1 2x4x4"]);
    expect(steps(bodyGraph("conv(1, kernel: 3, padding: 1, dilation: 2, stride: 2)"))).toEqual(["conv1 1x3x3"]);
    expect(bodyCodes("conv(1, kernel: 5, dilation: 2)")).toEqual(["CNN3004"]);
  },
  "9.4": () => {
    const body =
      "conv(2, kernel: 1) as stem\nrepeat 2 { conv(2, kernel: 1) as c }\nconv(2, kernel: 1)\nb as stage\nif true { conv(2, kernel: 1) }";
    const names = bodyGraph(body, "block b { conv(2, kernel: 1) }").parameters.map(({ name }) => name);
    expect(names.filter((name) => name.endsWith("weight"))).toEqual([
      "stem.weight", "c.weight", "c_2.weight", "conv1.weight", "stage.conv1.weight", "conv2.weight",
    ]); // prettier-ignore
  },
  "9.5": () => {
    expect(steps(bodyGraph("upsample(2)"))).toEqual(["upsample1 2x16x16"]);
    expect(bodyCodes("upsample(1.5)")).toEqual(["CNN2013"]);
    const shapes = (layer: string) => bodyGraph(layer).parameters.map(({ type }) => type.shape);
    expect(shapes("layer_norm")).toEqual([
      [2, 8, 8],
      [2, 8, 8],
    ]);
    expect(shapes("batch_norm")).toEqual([[2], [2]]);
    expect(bodyCodes("batch_norm(momentum: 2)")).toEqual(["CNN2014"]);
    expect(bodyCodes("batch_norm(momentum: none)")).not.toEqual([]);
  },
  "10.1": () => {
    const recipe = recipeOf(required);
    expect(recipe).toMatchObject({ batch: 128, epochs: 10, seed: 0, accumulate: 1, precision: "f32" });
    expect([recipe.loss.kind, recipe.schedule.name, recipe.init.name]).toEqual([
      "cross_entropy",
      "constant",
      "pytorch",
    ]);
    expect(codesOf(withRecipe("data mnist"))).toEqual(["CNN5002"]);
    expect(checkCleanly("model N { input 4 }").recipe).toBeUndefined();
  },
  "10.2": () => {
    const text = withRecipe(`data mnist { resize size }\noptimizer sgd(lr: 0.1)`, "train Net(size: 14) as quick");
    const checked = checkCleanly(text, { recipe: "quick" });
    expect(checked.graph.inputs[0]?.type.shape).toEqual([1, 14, 14]);
    expect(checked.recipe?.data.resize).toEqual([14, 14]);
    expect(codesOf(text, { recipe: "quik" })).toEqual(["CNN5004"]);
    expect(codesOf(`${withRecipe(required)}train Net {\n${required}}`)).toEqual(["CNN5006"]);
    expect(codesOf(withRecipe(required, "train Nett"))).toEqual(["CNN2025"]);
  },
  "10.3": () => {
    const source = (data: string): unknown => recipeOf(`data ${data}\noptimizer sgd(lr: 0.1)`).data.source;
    expect(source("cifar100")).toEqual({ kind: "named", name: "cifar100" });
    expect(source('images("dir")')).toEqual({ kind: "images", directory: "dir" });
    expect(source('arrays("x.npy", "y.npy")')).toEqual({ kind: "arrays", images: "x.npy", labels: "y.npy" });
    expect(codesOf(withRecipe("data mnits\noptimizer sgd(lr: 0.1)"))).toEqual(["CNN5004"]);
  },
  "10.4": () => {
    const data = (lines: string) => recipeOf(`data mnist { ${lines} }\noptimizer sgd(lr: 0.1)`).data;
    expect(data("resize (96, 128)").resize).toEqual([96, 128]);
    expect(data("resize 96").resize).toEqual([96, 96]);
    expect(data("normalize(mean: 0.1, std: 0.3)").normalize).toEqual({ mean: [0.1], std: [0.3] });
    expect(data("subtract mean_image").subtract).toBe("mean_image");
    const both = "data mnist { subtract mean_image normalize(mean: 0.1, std: 0.3) }\noptimizer sgd(lr: 0.1)";
    expect(codesOf(withRecipe(both))).toEqual(["CNN5008"]);
  },
  "10.5": () => {
    const all =
      "random_flip random_crop(padding: 4) random_resized_crop(size: 28) center_crop(24) random_rotation(10) color_jitter(brightness: 0.2) random_erasing";
    const { augment } = recipeOf(`data mnist { augment { ${all} } }\noptimizer sgd(lr: 0.1)`).data;
    expect(augment.map(({ name }) => name)).toEqual(
      all.split(" ").flatMap((word) => /^[a-z_]+(?=\(|$)/.exec(word) ?? []),
    );
    expect(augment[1]?.args).toEqual({ size: [0, 0], padding: 4 });
    const bare = recipeOf("data mnist { augment { random_flip center_crop(24) } }\noptimizer sgd(lr: 0.1)").data
      .augment;
    expect(bare.map(({ name, args }) => [name, args])).toEqual([
      ["random_flip", { p: 0.5 }],
      ["center_crop", { size: [24, 24] }],
    ]);
  },
  "10.6": () => {
    expect(recipeOf(`${required}loss cross_entropy(label_smoothing: 0.1)`).loss).toEqual({ kind: "cross_entropy", labelSmoothing: 0.1 }); // prettier-ignore
    expect(recipeOf(`${required}loss nll`).loss).toEqual({ kind: "nll" });
  },
  "10.7": () => {
    const optimizer = (text: string) => recipeOf(`data mnist\noptimizer ${text}`).optimizer.args;
    expect(optimizer("sgd(0.1, nesterov: true, momentum: 0.9)")).toMatchObject({
      lr: 0.1,
      momentum: 0.9,
      weight_decay: 0,
    });
    expect(optimizer("adam")).toMatchObject({ lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0 });
    expect(optimizer("adamw(amsgrad: true)")).toMatchObject({ weight_decay: 0.01, amsgrad: true });
    expect(optimizer("sgd(0.1, 0.9, 0.2, 5e-4, false)")).toMatchObject({ dampening: 0.2, weight_decay: 5e-4 });
    expect(optimizer("adam(1e-2, (0.8, 0.9), 1e-7, 0.1, true)")).toMatchObject({ betas: [0.8, 0.9], amsgrad: true });
    const wrong = ["adam(betas: 0.9)", "adam(betas: (0.9, 0.99, 0.999))"];
    for (const text of wrong) expect(codesOf(withRecipe(`data mnist\noptimizer ${text}`))).toEqual(["CNN2012"]);
    for (const text of ["sgd(0.1, nesterov: true)", "sgd(0.1, 0.9, 0.1, nesterov: true)"]) {
      expect(codesOf(withRecipe(`data mnist\noptimizer ${text}`))).toEqual(["CNN5011"]);
    }
    expect(optimizer("rmsprop")).toMatchObject({ lr: 0.01, alpha: 0.99, momentum: 0, centered: false });
    expect(codesOf(withRecipe("data mnist\noptimizer sgd"))).toEqual(["CNN2008"]);
  },
  "10.8": () => {
    const schedule = (text: string) => recipeOf(`${required}schedule ${text}`).schedule;
    expect(schedule("constant(warmup: 2)").args["warmup"]).toBe(2);
    expect(schedule("multi_step(milestones: (30, 60))").args).toMatchObject({ milestones: [30, 60], factor: 0.1 });
    const all = ["step(30)", "cosine", "one_cycle(0.1)", "reduce_on_plateau"];
    expect(all.map((text) => schedule(text).name)).toEqual(["step", "cosine", "one_cycle", "reduce_on_plateau"]);
    // PyTorch's names and order.
    expect(schedule("step(30, gamma: 0.5)").args).toMatchObject({ step_size: 30, factor: 0.5 });
    expect(schedule("cosine").args).toEqual({ eta_min: 0, warmup: 0 });
    expect(schedule("cosine(10, 1e-3)").args).toMatchObject({ T_max: 10, eta_min: 1e-3 });
    expect(schedule("reduce_on_plateau(max, 0.5, 3, 1e-3, abs, 1, 1e-5, 1e-9)").args).toMatchObject({
      mode: "max", factor: 0.5, patience: 3, threshold: 1e-3, threshold_mode: "abs", cooldown: 1, min_lr: 1e-5, eps: 1e-9,
    }); // prettier-ignore
    expect(schedule("one_cycle(0.1, epochs: 4, steps_per_epoch: 9, anneal_strategy: cos)").args).toMatchObject({
      epochs: 4, steps_per_epoch: 9, pct_start: 0.3, anneal_strategy: "cos", div_factor: 25,
    }); // prettier-ignore
    const wrong = {
      CNN5011: "one_cycle(0.1, total_steps: 10, epochs: 2)",
      CNN2012: "one_cycle(0.1, anneal_strategy: cosine)",
      CNN2014: "reduce_on_plateau(factor: 1)",
      CNN2007: "step(30, decay: 0.1)",
    };
    for (const [code, text] of Object.entries(wrong)) {
      expect(codesOf(withRecipe(`${required}schedule ${text}`))).toEqual([code]);
    }
    const warm = schedule("step(2, factor: 0.5, warmup: 1)");
    const rates = [0, 1, 2, 3, 4, 8].map((step) =>
      scheduledRate({ ...warm.args, name: warm.name }, 1, {
        step,
        stepsPerEpoch: 4,
        epochs: 4,
        losses: [],
        accuracies: [],
      }),
    );
    expect(rates).toEqual([0.25, 0.5, 0.75, 1, 1, 0.5]);
  },
  "10.9": () => {
    const all = ["pytorch", "xavier_uniform", "xavier_normal", "he_uniform", "he_normal", "normal(0.01)"];
    const names = all.map((text) => recipeOf(`${required}init ${text}`).init.name);
    expect(names).toEqual(all.map((text) => text.replace("(0.01)", "")));
  },
  "10.10": () => {
    const lines = "clip_norm 1.0\naccumulate 4\nearly_stop(patience: 5)\nmemory 0.5\nprecision f16";
    const wanted = { clipNorm: 1, accumulate: 4, earlyStopPatience: 5, memory: { share: 0.5 }, precision: "f16" };
    expect(recipeOf(required + lines)).toMatchObject(wanted);
    expect(codesOf(withRecipe(`${required}batch 0`))).toEqual(["CNN2014"]);
    expect(recipeOf(`${required}early_stop\nbatch 8`)).toMatchObject({ earlyStopPatience: 5, batch: 8 });
    expect(recipeOf(`${required}early_stop()`).earlyStopPatience).toBe(5);
    expect(codesOf(withRecipe(`${required}early_stop 8`))).toEqual(["CNN5005"]);
  },
  "10.11": () => {
    expect(recipeOf(`${required}freeze stem`).freeze).toEqual(["stem.weight", "stem.bias"]);
    expect(recipeOf(`${required}freeze stem.bias\nfreeze linear1.weight`).freeze).toEqual([
      "stem.bias",
      "linear1.weight",
    ]);
    expect(codesOf(withRecipe(`${required}freeze stm`))).toEqual(["CNN5007"]);
    const text = `model N { input 4 linear(5) -> relu as r -> linear(3) }\ntrain N {\n${required}freeze r\n}`;
    expect(checkCleanly(text).recipe?.freeze).toEqual(["linear1.weight", "linear1.bias"]);
  },
  "10.12": () => expect(codesOf(withRecipe(`${required}batch 1\nbatch 2`))).toEqual(["CNN5003"]),
  "11.1": () => {
    const body = (steps: string): string =>
      `model N { input 784 ${steps} }\ntrain N { data mnist optimizer adam batch 1 }`;
    const chain = (n: number, layer: string): string => `repeat ${n} { linear(8) -> ${layer} } linear(10)`;
    expect(codesOf(body("head a weight 0 { linear(10) } linear(10)"))).toEqual(["CNN6001"]);
    expect(codesOf(body("identity as x linear(9) from x linear(10)"))).toEqual(["CNN6002"]);
    expect(codesOf(body("linear(10) softmax"))).toEqual(["CNN6003"]);
    expect(codesOf(body("linear(10)").replace("data", "loss nll data"))).toEqual(["CNN6004"]);
    expect(codesOf(body("linear(10) dropout"))).toEqual(["CNN6005"]);
    expect(codesOf(body("batch_norm linear(10)"))).toEqual(["CNN6006"]);
    expect([4, 5].map((n) => codesOf(body(chain(n, "sigmoid"))))).toEqual([[], ["CNN6007"]]);
    expect([13, 14].map((n) => codesOf(body(chain(n, "tanh"))))).toEqual([[], ["CNN6007"]]);
    expect(codesOf(body("linear(9)"))).toEqual(["CNN6008"]);
    expect(codesOf(body("linear(10)").replace("784", "785"))).toEqual(["CNN6009"]);
    expect(codesOf(body("linear(9) dropout nothing"))).toEqual(["CNN2001"]);
  },
  // Every command on the command line: tests/cli/warnings.test.ts.
  "11.2": () => {
    const at = join(temporaryFolder({ "n.cnn": "model N { input 4 linear(3) -> dropout }" }), "n.cnn");
    const { terminal, printed } = colourlessTerminal();
    expect(checkCommand(at, { set: [] }, terminal)).toBe(0);
    expect(checkCommand(at, { set: [], denyWarnings: true }, terminal)).toBe(1);
    expect((printed.out + printed.error).match(/warning\[CNN6005\]/g)).toHaveLength(2);
  },
  "11.3": () => {
    const allowed =
      "block b { linear(9)\nsoftmax -> dropout }\nmodel N { input 4\nb // cnnc-allow CNN6005, CNN6003: why\n}";
    expect(codesOf(allowed)).toEqual(["CNN6011"]);
    expect(codesOf(allowed.replace(", CNN6003", ""))).toEqual([]);
    expect(codesOf("model N { input 4\n// cnnc-allow CNN6005\n\nlinear(3) -> dropout }")).toEqual([]);
    expect(codesOf("model N { input 4\nlinear(3) -> dropout(\n0.5) // cnnc-allow CNN6005\n}")).toEqual([]);
  },
  "11.4": () => {
    expect(codesOf("model N { input 4 linear(3) } // cnnc-allow CNN6099")).toEqual(["CNN6010"]);
    const text = "model N(n = 3) { input 4 linear(n) // cnnc-allow CNN6005\n}";
    expect(codesOf(text)).toEqual(["CNN6011"]);
    expect(codesOf(text, { settings: { n: "4" } })).toEqual([]);
  },
};

describe("the language", () => {
  test.each(Object.keys(rules))("rule %s", (number) => {
    rules[number]?.();
  });

  test("every rule of the reference has a test, and every test a rule", () => {
    const numbers = [...document.matchAll(/^\*\*(\d+\.\d+)\*\*/gm)].map(([, number]) => number);
    expect(Object.keys(rules)).toEqual(numbers);
  });
});
