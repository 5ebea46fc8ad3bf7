/** What values can be asked for by: `as` names anywhere, paths of layers, joins, blocks and heads; what is refused, with which names. */
import { describe, expect, test } from "@jest/globals";
import { checkValue } from "../../compiler/commands/checkValue.ts";
import { summarizeGraph } from "../../compiler/commands/summarize.ts";
import { findValue, valueNamed } from "../../compiler/findValue.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import { bodyGraph } from "../support/checkText.ts";

/** Where a value comes from: its node's op and how often the op occurs before it. */
function origin(graph: Graph, name: string): string {
  const found = findValue(graph, name);
  if ("problem" in found) return found.problem;
  const node = graph.nodes.find(({ output }) => output === found.value);
  const before = graph.nodes.filter(({ op, output }) => op === node?.op && output <= found.value);
  return node === undefined ? "input" : `${node.op} ${before.length}`;
}

const blocks = `block unit(c) {
  identity as raw
  add {
    branch { conv(c, kernel: 3, padding: 1) -> relu as mid -> conv(c, kernel: 1) }
    branch { from raw -> conv(c, kernel: 1) as short }
  } as sum
  relu
}
block pair(c) { unit(c) as first  unit(c) }`;
const graph = bodyGraph("unit(4) -> unit(4) as second -> pair(4)\nhead aux { flatten -> linear(3) }\nflatten -> linear(3)", blocks); // prettier-ignore

describe("a value goes by", () => {
  test.each([
    ["its name inside a block's branch", "unit1.mid", "relu 1"],
    ["its name inside a block that is named", "second.mid", "relu 3"],
    ["its name two blocks deep", "pair1.first.mid", "relu 5"],
    ["a join's name", "second.sum", "add 2"],
    ["a join's path", "second.add", "add 2"],
    ["a layer's path", "pair1.unit1.conv2", "conv 11"],
    ["what a block gives", "unit1", "relu 2"],
    ["what a block in a block gives", "pair1.unit1", "relu 8"],
    ["the end of a path that only one has", "first.short", "conv 9"],
    ["a head's name", "aux", "linear 1"],
    ["a layer of a head", "aux.flatten1", "reshape 1"],
    ["a name for what arrives", "unit1.raw", "input"],
  ])("%s: %s", (_, name, expected) => {
    expect(origin(graph, name)).toBe(expected);
  });

  test("every row of the summary", () => {
    for (const depth of [1, 2, Infinity]) {
      for (const { name, output } of summarizeGraph(graph, [], depth).layers) {
        const value = valueNamed(graph, name);
        expect(graph.nodes.find((node) => node.output === value)?.type.shape).toEqual(output);
      }
    }
  });
});

test("a name that several have is refused with what tells them apart", () => {
  expect(origin(graph, "mid")).toBe(
    "Test has 4 values of this name; say which: unit1.mid, second.mid, pair1.first.mid, pair1.unit1.mid",
  );
  const loop = bodyGraph("repeat 3 { conv(2, kernel: 1) as stage -> relu as active }\nadd { branch { conv(2, kernel: 1) -> relu as active } branch { } }\nadd { branch { relu } branch { } branch { } }"); // prettier-ignore
  expect(origin(loop, "stage")).toBe("Test has 3 values of this name; say which: stage_1, stage_2, stage_3");
  expect(["stage_1", "stage_2", "stage_3"].map((name) => origin(loop, name))).toEqual(["conv 1", "conv 2", "conv 3"]);
  expect(origin(loop, "active")).toMatch(/4 values.* active_1, active_2, active_3, active_4$/);
  expect(origin(loop, "active_4")).toBe("relu 4");
  // The second join is of three branches, and its value is all three's sum.
  expect(origin(loop, "add")).toMatch(/2 values.* add_1, add_2$/);
  expect(["add_1", "add_2"].map((name) => origin(loop, name))).toEqual(["add 1", "add 3"]);
});

test("a name that nothing has is answered with what is near, else with what there is", () => {
  expect(origin(graph, "secnd.mid")).toBe(
    "Test has no such value or layer; did you mean `second.mid` or `second.add`?",
  );
  expect(origin(graph, "shrt")).toMatch(/did you mean `short`/);
  expect(origin(graph, "nothing like it")).toMatch(/it has second, unit1\.raw.* and \d+ more, as `cnnc summary` shows them$/); // prettier-ignore
  // As a shell gives it where a variable is not set.
  expect(origin(graph, "")).toMatch(/^Test has no such value or layer; it has second, unit1\.raw/);
  expect(() => checkValue(graph, "")).toThrow(/^--value "": Test has no such value/);
  expect(() => valueNamed(graph, "secnd")).toThrow(new RangeError("secnd: Test has no such value or layer; did you mean `second`?")); // prettier-ignore
});
