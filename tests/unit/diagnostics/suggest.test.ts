import { expect, test } from "@jest/globals";
import { didYouMean, editDistance, suggest } from "../../../compiler/diagnostics/suggest.ts";

test.each([
  ["kernel", "kernel", 0],
  ["kernal", "kernel", 1],
  ["kenrel", "kernel", 1],
  ["stirde", "stride", 1],
  ["ReLU", "relu", 1],
  ["RELU", "relu", 1],
  ["Epcohs", "epochs", 2],
  ["conv", "linear", 5],
  ["", "relu", 4],
])("from %s to %s: %d edits", (from, to, edits) => {
  expect(editDistance(from, to)).toBe(edits);
});

test("only what is close, the closest first, at most three", () => {
  const scope = ["kernel", "stride", "padding", "dilation", "groups", "bias"];
  expect(suggest("kernal", scope)).toEqual(["kernel"]);
  expect(suggest("Padding", scope)).toEqual(["padding"]);
  expect(suggest("momentum", scope)).toEqual([]);
  expect(suggest("abc1", ["abc2", "abc3", "abc4", "abc5", "abc"])).toEqual(["abc", "abc2", "abc3"]);
  expect(suggest("a", ["b", "xyz"])).toEqual(["b"]);
  expect(suggest("relu", ["relu"])).toEqual([]);
});

test("as a question", () => {
  expect(didYouMean("kernal", ["kernel"])).toBe("did you mean `kernel`?");
  expect(didYouMean("conv1", ["conv2", "conv3"])).toBe("did you mean `conv2` or `conv3`?");
  expect(didYouMean("conv1", ["conv2", "conv3", "conv4"])).toBe("did you mean `conv2`, `conv3` or `conv4`?");
  expect(didYouMean("kernel", ["momentum"])).toBeUndefined();
});
