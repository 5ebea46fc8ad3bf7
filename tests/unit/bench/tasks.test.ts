import { describe, expect, test } from "@jest/globals";
import { listTasks, readOptions, type Catalogue } from "../../../bench/browser/tasks.ts";

const catalogue: Catalogue = {
  version: "0.1.0",
  workloads: ["lenet", "resnet18"].map((name) => ({ name, batch: 1, inputShape: [1, 2, 2], multiplyAdds: 1 })),
  entries: ["cnnc", "tfjs"].map((name) => ({ name, version: "1" })),
  programs: ["training", "inference"],
};

describe("readOptions", () => {
  test("an address that asks for nothing gets the first workload's training step by every entry", () => {
    expect(readOptions("", catalogue)).toMatchObject({
      workloads: ["lenet"],
      entries: ["cnnc", "tfjs"],
      programs: ["training"],
    });
  });
  test("what is asked for, in the catalogue's order", () => {
    const options = readOptions(
      "?workload=all&entry=tfjs,cnnc&program=inference&rounds=1&steps=5&seconds=2",
      catalogue,
    );
    expect(options).toEqual({
      workloads: ["lenet", "resnet18"],
      entries: ["cnnc", "tfjs"],
      programs: ["inference"],
      rounds: 1,
      steps: 5,
      seconds: 2,
    });
  });
  test.each([
    ["?workload=vgg", "workload=vgg: this page has lenet, resnet18"],
    ["?steps=0", "steps takes a whole number from 1, found 0"],
    ["?rounds=many", "found many"],
  ])("%s is an error in words", (search, message) => {
    expect(() => readOptions(search, catalogue)).toThrow(message);
  });
});

test("entries take turns within a workload, round after round", () => {
  const options = readOptions("?workload=all&rounds=2", catalogue);
  expect(listTasks(options).map(({ workload, round, entry }) => `${workload} ${round} ${entry}`)).toEqual([
    "lenet 0 cnnc",
    "lenet 0 tfjs",
    "lenet 1 cnnc",
    "lenet 1 tfjs",
    "resnet18 0 cnnc",
    "resnet18 0 tfjs",
    "resnet18 1 cnnc",
    "resnet18 1 tfjs",
  ]);
});
