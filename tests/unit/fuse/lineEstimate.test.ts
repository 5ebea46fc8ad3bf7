import { expect, test } from "@jest/globals";
import { choiceOf, optionsFor, searchOf } from "../../../compiler/4-fuse/listSchedules.ts";
import { networkUnits } from "../../../compiler/tune/networkUnits.ts";
import { compileText } from "../../support/compileText.ts";
import { networkText } from "../../support/randomSpec.ts";

/** Kernels shorter than this hardly use what they may. */
const longKernel = 80;

test.each([
  ["LeNet", "1 x 28 x 28", "conv(6, kernel: 5, padding: 2) -> sigmoid -> avg_pool(2)\nconv(16, kernel: 5) -> sigmoid -> avg_pool(2)\nflatten -> linear(120) -> sigmoid -> linear(3)"], // prettier-ignore
  ["max pooling that drops a column", "1 x 29 x 29", "conv(10, kernel: 5) -> max_pool(2) -> relu\nconv(20, kernel: 5) -> max_pool(2) -> relu\nflatten -> linear(3)"], // prettier-ignore
  ["batch norm", "3 x 16 x 16", "conv(16, kernel: 3, padding: 1) -> batch_norm -> relu\nconv(32, kernel: 3, padding: 1, stride: 2) -> batch_norm -> relu\nglobal_avg_pool -> flatten -> linear(3)"], // prettier-ignore
])("a kernel's lines are about as many as the search expects: %s", (_, input, body) => {
  const network = compileText(networkText(input, body), { batch: 32, choices: {} });
  const shares: number[] = [];
  for (const { request, schedule, dispatches } of networkUnits(network).values()) {
    const search = searchOf(request.kernel, optionsFor(request, "cpu", false));
    if (search === undefined) continue;
    const emitted = network.plan.kernels[dispatches[0]?.kernel ?? -1];
    if (emitted === undefined) throw new Error("a unit has no kernel");
    const { wgsl } = emitted;
    const lines = wgsl.slice(wgsl.indexOf("fn main")).split("\n").length;
    if (lines >= longKernel) shares.push(search.lines.of(choiceOf(schedule, search)) / lines);
  }
  expect(shares.length).toBeGreaterThan(4);
  expect(Math.min(...shares)).toBeGreaterThan(0.5);
  expect(Math.max(...shares)).toBeLessThan(1.8);
  const distances = shares.map((share) => Math.abs(Math.log(share))).sort((a, b) => a - b);
  expect(Math.exp(distances[distances.length >> 1] ?? 1)).toBeLessThan(1.25);
});
