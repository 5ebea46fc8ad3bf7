import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { findTable, networkKey, tablePath } from "../../../compiler/commands/tuning.ts";
import type { Schedule } from "../../../compiler/ir/kernel.ts";
import {
  choicesOf,
  parseTable,
  readTable,
  withResults,
  writeTable,
  type TunedNetwork,
  type TuningTable,
} from "../../../compiler/tune/tuningTable.ts";
import { compileText } from "../../support/compileText.ts";
import { networkText } from "../../support/randomSpec.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

const adapter = { vendor: "google", architecture: "swiftshader", device: "0xc0de", description: "SwiftShader 5.0" };
const schedule: Schedule = {
  tile: { n: 1, c: 4 },
  unroll: { ic: 2 },
  split: { axis: "n", parts: 4 },
  staged: { group: { n: 8, c: 8 }, chunk: { ic: 2 } },
  workgroupSize: 64,
};
const kernel = { label: "conv1", before: 200, after: 100, schedule };
const found: TunedNetwork = {
  model: "M",
  recipe: "",
  batch: 4,
  clock: "CPU time",
  choices: { winograd: true },
  step: { before: 1000, after: 800 },
  inference: { before: 300, after: 300 },
};
const table = withResults(undefined, adapter, { key: "abc", found }, { "conv 1": kernel }, new Set(["conv 1"]));

describe("a tuning table", () => {
  test("is read as it was written", () => {
    const path = tablePath(temporaryFolder(), "m");
    expect(readTable(path)).toBeUndefined();
    writeTable(path, table);
    expect(path).toMatch(/m\.tune\.json$/);
    expect(readTable(path)).toEqual(table);
  });

  test("decides the whole network's ways for the network that they were measured with, schedules for any", () => {
    const [own] = table.adapters;
    if (own === undefined) throw new Error("the adapter is missing");
    expect(choicesOf(own, "abc", {})).toEqual({ winograd: true, schedules: new Map([["conv 1", schedule]]) });
    expect(choicesOf(own, "another", {})).toEqual({ schedules: new Map([["conv 1", schedule]]) });
    expect(choicesOf({ ...own, kernels: {} }, "another", {})).toBeUndefined();
    const stepAlone = { ...own, kernels: {}, networks: { abc: { ...found, plainInference: true as const } } };
    expect(choicesOf(stepAlone, "abc", {})).toEqual({ winograd: true, schedules: new Map(), inference: {} });
    // On an adapter that the compiler knows, beside what it takes there itself.
    const known = { subgroups: true };
    expect(choicesOf(own, "another", known)).toMatchObject(known);
    expect(choicesOf({ ...own, kernels: {} }, "another", known)).toBeUndefined();
    expect(choicesOf(stepAlone, "abc", known)).toEqual({ winograd: true, schedules: new Map(), inference: known });
  });

  test("keeps other adapters, and other networks' kernels; what was measured again takes the old one's place", () => {
    const other = withResults(table, { ...adapter, device: "else" }, { key: "abc", found }, {}, new Set());
    expect(other.adapters.map((each) => each.adapter.device)).toEqual(["0xc0de", "else"]);
    const second = { ...kernel, after: 50 };
    const more = withResults(other, adapter, { key: "def", found }, { "conv 2": second }, new Set(["conv 2"]));
    const own = more.adapters.find((each) => each.adapter.device === "0xc0de");
    expect(Object.keys(own?.kernels ?? {})).toEqual(["conv 1", "conv 2"]);
    expect(Object.keys(own?.networks ?? {})).toEqual(["abc", "def"]);
    // Nothing faster was found this time.
    const none = withResults(more, adapter, { key: "abc", found }, {}, new Set(["conv 1"]));
    expect(Object.keys(none.adapters.find((each) => each.adapter.device === "0xc0de")?.kernels ?? {})).toEqual([
      "conv 2",
    ]);
  });

  test.each([
    ["cut off", '{"format": 1', /m\.tune\.json is not JSON.*remove it, or measure again with `cnnc tune`/],
    ["something else", "[]", /m\.tune\.json is no table of `cnnc tune`; remove it/],
    ["of a later version", '{"format": 2, "adapters": []}', /is of format 2; this version reads format 1; remove it/],
  ])("that is %s is an error that says what to do", (_, text, message) => {
    expect(() => parseTable(text, "m.tune.json")).toThrow(message);
  });

  test("leaves out what nobody wrote", () => {
    const garbled = {
      format: 1,
      adapters: [
        7,
        { adapter: "none", networks: {}, kernels: {} },
        {
          adapter: { ...adapter, description: 5 },
          networks: {
            a: { model: "M" },
            b: { ...found, plainInference: 1, choices: { winograd: "yes", packed: false, more: true } },
          },
          kernels: {
            none: null,
            text: { ...kernel, schedule: "fast" },
            tile: { ...kernel, schedule: { ...schedule, tile: { n: "1" } } },
            split: { ...kernel, schedule: { ...schedule, split: { axis: 1 } } },
            staged: { ...kernel, schedule: { ...schedule, staged: true } },
            earlier: { ...kernel, schedule: { ...schedule, subgroups: true } },
            gain: { label: "conv1", schedule },
            good: kernel,
          },
        },
      ],
    };
    const { adapters } = parseTable(JSON.stringify(garbled), "m.tune.json");
    expect(adapters).toHaveLength(1);
    expect(adapters[0]?.adapter).toEqual({ ...adapter, description: "" });
    expect(Object.keys(adapters[0]?.kernels ?? {})).toEqual(["good"]);
    expect(adapters[0]?.networks).toEqual({ b: { ...found, choices: { packed: false } } });
  });

  test("is found beside the module, else beside the spec", () => {
    const folder = temporaryFolder();
    const [out, spec] = [join(folder, "out"), join(folder, "m.cnn")];
    mkdirSync(out);
    expect(findTable(out, "m", spec)).toBeUndefined();
    writeTable(tablePath(folder, "m"), table);
    expect(findTable(out, "m", spec)?.path).toBe(tablePath(folder, "m"));
    const empty: TuningTable = { format: 1, adapters: [] };
    writeFileSync(tablePath(out, "m"), JSON.stringify(empty));
    expect(findTable(out, "m", spec)).toEqual({ path: tablePath(out, "m"), table: empty });
  });
});

test("a network is named by what it computes and its batch", () => {
  const key = (body: string, batch = 4): string => networkKey(compileText(networkText("1 x 6 x 6", body), { batch }));
  const own = key("conv(2, kernel: 3) -> relu -> flatten -> linear(3)");
  expect(own).toMatch(/^[0-9a-f]{16}$/);
  expect(key("conv(2, kernel: 3)   -> relu -> flatten -> linear(3)")).toBe(own);
  expect(key("conv(2, kernel: 3) -> tanh -> flatten -> linear(3)")).not.toBe(own);
  expect(key("conv(2, kernel: 3) -> relu -> flatten -> linear(3)", 5)).not.toBe(own);
});
