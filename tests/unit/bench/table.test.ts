import { describe, expect, test } from "@jest/globals";
import { renderRows, renderTable, seconds, tableCells } from "../../../bench/table.ts";
import type { EntryRow } from "../../../bench/statistics.ts";

const row: EntryRow = {
  entry: "cnnc",
  adapter: "an adapter",
  rounds: 2,
  samples: 6,
  wallSeconds: { median: 0.25, minimum: 0.2 },
  cpuSeconds: { median: 0.5, minimum: 0.4 },
  coldSeconds: { median: 3.456, minimum: 3 },
  coldCpuSeconds: { median: 4, minimum: 4 },
  loadSeconds: { median: 0.1, minimum: 0.1 },
  dispatches: 15,
  submits: 1,
  hostWaits: 0,
  peakBytes: 4_400_000,
  createdBytes: 0,
  imagesPerSecond: 256,
  rateShare: 0.535,
  outcomes: [2.3],
  disagreement: "",
};

const cellsOf = (line: string | undefined): readonly string[] => (line ?? "").split(/ {2,}/);

test("columns are as wide as their longest cell", () => {
  expect(renderTable([["entry", "s"], ["cnnc", "0.5"], ["a long name", "12"]])).toBe(
    ["entry          s", "----------------", "cnnc         0.5", "a long name   12", ""].join("\n"),
  ); // prettier-ignore
});

test("times have three digits", () => {
  expect([0.0523, 1.234, 15.96, 123.4].map(seconds)).toEqual(["0.0523", "1.23", "16.0", "123"]);
});

describe("renderRows", () => {
  const other: EntryRow = {
    ...row,
    entry: "tfjs",
    wallSeconds: { median: 1, minimum: 1 },
    cpuSeconds: { median: 5, minimum: 5 },
    imagesPerSecond: 4.42,
    disagreement: "step 1: 2.5, not 2.3",
  };

  test("one row an entry below the heading, ratios of CPU time to the first", () => {
    const [head, , first, second] = renderRows([row, other], { program: "training", software: true })
      .split("\n")
      .map(cellsOf);
    expect(head).toEqual(
      ["entry", "CPU s/step", "min", "wall s/step", "min", "ratio", "cold s", "dispatches", "submits", "waits", "peak MB",
       "new bytes", "images/s", "of matmul", "losses"],
    ); // prettier-ignore
    expect(first).toEqual(
      ["cnnc", "0.500", "0.400", "0.250", "0.200", "1.00x", "3.46", "15", "1", "0", "4.4", "0", "256", "53.5 %", "agree"],
    ); // prettier-ignore
    expect(second?.[5]).toBe("10.00x");
    expect(second?.at(-3)).toBe("4.4");
    expect(second?.at(-1)).toBe("DIFFER (step 1: 2.5, not 2.3)");
  });

  test("on a GPU ratios are of wall-clock time", () => {
    expect(cellsOf(renderRows([row, other], { program: "training", software: false }).split("\n")[3])[5]).toBe("4.00x");
  });

  test("predictions are compared by their outputs, and browsers have no column of CPU time", () => {
    const { cpuSeconds: _cpu, coldCpuSeconds: _cold, ...inBrowser } = row;
    const [head, first] = tableCells([inBrowser], { program: "inference", software: true });
    expect(head?.slice(0, 4)).toEqual(["entry", "wall s/step", "min", "ratio"]);
    expect(head?.at(-1)).toBe("outputs");
    expect(first?.slice(0, 4)).toEqual(["cnnc", "0.250", "0.200", "1.00x"]);
  });

  test("what an entry cannot count is a dash", () => {
    const {
      dispatches: _0,
      submits: _1,
      hostWaits: _2,
      peakBytes: _3,
      createdBytes: _4,
      rateShare: _5,
      ...plain
    } = row;
    const text = renderRows([{ ...plain, imagesPerSecond: 10 }], {
      program: "training",
      software: true,
    });
    expect(cellsOf(text.split("\n")[2]).slice(7, 14)).toEqual(["-", "-", "-", "-", "-", "10.0", "-"]);
  });
});
